"""`phdb-ci publish`: the verdict of a finished gate on GitHub: the pull request's one comment and two commit statuses.

`--dry-run` shows what would be published of a local verdict.json and contacts nobody.
"""

import argparse
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from phdb_ci.base.github_url import HOST, OWNER_NAME
from phdb_ci.base.text import counted
from phdb_ci.commands._delivery import append
from phdb_ci.commands._options import read_verdict, runs_of
from phdb_ci.errors import Exit, ResultsError, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.posting import CONTEXT, REGRESSIONS, Published

if TYPE_CHECKING:
    from phdb_ci.github.client import Waits

WORKFLOW = ".github/workflows/phdb-gate.yml"
SERVER = r"https://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?"
LOGIN = r"[A-Za-z0-9-]{1,39}(\[bot\])?"


def main(arguments: argparse.Namespace, waits: "Waits | None" = None) -> int:
    """Publish, or show what would be published; 0 also when there was nothing to do."""
    if arguments.dry_run:
        return _show(arguments)
    if arguments.verdict is not None:
        raise UsageError(
            f"{arguments.verdict}: a local verdict is shown and not published",
            tries=["add --dry-run", "leave the file out: the run's own verdict is fetched from GitHub"],
        )
    done = _publish(arguments, os.environ, waits)
    lines = _lines(done)
    print(done.model_dump_json(indent=1) if arguments.json else "\n".join(lines))
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):  # where a person who misses a comment looks first
        from phdb_ci.rendering.markdown import code, points

        append(Path(path), [points(map(code, lines)) + "\n"], "$GITHUB_STEP_SUMMARY")
    return Exit.PASS


def _show(arguments: argparse.Namespace) -> int:
    from phdb_ci.rendering.comment import comment, commit_status, regressions_status

    path = arguments.verdict or runs_of(arguments.matrix) / "latest" / "verdict.json"
    if not path.is_file():
        raise ResultsError(f"there is no file {path}", tries=["run a gate first: phdb-ci run GATE"])
    verdict = read_verdict(path)
    body, status, compared = comment(verdict), commit_status(verdict), regressions_status(verdict)
    if arguments.json:
        print(json.dumps({"body": body, "status": status.model_dump(), "regressions": compared.model_dump()}, indent=1))
    else:
        lines = [f"{item.context}: {item.state}, {item.description}" for item in (status, compared)]
        print("\n".join([body, *lines]))
    return Exit.PASS


def _publish(arguments: argparse.Namespace, environ: Mapping[str, str], waits: "Waits | None") -> Published:
    repository = arguments.repository or environ.get("GITHUB_REPOSITORY", "")
    wrong = f"{repository} is not OWNER/NAME: " if repository else ""
    run, author, token = str(arguments.run_id or ""), arguments.author, environ.get("GITHUB_TOKEN", "").strip()
    server = (environ.get("GITHUB_SERVER_URL") or HOST).rstrip("/")
    for value, form, message in (
        (repository, OWNER_NAME, f"{wrong}set --repository OWNER/NAME or $GITHUB_REPOSITORY"),
        (run, "(?!0+$)[0-9]{1,19}", "--run-id: expected the number of the gate's run, as in its address"),
        (author, LOGIN, f"--as {author}: expected a login of GitHub, as github-actions[bot]"),
        (token, "(?s).+", "$GITHUB_TOKEN is not set: comment and status are written with it"),
        (server, SERVER, f"$GITHUB_SERVER_URL={server[:100]}: expected an address like {HOST}"),
    ):
        if value is not None and not re.fullmatch(form, value):
            raise UsageError(message)
    from phdb_ci.github.client import Client, Waits, api_of
    from phdb_ci.github.publish import Place, publish

    client = Client(api_of(environ), token, repository, waits or Waits())
    place = Place(server, arguments.workflow or WORKFLOW, legs_of(load(arguments.matrix)), author)
    return publish(client, int(run), place)


def legs_of(matrix: Matrix) -> dict[str, frozenset[str]]:
    """The legs of each gate, those that are skipped by a written rule included."""
    return {
        name: frozenset(f"{job}@{os}" for job in gate.jobs for os in (*matrix.jobs[job].os, *matrix.jobs[job].skip))
        for name, gate in matrix.gates.items()
    }


def _lines(done: Published) -> list[str]:
    place = f"pull request {done.pull}: " if done.pull else ""
    lines = [f"{place}comment {done.comment}"] if done.comment else []
    lines += [f"{counted(done.removed, 'older comment')} removed"] if done.removed else []
    lines += [f"commit status {CONTEXT}: {done.status}"] if done.status else []
    lines += [f"commit status {REGRESSIONS}: {done.regressions}"] if done.regressions else []
    return [*lines, *(f"note: {note}" for note in done.notes)]
