"""Verdict → View: all that the templates show, as finished Markdown. Decides nothing but what is shown."""

from dataclasses import dataclass

from phdb_ci.models.verdict import Verdict
from phdb_ci.render import headline
from phdb_ci.render.basis import Basis, Lists, basis, lists
from phdb_ci.render.entries import entries
from phdb_ci.render.failures import Block, blocks
from phdb_ci.render.shed import Level
from phdb_ci.render.sources import SourcesView, in_one_line, sources, warnings
from phdb_ci.render.table import Table, main_table
from phdb_ci.render.timeline import timeline


@dataclass(frozen=True)
class View:
    """One field per place in the template; what is None or empty is not shown."""

    marker: str
    heading: str
    sentence: str
    stack: str | None
    table: Table
    warnings: tuple[str, ...]
    blocks: tuple[Block, ...]
    basis: Basis | None
    sources: SourcesView | None
    sources_line: str
    lists: tuple[Lists, ...]
    timeline: tuple[str, ...]
    left_out: str
    footer: str


def view(verdict: Verdict, level: Level) -> View:
    """What is shown of a verdict at a level of detail."""
    found = entries(verdict)
    complete = [lists(entry, 500) for entry in found[: level.blocks]] if level.lists else []
    return View(
        marker=headline.marker(verdict),
        heading=headline.heading(verdict, found),
        sentence=headline.sentence(verdict, found),
        stack=headline.stack_warning(verdict),
        table=main_table(verdict, found, level.rows),
        warnings=tuple(warnings(verdict)),
        blocks=blocks(found, level),
        basis=basis(found[: level.rows], passed=level.passed) if level.basis else None,
        sources=sources(verdict) if level.sources else None,
        sources_line=in_one_line(verdict),
        lists=tuple(one for one in complete if one),
        timeline=timeline(verdict, found) if level.timeline else (),
        left_out=", ".join(level.left_out),
        footer=headline.footer(verdict),
    )
