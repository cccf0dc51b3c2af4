"""Every status has its row, and every place that shows or judges one takes it from there."""

import ast
import io
import re
from pathlib import Path
from typing import get_args

import pytest

from phdb_ci.base.page import Page
from phdb_ci.judging.verdict import outcome
from phdb_ci.models.statuses import STATUSES, AnyStatus, ArtifactStatus, BuiltStatus, IdleStatus, MissingStatus, Status
from phdb_ci.rendering.comment import comment
from phdb_ci.rendering.verdict_text import verdict_text
from phdb_ci.reports.writer import write_junit
from phdb_ci.terminal import Board
from tests.builders import artifact, exit_only, idle, leg, missing, verdict

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "phdb_ci" / "models" / "statuses.py"
LEGS: tuple[Status, ...] = get_args(Status)
ARTIFACTS: tuple[ArtifactStatus, ...] = get_args(ArtifactStatus)


def test_every_status_has_a_row_and_every_row_a_status() -> None:
    words = set(get_args(AnyStatus))
    assert words - STATUSES.keys() == set(), "add these to STATUSES in phdb_ci/models/statuses.py"
    assert STATUSES.keys() - words == set(), "no type in phdb_ci/models/statuses.py has these"


@pytest.mark.parametrize("word", STATUSES)
def test_row_holds_together(word: AnyStatus) -> None:
    row = STATUSES[word]
    assert not row.icon.isascii()
    assert row.phrase
    assert row.colour != "green" or row.gate in ("pass", None)
    assert row.gate != "fail" or row.colour == "red"


@pytest.mark.parametrize("status", [*LEGS, *get_args(MissingStatus), *get_args(IdleStatus)])
def test_passed_alone_is_green_for_a_leg(status: AnyStatus) -> None:
    row, green = STATUSES[status], status == "passed"
    assert (row.gate == "pass") is green
    assert (row.junit is None) is green
    assert (row.colour == "green") is green
    assert (row.noticed is False) is green


@pytest.mark.parametrize("status", LEGS)
def test_every_status_of_a_leg_is_judged_shown_and_written(status: Status, tmp_path: Path) -> None:
    reasons = () if status == "passed" else ("a reason",)
    one = leg("smoke", status, exit_only(), reasons=reasons)
    row, record = STATUSES[status], verdict(leg("other"), one)
    assert outcome([leg("other"), one], []) == (row.gate or "incomplete")
    assert f"| {row.icon} |" in comment(record)
    page = Page(colour=True)
    assert f"m{status}\x1b[0m" in verdict_text(record, page)
    Board(io.StringIO(), page, live=False).finished("smoke@ubuntu-24.04", status, 1.0, reasons)
    write_junit(tmp_path / "junit.xml", [one])
    written = re.findall(r"<(failure|error|skipped)\b", (tmp_path / "junit.xml").read_text())
    assert written == ([row.junit] if row.junit else [])


@pytest.mark.parametrize("blocked", [False, True])
def test_every_status_of_a_missing_leg_is_judged_and_shown(blocked: bool) -> None:
    gone = missing("gone", blocked=blocked)
    row = STATUSES[gone.status]
    assert outcome([leg()], [gone]) == row.gate
    assert f"| {row.icon} | **gone** |" in comment(verdict(leg(), missing=[gone]))


@pytest.mark.parametrize("status", get_args(IdleStatus))
def test_every_status_of_an_idle_leg_is_shown(status: IdleStatus) -> None:
    shown = comment(verdict(leg(), idle=[idle("other", kind=status)]))
    assert "<summary>1 not run: other</summary>" in shown
    assert f"- {status}: other: `runs on macos, this is ubuntu`" in shown


@pytest.mark.parametrize("status", ARTIFACTS)
def test_every_status_of_an_artifact_is_judged_and_shown(status: ArtifactStatus) -> None:
    one = artifact(status=status)
    assert one.is_there is (status in get_args(BuiltStatus))
    assert outcome([], [], artifacts=[one]) == STATUSES[status].gate
    assert status in comment(verdict(leg(), artifacts=(one,)))


def test_no_module_has_a_table_of_statuses_of_its_own() -> None:
    words = {"unproven", "timeout", "blocked", "cancelled", "elsewhere", "missing", "error", "failed"}
    tables = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted([*(ROOT / "phdb_ci").rglob("*.py"), *(ROOT / "checks").glob("*.py")])
        if path != TABLE
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.expr) and len(words & _strings(node)) >= 3
    ]
    assert tables == []


def _strings(node: ast.expr) -> set[object]:
    """The words in a list, a tuple, a set, or the keys of a dictionary."""
    items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return {item.value for item in items if isinstance(item, ast.Constant)}
