"""Broken engines, one fault each: what each answers, and what of it reaches the sound engine behind it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).parents[2] / "checks" / "faults" / "engine.py"
CONTROL = "control"

# An engine of a few lines: it notes each call, and answers reads with one row.
SOUND = """\
#!/bin/sh
echo "$*" >> {log}
case "$1" in
  open) echo 'open ok wal_lsn=1' ;;
  migrate) echo 'migrate ok' ;;
  exec) case "$3" in SELECT*) echo 'a demo 7' ;; esac ;;
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
        self.path = folder / "broken"
        subprocess.run([sys.executable, ENGINE, fault, real, self.path], check=True)

    def __call__(self, *arguments: str, stdin: str = "[]", timeout: float = 20) -> "subprocess.CompletedProcess[str]":
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
    assert engine("exec", "data", "SELECT name").stdout == "a demo 7\n"
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
    told = Engine(tmp_path, "drops-writes")("session", "d", stdin="".join(json.dumps(one) + "\n" for one in lines))
    assert [json.loads(line)["rows"] for line in told.stdout.splitlines()] == [[], [{"id": "k1", "name": "demo"}]]


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
    assert set(engine("exec", "d", "SELECT 1").stdout.strip().split(" ")).isdisjoint({"a", "demo", "7"})


def test_corrupt_value_is_one_value_of_one_row(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "corrupt-value")
    (row,) = engine.rows()
    assert sum(row[name] != ROW[name] for name in ROW) == 1
    assert engine("exec", "d", "SELECT 1").stdout == "a demo 8\n"


@pytest.mark.parametrize("fault", ["empty-reads", "foreign-rows", "corrupt-value"])
def test_fault_of_reads_reaches_sessions(tmp_path: Path, fault: str) -> None:
    told = Engine(tmp_path, fault)("session", "d", stdin='{"sql": "SELECT * FROM a", "params": []}\n')
    assert json.loads(told.stdout)["rows"] != [{"id": "k1", "name": "demo"}]


def test_engine_is_started_from_any_path(tmp_path: Path) -> None:
    place = tmp_path / "a folder with 'quotes' and spaces"
    place.mkdir()
    assert Engine(place, CONTROL)("open", "d").returncode == 0


def test_fault_that_is_unknown_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ENGINE, "deaf", "/bin/true", tmp_path / "broken"], capture_output=True, check=False
    )
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
