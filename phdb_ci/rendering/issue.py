"""A leg that is not green → a report for the repository that it is about: what was run, expected, got, and how. Pure.

Nothing in it needs phdb-ci to be understood: commits, the repository's own command, the messages, the log's end.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from phdb_ci.base.github_url import page_of
from phdb_ci.base.text import both_ends, listed
from phdb_ci.judging.gathered import reproduce
from phdb_ci.models.issue import Issue
from phdb_ci.models.matrix import Repo
from phdb_ci.models.results import Case, LegResult
from phdb_ci.models.statuses import STATUSES
from phdb_ci.models.verdict import Verdict, VerdictLeg, VerdictSource
from phdb_ci.rendering.markdown import (
    TITLE_LIMIT,
    code,
    commit_link,
    excerpt,
    fenced,
    first,
    issue_link,
    one_line,
    points,
    table,
    word,
)

MOST_CASES, MOST_REASONS = 5, 10
DETAIL, LOG = 40, 40  # lines of a traceback, and of the log's end
MESSAGE = 1_000  # characters of a message, of both its ends
# The folder of a leg in our cache, gone when somebody reads this (execution/housekeeping.py).
_WORKSPACE = re.compile(r"[^\s'\"(=:]{0,300}/work/[0-9]{8}-[0-9]{6}-[0-9a-f]{6}/[a-z0-9_-]+@[a-z0-9.-]+")


def issue_of(
    verdict: Verdict, leg: VerdictLeg, cases: Sequence[Case], repos: Mapping[str, Repo], log: Sequence[str]
) -> Issue:
    """The report about a leg. `cases` are the failing ones that it is about, `log` the lines of the leg's log."""
    result, sources = leg.result, [*_sources(verdict, leg, repos)]
    own = sources[0] if sources else None
    place = ", ".join(map(code, (result.os, verdict.platform, result.started)))
    parts = [
        f"# {_heading(result, cases)}",
        f"Job **{word(result.job)}** ({code(result.summary)}) on {place}.",
        *_tracked(leg, cases),
        "## What was run",
        table(("repository", "commit", ""), map(_source, sources)),
        "## Expected",
        points([f"{code(case.title, TITLE_LIMIT)} passes" for case in cases[:MOST_CASES]] or ["the job passes"]),
        "## Got",
        points([f"**{result.status}**", *first([*map(_named, result.reasons)], MOST_REASONS)]),
        *(_got(case) for case in cases[:MOST_CASES]),
        "## To see it",
        *_commands(result, own, sources),
        *_log(log),
        f"<sub>{code(f'phdb-ci {verdict.tool}', 60)}, run {code(verdict.run_id, 60)}</sub>",
    ]
    return Issue(
        repository=own.web if own else None, job=result.job, cases=tuple(case.title for case in cases),
        title=_title(result, cases), body="\n\n".join(filter(None, parts)) + "\n",
    )  # fmt: skip


def _sources(verdict: Verdict, leg: VerdictLeg, repos: Mapping[str, Repo]) -> Iterator[VerdictSource]:
    """The sources of the leg, its own repo first; one that is at its pin is had by anybody from the repo's own URL."""
    known = {source.repo: source for source in verdict.sources}
    for tested in leg.result.sources:
        source, repo = known.get(tested.repo), repos.get(tested.repo)
        if source is None:
            continue
        if repo and not source.dirty and source.commit == repo.pin:
            source = source.model_copy(update={"origin": "pin", "web": page_of(repo.url), "where": repo.url})
        yield source


def _source(source: VerdictSource) -> tuple[str, ...]:
    dirty = "with uncommitted changes" if source.dirty else ""
    return word(source.repo), commit_link(source.web, source.commit), dirty


def _heading(result: LegResult, cases: Sequence[Case]) -> str:
    what = listed([code(case.title, TITLE_LIMIT) for case in cases], 1)
    return f"{word(result.job)}: {what} failed" if what else f"{word(result.job)} {STATUSES[result.status].phrase}"


def _title(result: LegResult, cases: Sequence[Case]) -> str:
    what = listed([one_line(case.title, TITLE_LIMIT) for case in cases], 1)
    return f"{result.job}: {what} failed" if what else f"{result.job} {STATUSES[result.status].phrase}"


def _tracked(leg: VerdictLeg, cases: Sequence[Case]) -> list[str]:
    """Where it is tracked already."""
    titles = {case.title for case in cases}
    rows = [item.row for item in leg.quarantine if item.row.case is None or titles.intersection(item.failing)]
    return [f"Quarantined until {row.until}, tracked as {issue_link(row.issue)}." for row in rows]


def _got(case: Case) -> str:
    message = one_line(both_ends(_named(case.message), MESSAGE), MESSAGE)
    lines = [one_line(case.title, TITLE_LIMIT), message, *excerpt(_named(case.detail), DETAIL)]
    return fenced([*filter(None, lines)])


def _named(text: str) -> str:
    """The text with a word for the leg's folder."""
    return _WORKSPACE.sub("WORKSPACE", text)


def _commands(result: LegResult, own: VerdictSource | None, sources: Iterable[VerdictSource]) -> Iterator[str]:
    """The repository's own command that failed, and the one command that does all of it."""
    ran = [command for command in result.facts.commands if command.phase == "run"]
    bad = [command for command in result.facts.commands if command.exit_code != 0] or ran
    where = f" in {word(own.repo)} at {commit_link(own.web, own.commit)}" if own else ""
    if bad:
        lines = [line for command in bad[-1:] for line in excerpt(command.text, DETAIL)]
        yield f"The job's command{where}, with exit code {bad[-1].exit_code}:"
        yield fenced(lines, "sh")
    yield "The whole job, with its checkouts, environment and artifacts:"
    yield fenced(excerpt(reproduce(result.job, False, sources), DETAIL), "sh")


def _log(lines: Sequence[str]) -> list[str]:
    end = excerpt(_named("\n".join(line[:MESSAGE] for line in lines[-LOG:])), LOG)
    return ["## The end of its log", fenced(end)] if end else []
