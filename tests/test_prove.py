"""Broken engines, one fault each; tampered reports; the file and the page of what was measured."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.commands._proofs import read_proofs, write_proofs
from phdb_ci.commands.prove import broken
from phdb_ci.errors import ResultsError
from phdb_ci.models.matrix import FAULTS, Report
from phdb_ci.models.proofs import JobProofs, Proof, ProofFile, Proofs
from phdb_ci.models.wording import claims, claims_everywhere
from phdb_ci.prove.faults import CONTROL, REPORTS, spoilt_suite, write_engine
from phdb_ci.render.proofs_page import proofs_page
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
    assert "INSERT" in " ".join([engine("exec", "d", "INSERT INTO a").args[3], *engine.calls])


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

JUNIT = b'<testsuites><testsuite name="s" tests="2"><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'


@pytest.mark.parametrize("fault", REPORTS)
def test_tampered_report_is_never_as_good_as_before(tmp_path: Path, fault: str) -> None:
    kept = tmp_path / "1-pytest.xml"
    kept.write_bytes(JUNIT)
    suite = spoilt_suite(Report(kind="pytest", min_tests=2), kept, fault, tmp_path / "work")
    assert suite is not None
    assert suite.problem or suite.counts.executed == 0


@pytest.mark.parametrize("fault", REPORTS)
def test_tampered_lines_are_never_as_good_as_before(tmp_path: Path, fault: str) -> None:
    kept = tmp_path / "log.txt"
    kept.write_text("PASS one\nPASS two\nPASS three\nPASS four\nharness: pass=4 skip=0 fail=0\n")
    suite = spoilt_suite(Report(kind="lines", min_tests=4), kept, fault, tmp_path / "work")
    assert suite is not None
    assert suite.problem or suite.counts.executed < 4


def test_job_by_its_exit_code_alone_has_no_report_to_tamper_with(tmp_path: Path) -> None:
    assert spoilt_suite(Report(kind="exit", min_tests=0), tmp_path / "none", "emptied", tmp_path) is None


# What was measured


def proofs(stack: str = "stand-in", noticed: bool = True, name: str = "smoke", **fields: Any) -> Proofs:
    found = JobProofs(
        job=name, os="ubuntu-24.04", control="passed", commits={"lidb": "a" * 40},
        engines=(Proof(fault="dead", noticed=noticed, status="failed" if noticed else "passed", reason="exit | `1`"),),
        **fields,
    )  # fmt: skip
    return Proofs(tool="0.1.0", measured="2026-11-25", platform="linux", stack=stack, jobs=(found,))


def test_claim_is_shown_with_what_was_measured_of_it() -> None:
    one = job(notices=("dead", "null"))
    assert claims("smoke", one, None) == "claims 2, none measured on this stack"
    assert claims("smoke", one, proofs()) == "claims 2, measured 1 on lidb aaaaaaa"
    assert claims("smoke", one, proofs(noticed=False)) == "claims 2, measured 0 on lidb aaaaaaa"
    assert claims("other", one, proofs()) == "claims 2, none measured on this stack"
    assert claims("smoke", job(), proofs()) == "claims none"
    assert claims_everywhere("smoke", one, ProofFile(tables=(proofs(),))).endswith("(stand-in)")


def test_claim_that_was_not_measured_true_is_named() -> None:
    table = matrix({"smoke": job(notices=("dead", "hang"))})
    assert broken(table, proofs()) == ["smoke claims to notice hang: not measured: its control passed"]
    assert broken(table, proofs(noticed=False))[0] == "smoke claims to notice dead: missed it"


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


def test_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "proofs.json").write_text('{"tables": 3}')
    with pytest.raises(ResultsError, match=r"proofs\.json: not what phdb-ci prove writes"):
        read_proofs(tmp_path / "matrix.toml")


def test_page_shows_what_was_missed_and_breaks_on_no_reason() -> None:
    page = Page(
        proofs_page(ProofFile(tables=(proofs(noticed=False),)), matrix({"smoke": job(notices=("dead",))}))
    )
    assert any("missed" in cell for row in page.rows for cell in row)
    assert {len(row) for row in page.rows} == {2 + len(FAULTS), 1 + len(REPORTS), 4}
