"""The mutants: every row of the tables applied to the rendered files, and all of them checked at once.

Each mutant is a repository of its own, named by a number. It holds the changed file; beside a caller or a second stage
also the other of the two, since one names the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from phdb_ci.rendering.workflows import OWN
from tests.linting import rules, tools
from tests.linting.facts import Facts
from tests.linting.layout import Files, lay_out
from tests.linting.mutations import FILES, Mutation

TWINS = {"caller": "publish", "publish": "caller"}


def place_of(mutation: Mutation) -> tuple[str, str]:
    """Repository and path of the file that is changed."""
    repo, name = FILES[mutation.file]
    return repo, f"{OWN}/{name}"


def mutant(mutation: Mutation, repos: Mapping[str, Files]) -> dict[str, str]:
    """The files of the mutant's repository, the changed one first."""
    repo, path = place_of(mutation)
    files = {path: mutation.apply(repos[repo][path])}
    if mutation.file in TWINS:
        twin = f"{OWN}/{FILES[TWINS[mutation.file]][1]}"
        files[twin] = repos[repo][twin]
    return files


def applies(mutation: Mutation, repos: Mapping[str, Files]) -> bool:
    """Whether the change is possible; a test of its own says why it is not."""
    try:
        return bool(mutant(mutation, repos))
    except AssertionError:
        return False


def catchers(rows: Sequence[Mutation], repos: Mapping[str, Files], facts: Facts, root: Path) -> dict[str, set[str]]:
    """Who catches each mutation, as `tool:rule`, by the mutation's id."""
    folders = {f"{number:03}": row for number, row in enumerate(rows) if applies(row, repos)}
    trees = {folder: mutant(row, repos) for folder, row in folders.items()}
    found: dict[str, set[str]] = {row.id: set() for row in rows}
    for finding in tools.check(root, lay_out(root, trees)):
        found[folders[finding.file.partition("/")[0]].id].add(finding.id)
    for folder, row in folders.items():
        repo, path = place_of(row)
        found[row.id] |= {one.id for one in rules.check([(repo, path, trees[folder][path])], facts)}
    return found
