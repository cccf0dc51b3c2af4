"""Verdict → the pull request's comment, the step summary, the commit status.

Each file gives one part of it as finished Markdown; this one puts them under each other.
"""

from collections.abc import Iterator, Sequence

from phdb_ci.base.text import counted, cut
from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Unaffected, Verdict
from phdb_ci.rendering import figures
from phdb_ci.rendering.comment import evidence_section, failures, heading, regressions, sources, timeline
from phdb_ci.rendering.comment.entries import Shown, shown
from phdb_ci.rendering.comment.heading import commit_status
from phdb_ci.rendering.comment.marker import MARKER, State, marked, state_of
from phdb_ci.rendering.comment.regressions import regressions_status
from phdb_ci.rendering.comment.size_budget import COMMENT, COMMENT_BUDGET, SUMMARY, SUMMARY_BUDGET, Level, fitting
from phdb_ci.rendering.comment.table import main_table, not_run, still_quarantined
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, first, points

__all__ = ["MARKER", "comment", "comments", "commit_status", "regressions_status", "summary"]
MOST_PATHS = 50


def comment(verdict: Verdict, posting: Posting | None = None) -> str:
    """The pull-request comment: at most 65,000 bytes, the marker first; with a posting it links its run and jobs."""
    return next(comments(verdict, posting))


def comments(verdict: Verdict, posting: Posting | None = None) -> Iterator[str]:
    """The comment, and then the same with ever less in it, for a server that takes less than it says."""
    return _texts(shown(verdict, posting), COMMENT, COMMENT_BUDGET)


def summary(verdict: Verdict) -> str:
    """The step summary: the same with everything, at most 1,000,000 bytes."""
    return next(_texts(shown(verdict), SUMMARY, SUMMARY_BUDGET))


def _texts(view: Shown, levels: Sequence[Level], budget: int) -> Iterator[str]:
    verdict, posting = view.verdict, view.posting
    local = State(run_id=cut(verdict.run_id, 100), attempt=verdict.attempt, head=verdict.head, outcome=verdict.outcome)

    def text(level: Level) -> str:
        body = _body(view, level)
        return marked(state_of(posting, verdict.head, verdict.outcome, body) if posting else local, body)

    return fitting(levels, budget, text)


def _body(view: Shown, level: Level) -> str:
    blocks = [f"## {heading.heading(view)}", *_lead(view, level)]
    blocks += [section.text for section in _sections(view, level)]
    if level.left_out:
        blocks.append(f"Left out to stay within GitHub's size limit: {level.left_out}. All of it is in `verdict.json`.")
    return "\n\n".join([*blocks, heading.footer(view.verdict)]) + "\n"


def _lead(view: Shown, level: Level) -> list[str]:
    table = main_table(view, level.rows) if view.expected or not view.unaffected else ""
    warned = points([*sources.warnings(view.verdict), *still_quarantined(view)])
    above = [heading.sentence(view), regressions.line(view), heading.WARNINGS.get(view.verdict.stack)]
    return list(filter(None, [*above, table, warned]))


def _sections(view: Shown, level: Level) -> list[Section]:
    measured = filter(None, (figures.section(entry.result) for entry in view.entries if entry.result))
    sections = [
        _unread(view.unaffected) if view.unaffected else None,
        regressions.section(view, level),
        *failures.sections(view, level),
        not_run(view),
        *(measured if level.passed else ()),
        evidence_section.section(view, level) if level.sources else None,
        sources.section(view) if level.sources else Section("", (sources.in_one_line(view.verdict),)),
        *(evidence_section.lists(view, level) if level.lists else ()),
        timeline.section(view) if level.passed else None,
    ]
    return [section for section in sections if section]


def _unread(changed: Unaffected) -> Section:
    """The section of a run in which nothing was run: the paths that changed."""
    more = max(0, changed.more)
    title = f"Changed: {counted(len(changed.paths) + more, 'path')}, none of which a job reads"
    return Section(title, (points(first(changed.paths, MOST_PATHS, limit=TITLE_LIMIT, hidden=more)),))
