"""Kinds of report: each is said once, and nothing anywhere asks for one by its name."""

import ast
import json
import shlex
from pathlib import Path
from typing import get_args

import pytest

from phdb_ci.matrix.load import parse
from phdb_ci.models.labels import evidence
from phdb_ci.models.matrix import HARNESS_ENV, Report
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind, report_env
from phdb_ci.models.results import Facts, Suite
from phdb_ci.reports import read_suite
from phdb_ci.reports.reader import READERS
from phdb_ci.schemas import schemas

PACKAGE = Path(__file__).parents[2] / "phdb_ci"
KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
# Where a kind may stand by name: its entry and its reader.
BY_NAME = ("models/report_kinds.py", "reports/reader.py")


def test_every_kind_has_an_entry() -> None:
    assert tuple(REPORT_KINDS) == KINDS, "add the kind to REPORT_KINDS in phdb_ci/models/report_kinds.py"


def test_every_kind_has_a_reader() -> None:
    assert tuple(READERS) == KINDS, "add the kind to READERS in phdb_ci/reports/reader.py"


@pytest.mark.parametrize("kind", KINDS)
def test_entry_fits_its_reader(kind: ReportKind) -> None:
    entry, reading = REPORT_KINDS[kind], READERS[kind]
    assert bool(entry.env) == (entry.place == "asked")
    assert sum("{file}" in value for value in entry.env.values()) == len(entry.env)
    assert set(entry.env) <= set(HARNESS_ENV)
    assert (reading.cases is not None) == entry.cases
    assert entry.cases or not reading.loud, "nothing of such a report would be read"


@pytest.mark.parametrize("file", ["/r/a.xml", "/with space/a.xml", "/a\"b\\c'$(x)`y`/a.xml"])
@pytest.mark.parametrize("kind", KINDS)
def test_variable_names_one_file_whatever_is_in_its_path(kind: ReportKind, file: str) -> None:
    for value in report_env(kind, {"file": file, "folder": "/f", "reporter": "file:///r"}).values():
        assert sum(word.endswith(file) for word in shlex.split(value)) == 1


def row(kind: ReportKind) -> str:
    entry = REPORT_KINDS[kind]
    path = ', path = "r.xml"' if entry.place == "path" else ""
    return f'{{ kind = "{kind}", min_tests = {1 if entry.cases else 0}{path} }}'


@pytest.mark.parametrize("kind", KINDS)
def test_kind_can_stand_in_a_matrix_and_is_shown(kind: ReportKind) -> None:
    matrix = parse(
        f"""
        schema = 1
        [repos.one]
        url = "/one"
        pin = "{"0" * 40}"
        [jobs.smoke]
        summary = "s"
        repo = "one"
        run = ["true"]
        reports = [{row(kind)}]
        evidence.manifest = {{ file = "m.json", status = ["ok"] }}
        """,
        "matrix.toml",
    )
    (line, _) = evidence(matrix.jobs["smoke"])
    assert line.startswith(f"{kind}: " if REPORT_KINDS[kind].cases else "exit code alone")
    assert f"`{kind}`: {REPORT_KINDS[kind].words}" in json.dumps(schemas()["matrix"], ensure_ascii=False)


@pytest.mark.parametrize("kind", KINDS)
def test_kind_with_cases_is_counted(kind: ReportKind) -> None:
    assert bool(Facts(suites=(Suite(kind=kind),)).counted_suites) == REPORT_KINDS[kind].cases


@pytest.mark.parametrize("kind", KINDS)
def test_report_that_is_not_there_hides_nothing(tmp_path: Path, kind: ReportKind) -> None:
    report = Report(kind=kind, min_tests=1)
    suite = read_suite(report, tmp_path / "none", tmp_path / "log", 0)
    assert (suite.kind, suite.problem is None) == (kind, False)


def test_no_other_module_asks_for_a_kind_by_name() -> None:
    asked = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).as_posix() not in BY_NAME
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Compare) and _names_a_kind(node)
    ]
    assert asked == [], "ask REPORT_KINDS for what the kind is like"


def _names_a_kind(node: ast.Compare) -> bool:
    sides = [node.left, *node.comparators]
    by_kind = any("kind" in (getattr(side, "attr", ""), getattr(side, "id", "")) for side in sides)
    constants = {inner.value for side in sides for inner in ast.walk(side) if isinstance(inner, ast.Constant)}
    return by_kind and bool(constants & set(KINDS))
