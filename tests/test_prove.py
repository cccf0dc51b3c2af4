"""Broken engines, one fault each; tampered reports; the file and the page of what was measured."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.commands._proofs import check_writable, read_proofs, write_proofs
from phdb_ci.commands.prove import broken
from phdb_ci.errors import DiskError, ResultsError
from phdb_ci.models.matrix import FAULTS, Report
from phdb_ci.models.proofs import REPORT_FAULTS, JobProofs, Proof, ProofFile, Proofs
from phdb_ci.models.results import Suite
from phdb_ci.models.wording import claims, claims_everywhere
from phdb_ci.proving.faults import CONTROL, spoilt_suite, write_engine
from phdb_ci.proving.measure import FaultProgress
from phdb_ci.rendering.proofs_page import proofs_page
from tests.helpers import job, matrix
from tests.page import Page

# An engine of a few lines: it notes each call, and answers reads with one row.
SOUND = """\
#!/bin/sh
echo "$*" >> {log}
case "$1" in
  open) echo 'open ok wal_lsn=1' ;;
  migrate) echo 'migrate ok' ;;
  exec) case "$3" in SELECT*) echo 'a|demo|7' ;; esac ;;
  exec-json)
    cat > /dev/null
    case "$3" in
      SELECT*) echo '{{"rows":[{{"id":"k1","name":"demo","size":7,"live":true}}],"affected":0}}' ;;
      *) echo '{{"rows":[],"affected":1}}' ;;
    esac ;;
  session)
    while read -r line; do
      case "$line" in
        *SELECT*) echo '{{"rows":[{{"id":"k1","name":"demo"}}],"affected":0}}' ;;
        *) echo '{{"rows":[],"affected":1}}' ;;
      esac
    done ;;
  *) echo usage >&2; exit 2 ;;
esac
"""
ROW = {"id": "k1", "name": "demo", "size": 7, "live": True}


class Engine:
    """An engine with a fault, in front of the sound one."""

    def __init__(self, folder: Path, fault: str) -> None:
        self.log = folder / "calls"
        self.log.touch()
        real = folder / "lidb_embed"
        real.write_text(SOUND.format(log=self.log))
        real.chmod(0o755)
        self.path = write_engine(folder / "broken", fault, real)

    def __call__(
        self, *arguments: str, stdin: str = "[]", timeout: float = 20
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.path, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )

    def rows(self) -> Any:
        return json.loads(self("exec-json", "data", "SELECT * FROM packages").stdout)["rows"]

    @property
    def calls(self) -> list[str]:
        """What reached the sound engine."""
        return self.log.read_text().splitlines()


def test_sound_engine_behind_the_same_program_is_as_without_it(tmp_path: Path) -> None:
    engine = Engine(tmp_path, CONTROL)
    assert engine("open", "data").stdout == "open ok wal_lsn=1\n"
    assert engine.rows() == [ROW]
    assert engine("exec", "data", "SELECT name").stdout == "a|demo|7\n"
    bad = engine("nonsense")
    assert (bad.returncode, bad.stderr) == (2, "usage\n")


def test_dead_engine_fails_at_every_call(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "dead")
    for call in (
        ["open", "d"],
        ["migrate", "d"],
        ["exec", "d", "SELECT 1"],
        ["exec-json", "d", "SELECT 1"],
        ["session", "d"],
    ):
        done = engine(*call)
        assert (done.returncode, done.stdout) == (1, "")
        assert "cannot open" in done.stderr
    assert engine.calls == []


def test_null_engine_says_nothing_and_succeeds(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "null")
    done = engine("exec-json", "d", "SELECT 1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert engine.calls == []


def test_hanging_engine_never_answers(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        Engine(tmp_path, "hang")("open", "d", timeout=0.5)


@pytest.mark.parametrize("sql", ["INSERT INTO a VALUES (1)", "  update a set b = 1", "DELETE FROM a"])
def test_dropped_write_is_confirmed_and_never_reaches_the_engine(tmp_path: Path, sql: str) -> None:
    engine = Engine(tmp_path, "drops-writes")
    assert json.loads(engine("exec-json", "d", sql).stdout) == {"rows": [], "affected": 1}
    assert engine("exec", "d", sql).returncode == 0
    assert engine.calls == []
    assert engine.rows() == [ROW]  # reads are sound


def test_dropped_write_in_a_session_is_confirmed_too(tmp_path: Path) -> None:
    lines = [{"sql": "INSERT INTO a VALUES (?)", "params": [1]}, {"sql": "SELECT * FROM a", "params": []}]
    told = Engine(tmp_path, "drops-writes")(
        "session", "d", stdin="".join(json.dumps(one) + "\n" for one in lines)
    )
    assert [json.loads(line)["rows"] for line in told.stdout.splitlines()] == [
        [],
        [{"id": "k1", "name": "demo"}],
    ]


def test_empty_reads_find_nothing(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "empty-reads")
    assert engine.rows() == []
    assert engine("exec", "d", "SELECT name").stdout == ""
    engine("exec", "d", "INSERT INTO a")
    assert any("INSERT" in call for call in engine.calls)  # writes are sound


def test_foreign_rows_share_no_value_with_the_true_ones_and_keep_their_types(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "foreign-rows")
    (row,) = engine.rows()
    assert row.keys() == ROW.keys()
    for name, value in row.items():
        assert type(value) is type(ROW[name])
        assert value != ROW[name]
    assert set(engine("exec", "d", "SELECT 1").stdout.strip().split("|")).isdisjoint({"a", "demo", "7"})


def test_corrupt_value_is_one_value_of_one_row(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "corrupt-value")
    (row,) = engine.rows()
    assert sum(row[name] != ROW[name] for name in ROW) == 1
    assert engine("exec", "d", "SELECT 1").stdout == "a|demo|8\n"


@pytest.mark.parametrize("fault", ["empty-reads", "foreign-rows", "corrupt-value"])
def test_fault_of_reads_reaches_sessions(tmp_path: Path, fault: str) -> None:
    told = Engine(tmp_path, fault)("session", "d", stdin='{"sql": "SELECT * FROM a", "params": []}\n')
    assert json.loads(told.stdout)["rows"] != [{"id": "k1", "name": "demo"}]


def test_engine_is_started_from_any_path(tmp_path: Path) -> None:
    place = tmp_path / "a folder with 'quotes' and spaces"
    place.mkdir()
    assert Engine(place, CONTROL)("open", "d").returncode == 0


# Reports

JUNIT = b"""<testsuites><testsuite name="s" tests="2" skipped="0" failures="0">
<testcase name="a"/><testcase name="b"/></testsuite></testsuites>
"""
NODE = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites>
\t<testcase name="a" time="0.1" classname="test"/>
\t<testsuite name="s" time="0.1" disabled="0" errors="0" tests="2" failures="0" skipped="1">
\t\t<testcase name="b" time="0.1" classname="test"/>
\t\t<testcase name="c" time="0.1" classname="test"><skipped type="skipped" message="true"/></testcase>
\t</testsuite>
\t<!-- tests 3 -->
\t<!-- suites 1 -->
\t<!-- pass 2 -->
\t<!-- fail 0 -->
\t<!-- cancelled 0 -->
\t<!-- skipped 1 -->
\t<!-- todo 0 -->
\t<!-- duration_ms 31.4 -->
</testsuites>
"""
SETUP = b"PASS of the set-up\n"
LINES = (
    SETUP
    + b"running\nPASS one\nPASS\ttwo\n\x1b[32mPASS three\x1b[0m\nPASS four\nharness: pass=4 skip=0 fail=0\n"
)


class Reports:
    """A kept report and the log beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.txt"

    def spoilt(self, kind: Any, data: bytes, fault: str) -> Suite:
        """The suite of a report with this fault in it."""
        kept = self.log if kind == "lines" else self.folder / f"1-{kind}.xml"
        self.log.touch()
        kept.write_bytes(data)
        start = len(SETUP) if kind == "lines" else 0
        suite = spoilt_suite(
            Report(kind=kind, min_tests=1), kept, self.log, start, fault, self.folder / "work"
        )
        assert suite is not None
        return suite


@pytest.fixture
def reports(tmp_path: Path) -> Reports:
    return Reports(tmp_path)


KINDS = pytest.mark.parametrize(
    ("kind", "data"), [("pytest", JUNIT), ("node", NODE), ("lines", LINES)], ids=["pytest", "node", "lines"]
)


@KINDS
def test_report_that_is_only_written_again_is_as_good_as_before(
    reports: Reports, kind: str, data: bytes
) -> None:
    suite = reports.spoilt(kind, data, CONTROL)
    assert (suite.problem, suite.counts.passed) == (None, {"pytest": 2, "node": 2, "lines": 4}[kind])


@KINDS
def test_emptied_report_is_whole_and_holds_no_test(reports: Reports, kind: str, data: bytes) -> None:
    suite = reports.spoilt(kind, data, "emptied")
    assert (suite.problem, suite.counts.executed + suite.counts.skipped) == (None, 0)


@KINDS
def test_skipped_report_is_whole_and_every_test_of_it_is_skipped(
    reports: Reports, kind: str, data: bytes
) -> None:
    suite = reports.spoilt(kind, data, "skipped")
    assert (suite.problem, suite.counts.executed) == (None, 0)
    assert suite.counts.skipped == {"pytest": 2, "node": 3, "lines": 4}[kind]


@KINDS
def test_truncated_report_is_not_as_good_as_before(reports: Reports, kind: str, data: bytes) -> None:
    suite = reports.spoilt(kind, data, "truncated")
    assert suite.problem or suite.counts.passed == 2


def test_report_that_only_the_harness_can_read_is_not_tampered_with(tmp_path: Path) -> None:
    kept = tmp_path / "1-pytest.xml"
    kept.write_bytes(JUNIT.replace(b'"a"', b'"a\x01"'))
    assert (
        spoilt_suite(Report(kind="pytest", min_tests=2), kept, kept, 0, "skipped", tmp_path / "work") is None
    )


def test_job_by_its_exit_code_alone_has_no_report_to_tamper_with(tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert spoilt_suite(Report(kind="exit", min_tests=0), none, none, 0, "emptied", tmp_path) is None


# What counts as noticed


@pytest.mark.parametrize(
    ("fault", "status", "noticed"),
    [
        ("dead", "failed", True),
        ("dead", "unproven", True),
        ("dead", "passed", False),
        ("hang", "timeout", True),
        ("hang", "passed", False),
        ("corrupt-value", "timeout", None),
        ("dead", "error", None),
        ("dead", "blocked", None),
        ("dead", "cancelled", None),
    ],
)
def test_fault_is_noticed_by_a_status_that_only_the_fault_can_give(
    fault: str, status: str, noticed: bool | None
) -> None:
    assert Proof.model_validate({"fault": fault, "status": status}).noticed is noticed


class Told:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []

    def started(self, name: str) -> None:
        self.lines.append((name,))

    def finished(self, name: str, status: str, _seconds: float, _reasons: object) -> None:
        self.lines.append((name, status))

    def note(self, text: str) -> None:
        self.lines.append((text,))


def test_progress_names_the_fault_and_whether_it_was_noticed() -> None:
    told = Told()
    for fault, status in (
        ("none", "passed"),
        ("none-again", "failed"),
        ("dead", "failed"),
        ("null", "passed"),
        ("null", "error"),
    ):
        FaultProgress(told, fault).finished("smoke@x", status, 1.0, ())
    FaultProgress(told, "dead").started("smoke@x")
    assert told.lines == [
        ("smoke@x with the sound engine", "passed"), ("smoke@x with the sound engine again", "failed"),
        ("smoke@x with dead", "noticed"),
        ("smoke@x with null", "missed"), ("smoke@x with null", "error"), ("smoke@x with dead",),
    ]  # fmt: skip


# What was measured


ROWS = {"smoke": job(notices=("dead", "null")), "lint": job(), "other": job()}


def proofs(stack: str = "stand-in", noticed: bool = True, name: str = "smoke", **fields: Any) -> Proofs:
    dead = Proof(fault="dead", status="failed" if noticed else "passed", reason="exit | `1`")
    found = JobProofs(**{
        "job": name, "os": "ubuntu-24.04", "control": "passed", "commits": {"lidb": "a" * 40},
        "measured": "2026-11-25", "platform": "linux", "tool": "0.1.0", "row": ROWS[name].digest,
        "engines": (dead,),
    } | fields)  # fmt: skip
    return Proofs.model_validate({"stack": stack, "jobs": (found,)})


def test_claim_is_shown_with_what_was_measured_of_it() -> None:
    one = job(notices=("dead", "null"))
    assert claims("smoke", one, None) == "claims 2, none measured on this stack"
    assert claims("smoke", one, proofs()) == "claims 2, measured 1 on lidb aaaaaaa"
    assert claims("smoke", one, proofs(noticed=False)) == "claims 2, measured 0 on lidb aaaaaaa"
    assert claims("other", one, proofs()) == "claims 2, none measured on this stack"
    assert claims("smoke", job(), proofs()) == "claims none"
    assert claims_everywhere("smoke", one, ProofFile(tables=(proofs(),))).endswith("(stand-in)")


def test_claim_of_a_row_that_was_changed_since_is_not_measured() -> None:
    changed = job(notices=("dead",), run=["true"])
    assert (
        claims("smoke", changed, proofs())
        == "claims 1, none measured since its row of the matrix was changed"
    )
    other_words = job(notices=("dead",), summary="in other words")
    assert claims("smoke", other_words, proofs()) == "claims 1, measured 1 on lidb aaaaaaa"


def test_job_that_is_not_green_with_the_sound_engine_has_noticed_nothing() -> None:
    (one,) = proofs(control="failed").jobs
    assert one.noticed("dead") is None


def test_claim_that_was_not_measured_true_is_named() -> None:
    table = matrix({"smoke": job(notices=("dead", "hang"))})
    hang = "smoke claims to notice hang: not measured:"
    assert broken(table, proofs()) == (f"{hang} there was no such engine",)
    assert broken(table, proofs(noticed=False))[0] == "smoke claims to notice dead: missed it"
    assert broken(table, proofs(control="failed"))[-1] == f"{hang} with the sound engine it is failed"
    error = Proof(fault="hang", status="error", reason="npm ci failed")
    assert broken(table, proofs(engines=(error,)))[-1] == f"{hang} error: npm ci failed"


def test_new_table_takes_the_place_of_the_one_of_its_stack_and_keeps_other_jobs(tmp_path: Path) -> None:
    path, table = tmp_path / "matrix.toml", matrix({"smoke": job(), "lint": job()})
    write_proofs(path, table, proofs())
    write_proofs(path, table, proofs("public", noticed=False))
    write_proofs(path, table, proofs(name="lint"))
    file = read_proofs(path)
    assert {one.stack: [job.job for job in one.jobs] for one in file.tables} == {
        "public": ["smoke"], "stand-in": ["smoke", "lint"],
    }  # fmt: skip
    assert file == ProofFile.model_validate_json((tmp_path / "proofs.json").read_bytes())
    assert (tmp_path / "docs" / "proofs.md").read_text() == proofs_page(file, table)


def test_earlier_measurement_keeps_its_day_and_its_commits(tmp_path: Path) -> None:
    path, table = tmp_path / "matrix.toml", matrix({"smoke": job(), "lint": job()})
    old: dict[str, Any] = {"measured": "2025-01-01", "tool": "0.0.1", "commits": {"lidb": "b" * 40}}
    write_proofs(path, table, proofs(**old))
    write_proofs(path, table, proofs(name="lint"))
    (found,) = read_proofs(path).tables
    assert {one.job: one.measured for one in found.jobs} == {"smoke": "2025-01-01", "lint": "2026-11-25"}
    page = (tmp_path / "docs/proofs.md").read_text()
    assert "2025-01-01: lidb `bbbbbbb`" in page
    assert "2026-11-25: lidb `aaaaaaa`" in page


def test_place_that_cannot_be_written_is_found_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("a file")
    with pytest.raises(DiskError, match=r"docs cannot be made a directory: File exists"):
        check_writable(tmp_path / "matrix.toml")


def test_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text('{"tables": 3}')
    with pytest.raises(ResultsError, match=r"proofs\.json: not what phdb-ci prove writes"):
        read_proofs(tmp_path / "matrix.toml")


def test_page_shows_what_was_missed_and_breaks_on_no_reason() -> None:
    page = Page(
        proofs_page(ProofFile(tables=(proofs(noticed=False),)), matrix({"smoke": job(notices=("dead",))}))
    )
    assert any("missed" in cell for row in page.rows for cell in row)
    assert {len(row) for row in page.rows} == {3 + len(FAULTS), 1 + len(REPORT_FAULTS), 2, 4}
