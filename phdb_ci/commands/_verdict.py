"""What the verbs that give a verdict share: its files, its exit code, where it runs, values for a workflow."""

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from phdb_ci import __version__
from phdb_ci.base.files import write_whole
from phdb_ci.base.github_url import HOST, OWNER_NAME
from phdb_ci.commands._common import runs_of
from phdb_ci.errors import DiskError, Exit, UsageError
from phdb_ci.judging.gathered import Gathered
from phdb_ci.judging.verdict import make_verdict
from phdb_ci.models.verdict import Verdict
from phdb_ci.terminal import page_of


def code(verdict: Verdict) -> Exit:
    """The exit code of a verdict."""
    return {"pass": Exit.PASS, "fail": Exit.FAIL, "incomplete": Exit.INCOMPLETE}[verdict.outcome]


def verdict_today(gathered: Gathered, baseline: Verdict | None, notes: Sequence[str]) -> Verdict:
    """The verdict of this release over what was gathered; a quarantine ends on the user's own day."""
    return make_verdict(gathered, tool=__version__, today=date.today(), baseline=baseline, notes=notes)  # noqa: DTZ011


def write(verdict: Verdict, out: Path) -> None:
    """The verdict's files in the run directory: verdict.json last, so that it is there only with the others."""
    from phdb_ci.rendering.comment import comment, summary
    from phdb_ci.reports import write_junit

    write_junit(out / "junit.xml", [leg.result for leg in verdict.legs])
    write_whole(out / "comment.md", comment(verdict))
    write_whole(out / "summary.md", summary(verdict))
    write_whole(out / "verdict.json", verdict.model_dump_json(indent=1) + "\n")


def deliver(verdict: Verdict, out: Path, arguments: argparse.Namespace, outputs: Mapping[str, object]) -> None:
    """The verdict's files in the run directory, `latest` moved to it, and a workflow's values into `--outputs`."""
    write(verdict, out)
    point_latest(out, arguments.out)
    write_outputs(arguments.outputs, outputs)


def show(verdict: Verdict, out: Path, arguments: argparse.Namespace) -> None:
    """The verdict on standard output: the record with `--json`, else for people, and where its files are."""
    if arguments.json:
        print(verdict.model_dump_json(indent=1))
        return
    from phdb_ci.rendering.verdict_text import verdict_text

    print(f"\n{verdict_text(verdict, page_of(sys.stdout, os.environ))}\n{out}")


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


def point_latest(out: Path, chosen: Path | None) -> None:
    """Let `latest` point to the newest run; two runs at once leave it at one of them."""
    if chosen is not None:
        return
    temporary = out.parent / f".latest-{out.name}"
    temporary.symlink_to(out.name)
    temporary.replace(out.parent / "latest")


def run_url(environ: Mapping[str, str]) -> str | None:
    """The address of this run on GitHub, from its own variables, when they have the form that GitHub gives them."""
    repository, run = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_RUN_ID", "")
    if re.fullmatch(OWNER_NAME, repository) and run.isdigit():
        return f"{HOST}/{repository}/actions/runs/{run}"
    return None


def attempt(environ: Mapping[str, str]) -> int:
    """Which attempt of the run this is; 1 outside of GitHub."""
    told = environ.get("GITHUB_RUN_ATTEMPT", "1")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 1


def head(environ: Mapping[str, str]) -> str | None:
    """The commit that the verdict is for, as the workflow says it. Raises UsageError if it is not a full commit id."""
    told = environ.get("PHDB_CI_HEAD", "")
    if told and not re.fullmatch(r"[0-9a-f]{40}", told):
        raise UsageError(f"PHDB_CI_HEAD={told[:60]}: expected a full commit id, 40 hex digits")
    return told or None


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
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise DiskError(f"--outputs {path}: cannot be written: {error.strerror}") from error
