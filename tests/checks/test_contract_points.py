"""Points of a program, and the tally of what was acknowledged: what the data cases stand on."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checks.contracts.data import points as points_module
from checks.contracts.data.points import Traced
from checks.contracts.data.writes import Tally, Write, insert, is_written, migration, states, update
from checks.contracts.programs import Done, end_all
from checks.contracts.stack import Stack

SCRIPT = "printf one > data/log; printf two >> data/log; printf said; rm data/log"
OK = Done(0, '{"rows": [], "affected": 1}', "")
REFUSED = Done(1, "", "locked")
Start = Callable[..., Traced]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "data").mkdir()
    running = []

    def trace(script: str, *, touching: bool = False, itself: bool = True, stdin: str = "") -> Traced:
        env = {"PATH": os.environ["PATH"], "LI_DATA_DIR": f"{tmp_path}/data"}
        argv = ["/bin/sh", "-c", script]
        running.append(Traced(argv, env=env, data=tmp_path / "data", folder=tmp_path, stdin=stdin,
                              touching=touching, itself=itself))  # fmt: skip
        return running[-1]

    yield trace
    for traced in running:
        traced.kill()
    assert end_all(tmp_path) == []


def walk(traced: Traced) -> list[str]:
    names = []
    while traced.advance():
        names.append(traced.point)
    return names


def test_every_change_of_the_directory_and_of_the_answer_is_a_point(start: Start) -> None:
    changes = [
        "log (none → 0 bytes)", "log (0 bytes → 3 bytes)", "log (3 bytes → 6 bytes)", "its answer (0 bytes → 4 bytes)",
        "log (6 bytes → none)",
    ]  # fmt: skip
    for _ in range(3):
        assert walk(start(SCRIPT)) == [f"after a change of {change}" for change in changes]


def test_killed_program_has_done_what_is_before_its_point_and_nothing_behind_it(start: Start, tmp_path: Path) -> None:
    traced = start(SCRIPT)
    assert traced.advance(3)
    traced.kill()
    assert (tmp_path / "data" / "log").read_text() == "onetwo"
    assert traced.answer == ""
    assert traced.finish().code == -9


def test_held_program_goes_on_to_its_end(start: Start, tmp_path: Path) -> None:
    traced = start(SCRIPT + "; exit 3")
    assert traced.advance(2)
    assert (tmp_path / "data" / "log").read_text() == "one"
    assert traced.finish() == Done(3, "said", "")
    assert not (tmp_path / "data" / "log").exists()
    assert not traced.advance()


def test_touching_program_stops_before_it_reads(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data" / "heap").write_text("kept")
    assert walk(start("cat data/heap > /dev/null")) == []
    names = walk(start("cat data/heap > /dev/null", touching=True))
    assert names
    assert set(names) == {"before a call on heap"}


def test_what_a_program_starts_has_points_too_and_alone_where_that_is_asked_for(start: Start) -> None:
    script = "printf own > data/own; /bin/sh -c 'printf other > data/other'; exit 3"
    own, other = ([f"after a change of {name} ({change})" for change in ("none → 0 bytes", f"0 bytes → {size} bytes")]
                  for name, size in (("own", 3), ("other", 5)))  # fmt: skip
    assert walk(start(script)) == own + other
    alone = walk(start(script, itself=False))
    assert alone[-1] == other[-1]
    assert own[-1] not in alone


def test_signal_of_the_program_reaches_it(start: Start) -> None:
    assert start("trap 'exit 7' TERM; kill -TERM $$; exit 1").finish().code == 7


def test_input_is_given(start: Start) -> None:
    assert start("cat", stdin="given" * 50_000).finish().out == "given" * 50_000


def test_program_that_hangs_between_two_points_is_a_fault(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points_module, "TIMEOUT", 0.2)
    with pytest.raises(AssertionError, match=r"did not come to its next point within 0\.2 s"):
        start("exec sleep 77").advance()


# What was acknowledged


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ('{"rows": [], "affected": 1}', True), ('{"rows": [], "affected": 0}', False), ('{"affected": 1', False),
        ("[]", False), (None, False),
    ],
)  # fmt: skip
def test_write_is_acknowledged_by_one_affected_row(answer: str | None, *, known: bool) -> None:
    assert is_written(answer) is known


def stack(folder: Path, rows: str) -> Stack:
    """A stack whose engine gives these rows of packages, and no run."""
    engine = folder / "engine"
    engine.write_text(
        f'#!/bin/sh\ncase "$3" in *packages) echo \'{{"rows": {rows}}}\';; *) echo \'{{"rows": []}}\'; esac\n'
    )
    engine.chmod(0o755)
    return Stack({}, folder, {"LI_DATA_DIR": f"{folder}/data", "LIDB_EMBED": str(engine)})


def test_row_says_all_that_its_key_has(tmp_path: Path) -> None:
    rows = '[{"id": "a", "name": "x"}, {"id": "b", "name": "y"}, {"id": "a", "name": "z"}]'
    assert states(stack(tmp_path, rows)) == {"a": "x, z", "b": "y"}


@pytest.mark.parametrize("rows", ["no JSON", "[", "5", '{"id": 3}'])
def test_rows_that_cannot_be_read_are_not_there(tmp_path: Path, rows: str) -> None:
    assert states(stack(tmp_path, rows)) == {}


@pytest.mark.parametrize(
    ("there", "write", "done", "fault"),
    [
        pytest.param("kept, new", insert("new"), OK, "", id="acknowledged and there"),
        pytest.param("kept", insert("new"), OK, "loses 1 of 2 acknowledged rows, at 1 of 1 points", id="and gone"),
        pytest.param("new", insert("new"), OK, "loses 1 of 2", id="another is gone"),
        pytest.param("", insert("new"), OK, "loses 2 of 2", id="all are"),
        pytest.param("kept, kept, new", insert("new"), OK, "loses 1 of 2", id="twice there"),
        pytest.param("kept, new, odd", insert("new"), OK, "and leaves 1 rows that are not", id="one that nobody wrote"),
        pytest.param("kept", insert("new"), None, "", id="killed and not there"),
        pytest.param("kept, new", insert("new"), None, "", id="killed and there"),
        pytest.param("kept", insert("new"), REFUSED, "all was refused at 1 of 1 points", id="refused"),
        pytest.param("kept, new", insert("new"), REFUSED, "and leaves 1 rows", id="refused and there"),
        pytest.param("kept", update("kept"), OK, "loses 1 of 1", id="changed and as before"),
        pytest.param("kept", update("kept"), None, "", id="killed and as before"),
        pytest.param("kept", migration(), Done(0, "migrate ok", ""), "", id="a migration writes no row"),
    ],
)
def test_tally_tells_what_is_lost_and_what_is_there(
    tmp_path: Path, there: str, write: Write, done: Done | None, fault: str
) -> None:
    rows = ", ".join(f'{{"id": "{key}", "name": "written"}}' for key in filter(None, there.split(", ")))
    tally = Tally({"kept": "written"})
    tally.note("a point", stack(tmp_path, f"[{rows}]"), [(write, done)])
    if not fault:
        tally.assert_all_there("a case", written=done is not None)
        return
    with pytest.raises(pytest.fail.Exception, match=fault):
        tally.assert_all_there("a case")
