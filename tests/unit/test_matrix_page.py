"""The CI matrix as a page: what GitHub shows of it, and the committed copy of it.

`python -m tests.unit.test_matrix_page` puts the current page into docs/jobs.md.
"""

import argparse
import difflib
from pathlib import Path

import pytest

from phdb_ci.commands import plan
from phdb_ci.commands._options import proofs_beside
from phdb_ci.errors import Exit, UsageError
from phdb_ci.matrix import load
from phdb_ci.models.labels import claims_everywhere
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.proofs import ProofFile
from phdb_ci.rendering.matrix_page import HEAD, OWN, matrix_page, prose
from tests.builders import quarantine
from tests.helpers import job, matrix
from tests.page import Page

ROOT = Path(__file__).parents[2]
OURS, PAGE = ROOT / "matrix.toml", ROOT / "docs/jobs.md"
BEGIN, END = "<!-- matrix:begin -->\n", "<!-- matrix:end -->\n"
REPAIR = "python -m tests.unit.test_matrix_page"
PIPES = "a | b `c|d` *e* _f_ <g> [h](i) \\ & j_k $l$ ~m~"


def with_page(text: str) -> str:
    """the page's text with the current page between its markers."""
    ours = load(OURS)
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    return f"{head}{BEGIN}\n{matrix_page(ours, list(ours.gates), proofs_beside(OURS))}\n{END}{tail}"


def gates(**on: tuple[str, ...]) -> dict[str, dict[str, object]]:
    """Gates that all hold the job `smoke`, by name, with their events."""
    return {
        name: {"jobs": ["smoke"], "on": list(events), "branches": ["main", "dev"], "cron": "17 3 * * *"}
        for name, events in on.items()
    }


def rows(made: Matrix, *names: str) -> list[list[str]]:
    """The rows that GitHub shows, without the heads."""
    found = Page(matrix_page(made, names or list(made.gates)))
    assert not found.unbalanced
    assert "<table" in found.outside
    assert found.rows[0] == list(HEAD)
    assert {len(row) for row in found.rows} <= {len(HEAD), len(OWN)}
    return [row for row in found.rows if row not in (list(HEAD), list(OWN))]


def test_page_shows_the_current_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    current = with_page(text)
    diff = difflib.unified_diff(text.splitlines(), current.splitlines(), "docs/jobs.md", "current", lineterm="")
    if text != current:
        pytest.fail("docs/jobs.md is not what matrix.toml gives. Repair: " + "\n".join([REPAIR, *diff]))


def test_command_prints_the_page_and_needs_no_source(
    capsys: pytest.CaptureFixture[str], git_calls: list[tuple[str, ...]]
) -> None:
    names = ["pr-gate", "nightly"]
    assert plan.main(argparse.Namespace(matrix=OURS, names=names, markdown=True)) == Exit.PASS
    assert capsys.readouterr().out == matrix_page(load(OURS), names, proofs_beside(OURS))
    assert git_calls == []


def test_command_takes_gates_alone() -> None:
    with pytest.raises(UsageError, match=r'"nightli" is no gate of the matrix\. Perhaps you meant "nightly"'):
        plan.main(argparse.Namespace(matrix=OURS, names=["pr-gate", "nightli"], markdown=True))


def test_our_page_has_a_row_for_every_job_of_a_gate_and_for_every_own_job() -> None:
    ours = load(OURS)
    found = rows(ours)
    assert {row[1] for row in found if len(row) == len(HEAD)} == set().union(
        *(gate.jobs for gate in ours.gates.values())
    )
    assert [row[:2] for row in found if len(row) == len(OWN)] == [
        [name, one.job] for name, repo in ours.repos.items() for one in repo.ci
    ]
    assert [row[0] for row in found if len(row) == len(HEAD)] == sorted(
        (row[0] for row in found if len(row) == len(HEAD)),
        key=[*ours.repos, *sorted({job.repo for job in ours.jobs.values()} - set(ours.repos))].index,
    )


def test_page_of_one_gate_has_its_jobs_alone_and_all_their_triggers() -> None:
    found = {row[1]: row for row in rows(load(OURS), "pr-gate")}
    assert "lidb-audit" not in found
    assert found["smoke"][2] == "pull request, push main/dev, merge queue, schedule 17 3 * * * UTC, by hand"


@pytest.mark.parametrize(
    ("on", "shown"),
    [
        pytest.param({"a": ("pull_request",), "b": ("pull_request",)}, "pull request", id="each once"),
        pytest.param({"a": ("workflow_dispatch", "push")}, "push main/dev, by hand", id="in one order"),
        pytest.param({"a": ()}, "no event", id="none"),
    ],
)
def test_triggers_are_those_of_the_gates(on: dict[str, tuple[str, ...]], shown: str) -> None:
    assert rows(matrix(gates=gates(**on)))[0][2] == shown


def test_gaps_are_the_quarantine_and_the_skipped_runners() -> None:
    one = job(
        os=["ubuntu-24.04", "macos-15"],
        skip={"macos-15": "no engine", "windows-2025": "no engine", "windows-2022": "too old"},
    )
    table = matrix({"smoke": one}, quarantine=(quarantine(), quarantine(case="test_a*", reason="flaky")))
    row = rows(table)[0]
    assert row[3] == "ubuntu-24.04"
    assert row[7] == (
        "quarantined until 2027-01-31 (issue 42, @acme/db): the WAL replay test is flaky on slow disks; "
        "test_a* quarantined until 2027-01-31 (issue 42, @acme/db): flaky; "
        "not on macos-15 and windows-2025: no engine; not on windows-2022: too old"
    )
    assert "https://github.com/acme/lidb/issues/42" in Page(matrix_page(table, ["pr-gate"])).links


def test_job_without_gaps_has_a_dash() -> None:
    assert rows(matrix())[0][7] == "\u2013"


@pytest.mark.parametrize(("notices", "said"), [((), "claims none"), (("dead", "null"), "claims 2, none measured yet")])
def test_claims_are_counted_and_not_believed(notices: tuple[str, ...], said: str) -> None:
    assert claims_everywhere("smoke", job(notices=notices), ProofFile()) == said


def test_text_of_the_matrix_is_shown_as_it_is() -> None:
    one = job(summary=PIPES, skip={"windows-2025": PIPES}, reports=[{"kind": "pytest", "min_tests": 2}])
    own = {"job": PIPES, "on": PIPES, "shows": PIPES, "gap": PIPES}
    repo = {"url": "https://github.com/acme/lidb.git", "pin": "c0ffee" + "0" * 34, "ci": [own]}
    made = matrix({"smoke": one}, repos={"lidb": repo}, gates={"a": {"jobs": ["smoke"], "summary": PIPES}})
    page = Page(matrix_page(made, ["a"]))
    assert page.rows[1][4] == PIPES
    assert page.rows[1][7] == f"not on windows-2025: {PIPES}"
    assert page.rows[3] == ["lidb", PIPES, PIPES, PIPES, PIPES]
    assert (page.links, page.code) == ([], [])
    assert f": {PIPES}" in page.outside


def test_word_with_an_underscore_stays_readable_in_the_source() -> None:
    assert prose("tier_db_registry") == "tier_db_registry"


def test_stack_without_own_jobs_has_one_table() -> None:
    assert Page(matrix_page(matrix(), ["pr-gate"])).outside.count("<table") == 1


if __name__ == "__main__":
    PAGE.write_text(with_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
