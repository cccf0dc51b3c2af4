"""Verdict → View: all that the templates show, as finished Markdown. Decides nothing but what is shown."""

from dataclasses import dataclass

from phdb_ci.base.text import counted
from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Unaffected, Verdict
from phdb_ci.rendering import headline
from phdb_ci.rendering.basis import Basis, Lists, basis, lists
from phdb_ci.rendering.entries import entries
from phdb_ci.rendering.failures import Block, blocks
from phdb_ci.rendering.markdown import TITLE_LIMIT, code
from phdb_ci.rendering.measured import measured
from phdb_ci.rendering.shed import Level
from phdb_ci.rendering.sources import SourcesView, in_one_line, sources, warnings
from phdb_ci.rendering.table import Table, main_table
from phdb_ci.rendering.timeline import timeline

MOST_PATHS = 50


@dataclass(frozen=True)
class Unread:
    """The section of an unaffected run: the paths that changed."""

    title: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class View:
    """One field per place in the template; what is None or empty is not shown."""

    heading: str
    sentence: str
    stack: str | None
    table: Table | None
    unread: Unread | None
    warnings: tuple[str, ...]
    blocks: tuple[Block, ...]
    basis: Basis | None
    sources: SourcesView | None
    sources_line: str
    lists: tuple[Lists, ...]
    measured: tuple[str, ...]
    timeline: tuple[str, ...]
    left_out: str
    footer: str


def view(verdict: Verdict, level: Level, posting: Posting | None = None) -> View:
    """What is shown of a verdict at a level of detail."""
    found = entries(verdict)
    unaffected = verdict.unaffected if headline.is_unaffected(verdict) else None
    complete = [lists(entry, 500) for entry in found[: level.blocks]] if level.lists else []
    return View(
        heading=headline.heading(verdict, found),
        sentence=headline.sentence(verdict, found, posting),
        stack=headline.stack_warning(verdict),
        table=None if unaffected and not found else main_table(verdict, found, level.rows, posting),
        unread=_unread(unaffected) if unaffected else None,
        warnings=tuple(warnings(verdict)),
        blocks=blocks(found, level),
        basis=basis(found[: level.rows], passed=level.passed) if level.basis else None,
        sources=sources(verdict, posting) if level.sources else None,
        sources_line=in_one_line(verdict),
        lists=tuple(one for one in complete if one),
        measured=measured(found) if level.timeline else (),
        timeline=timeline(verdict, found) if level.timeline else (),
        left_out=", ".join(level.left_out),
        footer=headline.footer(verdict),
    )


def _unread(one: Unaffected) -> Unread:
    paths = [code(path, TITLE_LIMIT) or "`?`" for path in one.paths[:MOST_PATHS]]
    hidden = max(0, len(one.paths) - MOST_PATHS) + max(0, one.more)
    shown = [*paths, f"and {hidden} more"] if hidden else paths
    return Unread(f"Changed: {counted(len(paths) + hidden, 'path')}, none of which a job reads", tuple(shown))
