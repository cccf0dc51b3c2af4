"""Sources → the command that runs the same again. Pure."""

import shlex
from collections.abc import Iterable, Sequence

from phdb_ci.models.sources import Source
from phdb_ci.models.verdict import VerdictSource


def reproduce(gate: str, is_gate: bool, sources: Iterable[Source | VerdictSource], options: Sequence[str] = ()) -> str:
    """The command, with `--repo` for every source that is not the matrix's pin."""
    words = ["nox", "-s", gate, "--"] if is_gate else ["phdb-ci", "run", *gate.split("+")]
    for source in sources:
        by_stack = source.via.startswith("--stack") and "--stack" in options
        if source.origin not in ("pin", "folder") and not by_stack:
            words += ["--repo", f"{source.repo}={_spec(source)}"]
    words += options
    if words[-1] == "--":
        words.pop()
    return shlex.join(words)


def _spec(source: Source | VerdictSource) -> str:
    if source.origin == "tree":
        return source.where
    return f"{source.where}@{source.commit}" if source.where.startswith("/") else source.commit
