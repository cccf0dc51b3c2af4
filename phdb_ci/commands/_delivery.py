"""What the verbs that give a verdict share: its files, its exit code, where it runs, values for a workflow."""

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.base.files import write_whole
from phdb_ci.base.github_url import HOST, OWNER_NAME
from phdb_ci.commands._options import runs_of
from phdb_ci.errors import DiskError, UsageError
from phdb_ci.judging.gathered import Gathered, Run
from phdb_ci.judging.verdict import make_verdict
from phdb_ci.models.verdict import Verdict
from phdb_ci.terminal import page_of


def verdict_today(
    gathered: Gathered, baseline: Verdict | None, notes: Sequence[str], today: date | None = None
) -> Verdict:
    """The verdict of this release over what was gathered; a quarantine ends on the user's own day."""
    day = today or date.today()  # noqa: DTZ011 - a quarantine ends on the user's own day
    return make_verdict(gathered, tool=__version__, today=day, baseline=baseline, notes=notes)


def deliver(verdict: Verdict, out: Path, arguments: argparse.Namespace, outputs: Mapping[str, object]) -> None:
    """Write the verdict's files, move `latest` to them, append to `--outputs`.

    verdict.json is the last of the files, so that it is there only with the others.
    """
    from phdb_ci.rendering.comment import comment, summary
    from phdb_ci.reports.writer import write_junit

    write_junit(out / "junit.xml", verdict.legs, missing=verdict.missing, artifacts=verdict.artifacts)
    write_whole(out / "comment.md", comment(verdict))
    write_whole(out / "summary.md", summary(verdict))
    write_whole(out / "verdict.json", verdict.model_dump_json(indent=1) + "\n")
    if arguments.out is None:
        # Two runs at once leave `latest` at one of them.
        temporary = out.parent / f".latest-{out.name}"
        temporary.symlink_to(out.name)
        temporary.replace(out.parent / "latest")
    write_outputs(arguments.outputs, outputs)


def show(verdict: Verdict, out: Path, arguments: argparse.Namespace) -> None:
    """Print the record with `--json`, else the verdict for people, and where its files are."""
    from phdb_ci.rendering.verdict_text import verdict_text

    near = out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out
    text = f"\n{verdict_text(verdict, page_of(sys.stdout, os.environ), near)}\n{out}"
    print(verdict.model_dump_json(indent=1) if arguments.json else text)


def new_run_id() -> str:
    """An id for a run that starts now: its time (UTC) and six hexadecimal digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def run_directory(out: Path | None, matrix: Path, run_id: str, gate: str) -> Path:
    """Make the run directory: `out`, or a new one among the matrix's runs.

    Raises UsageError for one that holds something, DiskError when it cannot be written.
    """
    runs = runs_of(matrix)
    path = out or runs / f"{run_id[:15]}-{gate[:60]}-{run_id[-6:]}"
    try:
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"--out {path}: is not empty; what lies there would mix with this run's results")
        path.mkdir(parents=True, exist_ok=True)
        if out is None:  # a run of a working tree must not find its own results among the untracked files
            (runs.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise DiskError(f"the run directory {path} cannot be made: {error.strerror}") from error
    return path.resolve()


def run_here(environ: Mapping[str, str]) -> Run:
    """What the environment says of this run: GitHub's variables, and the commit that the verdict is for.

    Raises UsageError for a commit that is not a full id. A page only when the variables have GitHub's form.
    """
    run_id, repository = environ.get("GITHUB_RUN_ID"), environ.get("GITHUB_REPOSITORY", "")
    head, attempt = environ.get("PHDB_CI_HEAD", ""), environ.get("GITHUB_RUN_ATTEMPT", "")
    if head and not re.fullmatch("[0-9a-f]{40}", head):
        raise UsageError(f"PHDB_CI_HEAD={head[:60]}: expected a full commit id, 40 hex digits")
    on_github = run_id and run_id.isdigit() and re.fullmatch(OWNER_NAME, repository)
    return Run(
        id=run_id or None,
        attempt=(int(attempt) if re.fullmatch("[0-9]{1,5}", attempt) else 1) if run_id else None,
        head=head or None,
        url=f"{HOST}/{repository}/actions/runs/{run_id}" if on_github else None,
    )


def write_outputs(path: Path | None, values: Mapping[str, object]) -> None:
    """Append `name=value` lines to a step's output file. A text stays as it is, anything else becomes JSON.

    A value of several lines would need a delimiter that nothing in it can guess; none of ours has any.
    """
    if path is None:
        return
    lines = []
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if "\n" in text or "\r" in text:
            raise UsageError(f"--outputs: {name} has more than one line")
        lines.append(f"{name}={text}\n")
    append(path, lines, "--outputs")


def append(path: Path, lines: Iterable[str], name: str) -> None:
    """Append lines to a file that `name` has named. Raises DiskError when it cannot be written."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise DiskError(f"{name} {path}: cannot be written: {error.strerror}") from error
