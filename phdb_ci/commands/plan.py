"""`phdb-ci plan`: what would run, on which commits, and why. Runs nothing.

`--markdown` is the CI matrix as a page, from the matrix alone: it needs neither sources nor a network.
"""

import argparse
import os
import sys
from collections.abc import Iterator

from phdb_ci.base.page import ENDLESS, Page, blocks
from phdb_ci.base.text import counted, duration, harmless, one_line
from phdb_ci.commands._delivery import write_outputs
from phdb_ci.commands._options import cache_dir, check_gate, check_named, planned, proofs_beside
from phdb_ci.errors import ConflictError, Exit, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.base import glob_matches
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Unaffected
from phdb_ci.sources.git.bundle import write_bundle
from phdb_ci.sources.git.content import changed_since
from phdb_ci.sources.git.env import mask
from phdb_ci.sources.git.mirror import mirror_of
from phdb_ci.sources.git.refs import FULL
from phdb_ci.terminal import page_of

PATIENCE = (2.0, 8.0, 30.0)  # seconds before each further try of a remote, where one run fetches for many machines
LONGEST_PROBLEM = 2000  # characters of what a verdict says of sources that cannot be had
LONGEST = 200  # characters of a path that is named there
SHOWN = 50  # paths that the record of an unaffected run names


def main(arguments: argparse.Namespace) -> int:
    """Print the plan as a table, JSON or a mermaid flowchart; or the matrix as Markdown."""
    if arguments.markdown:
        print(_page(arguments), end="")
        return Exit.PASS
    try:
        matrix, plan = planned(arguments, PATIENCE if arguments.bundle else ())
    except ConflictError as error:
        write_outputs(arguments.outputs, {"problem": one_line(error.message, LONGEST_PROBLEM)})
        raise
    unaffected = _unaffected(arguments, matrix, plan)
    size = write_bundle(arguments.bundle, plan.sources.repos.values()) if arguments.bundle else None
    write_outputs(arguments.outputs, _outputs(matrix, plan, unaffected) | {"bytes": str(size or "")})
    if arguments.json:
        print(plan.model_dump_json(indent=1))
    elif arguments.mermaid:
        print(mermaid(plan))
    else:
        print(plan_text(plan, page_of(sys.stdout, os.environ)))
        if unaffected:
            since = f"{unaffected.repo} since {unaffected.base[:7]}"
            print(f"note: nothing needs to run: no job reads what changed in {since}")
    return Exit.PASS


def _outputs(matrix: Matrix, plan: Plan, unaffected: Unaffected | None) -> dict[str, object]:
    """What the jobs of a workflow need: the sources, whether to run, and each commit that is not the matrix's pin."""
    sources = plan.sources.repos
    moved = dict.fromkeys(matrix.repos, "")
    moved |= {name: source.commit for name, source in sources.items() if source.origin != "pin"}
    return {
        "sources": plan.sources.model_dump_json(),
        "run": "false" if unaffected else "true",
        "unaffected": unaffected.model_dump_json() if unaffected else "",
        **moved,
    }


def _unaffected(arguments: argparse.Namespace, matrix: Matrix, plan: Plan) -> Unaffected | None:
    """`--since NAME=COMMIT`: the changes of a repo since a commit, when every one is of a path that no job reads."""
    name, sign, base = (arguments.since or "").partition("=")
    if not base and (sign or not name):  # `NAME=`: a workflow that was not started by a pull request has no base
        return None
    if name not in matrix.repos or not FULL.fullmatch(base):
        raise UsageError(f"--since {arguments.since}: expected NAME=COMMIT, a repo of the matrix and a full commit id")
    if any(other.origin not in ("pin", "folder") for other in plan.sources.repos.values() if other.repo != name):
        return None  # what else is not at its pin may be the very thing to be tested
    source = plan.sources.repos.get(name)
    if source is None:
        return None
    url = matrix.repos[name].url if mask(matrix.repos[name].url) == source.where else source.where
    paths = changed_since(
        mirror_of(cache_dir(os.environ), name, url), base, source.merged.head if source.merged else source.commit
    )
    if not paths or not all(any(glob_matches(docs, path) for docs in matrix.repos[name].docs) for path in paths):
        return None
    # It travels through an environment variable, which Linux bounds at 128 KiB.
    shown = tuple(path for path in paths[:SHOWN] if len(path) <= LONGEST)
    return Unaffected(repo=name, base=base, head=source.commit, paths=shown, more=len(paths) - len(shown))


def _page(arguments: argparse.Namespace) -> str:
    from phdb_ci.rendering.matrix_page import matrix_page

    matrix = load(arguments.matrix)
    check_named(matrix, arguments.names)
    for name in arguments.names:
        check_gate(matrix, name, "--markdown")
    return matrix_page(matrix, arguments.names, proofs_beside(arguments.matrix))


def plan_text(plan: Plan, page: Page = ENDLESS) -> str:
    """The plan in lines that fit the page: sources, artifacts and why, legs and what they wait for."""
    here = f"{counted(len(plan.legs), 'leg')} here, {plan.platform}, {counted(plan.cpus, 'cpu')}"
    lines = [*page.fold(f"{plan.gate}: {here}"), "", "sources", *_sources(plan, page)]
    for node in plan.artifacts:
        lines += ["", *page.fold(f"artifact {node.name}  {node.action}  key {node.key[:12]}")]
        for reason in (*node.why, *(f"missing tool: {tool}" for tool in node.missing_tools)):
            lines += page.fold(harmless(reason), indent=2)
    lines += ["", "legs", *_legs(plan, page)]
    for leg in plan.idle:
        lines += page.fold(f"{leg.job}@{leg.os}  {leg.kind}: {leg.reason}", indent=2)
    for note in plan.notes:
        lines += page.fold(f"note: {harmless(note, 1000)}")
    return "\n".join(lines)


def _sources(plan: Plan, page: Page) -> Iterator[str]:
    sources = plan.sources.repos.values()
    rows = []
    for source in sources:
        changes = " + uncommitted changes" if source.dirty else ""
        rows.append((f"  {source.repo}", source.id[:12], source.origin, harmless(source.via) + changes))
    for source, block in zip(sources, blocks(rows, page), strict=True):
        yield from block
        for note in source.notes:
            yield from page.fold(harmless(note), indent=6)


def _legs(plan: Plan, page: Page) -> Iterator[str]:
    rows = [("  leg", "needs", "last took", "must show")]
    for leg in plan.legs:
        took = "-" if leg.expected is None else duration(leg.expected)
        must = "; ".join([*leg.evidence, *([leg.claimed] if leg.claims else [])])
        rows.append((f"  {leg.leg}", " + ".join(leg.needs) or "-", took, must))
    head, *shown = blocks(rows, page, drop=(1, 2), headed=True)
    yield from head
    for leg, block in zip(plan.legs, shown, strict=True):
        yield from block
        for tool in leg.missing_tools:
            yield from page.fold(f"missing tool: {tool}", indent=4)


def mermaid(plan: Plan) -> str:
    """The graph as a mermaid flowchart: sources into artifacts, artifacts into legs, legs into the gate."""
    lines = ["flowchart LR"]
    lines += [f'  {_id(repo)}(["{repo} {source.id[:7]}"])' for repo, source in plan.sources.repos.items()]
    lines += [f'  {_id(node.name)}[["{node.name}: {node.action}"]]' for node in plan.artifacts]
    for leg in plan.legs:
        lines.append(f'  {_id(leg.leg)}["{leg.leg}"] --> verdict{{{{"{plan.gate}"}}}}')
        lines += [f"  {_id(need)} --> {_id(leg.leg)}" for need in (*leg.needs, *leg.repos)]
    return "\n".join(lines)


def _id(name: str) -> str:
    return "n_" + "".join(char if char.isalnum() else "_" for char in name)
