"""A run that is ended in the middle leaves no process and no mess: the next one is green, with no help."""

import random
import signal
import time
from pathlib import Path

import pytest

from tests.integration.gate.bench import OS, SLOW_PATH, Scenario, Started, wait_for

TERM, INT, KILL, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP
E2E = f"e2e-engine@{OS}"
SEEDS = [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)]
# A job that does what it can not to end: it ignores TERM, and has children outside its group that do so too.
STUBBORN = (
    "trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM; sleep 301; sleep 302' & sleep 303 & echo going;"
    " sleep 304; sleep 305"
)


@pytest.fixture
def quick(cold: Scenario) -> Scenario:
    """An empty cache and a build of a few seconds."""
    cold.env["PATH"] = SLOW_PATH
    cold.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    return cold


def assert_ended(started: Started, status: str) -> None:
    """Within five seconds nothing lives; the verdict says `incomplete` and the leg says how it ended."""
    began = time.monotonic()
    assert wait_for(lambda: not started.left(), 5), started.left()
    ran = started.finish(max(0.1, 5 - (time.monotonic() - began)))
    assert ran.code == 130, ran.out
    assert ran.verdict.outcome == "incomplete"
    assert {leg.result.status for leg in ran.verdict.legs} == {status}
    assert (ran.folder / "comment.md").exists()


@pytest.mark.parametrize(
    "number", [TERM, INT, pytest.param(HUP, marks=pytest.mark.long)], ids=lambda number: number.name
)
def test_signal_during_a_job_ends_everything_and_gives_an_incomplete_verdict(
    own: Scenario, number: signal.Signals
) -> None:
    sound = own.matrix.read_text()
    own.set_run("e2e-engine", STUBBORN)
    started = own.start("e2e-engine")
    started.wait_for(E2E, "\ngoing")
    started.send(number)

    assert_ended(started, "cancelled")
    own.matrix.write_text(sound)
    own.run("e2e-engine").assert_green()


@pytest.mark.slow
@pytest.mark.parametrize("number", [TERM, pytest.param(INT, marks=pytest.mark.long)], ids=lambda number: number.name)
def test_signal_during_the_build_ends_everything_and_gives_an_incomplete_verdict(
    quick: Scenario, number: signal.Signals
) -> None:
    started = quick.start("e2e-engine")
    started.wait_for("embed", "Building CXX")
    started.send(number)

    assert_ended(started, "cancelled")
    ran = quick.run("e2e-engine")
    ran.assert_green()
    assert ran.embed.status == "built"


def test_signals_in_a_row_do_no_more_than_one(own: Scenario) -> None:
    own.set_run("e2e-engine", STUBBORN)
    started = own.start("e2e-engine")
    started.wait_for(E2E, "\ngoing")
    for number in (INT, INT, TERM, INT):
        started.send(number)
        time.sleep(0.05)

    assert_ended(started, "cancelled")


@pytest.mark.parametrize("number", [TERM, INT], ids=lambda number: number.name)
def test_signal_during_planning_ends_without_a_verdict(own: Scenario, number: signal.Signals) -> None:
    (own.root / "bin").mkdir()
    slow = own.root / "bin" / "c++"  # asked for its version while the run is planned
    slow.write_text("#!/bin/sh\ntouch $0.asked\nsleep 300\n")
    slow.chmod(0o755)
    own.env["PATH"] = f"{slow.parent}:{own.environment()['PATH']}"
    started = own.start("lis-tests")
    assert wait_for(Path(f"{slow}.asked").exists, 20)
    time.sleep(0.2)
    started.send(number)

    assert started.process.wait(5) == 130
    assert wait_for(lambda: not started.left(), 5), started.left()
    assert not (started.folder / "verdict.json").exists()
    told = (own.root / f"{started.folder.name}.log").read_text()
    assert told == "error: interrupted before anything ran: there is no verdict\n"


def test_signal_while_waiting_for_a_lock_ends_the_run(own: Scenario) -> None:
    import fcntl

    own.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    key = own.plan("lis-tests").artifacts[0].key
    lock = own.cache / "builds" / f"embed-{key[:16]}.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        started = own.start("lis-tests")
        log = own.root / f"{started.folder.name}.log"
        assert wait_for(lambda: "waiting for another job or run" in log.read_text(), 20)
        started.send(TERM)

        assert_ended(started, "cancelled")


# kill -9


def kill(started: Started) -> None:
    """The harness, and nothing but the harness; five seconds later nothing of its run lives."""
    started.send(KILL)
    started.process.wait(5)
    assert wait_for(lambda: not started.left(), 5), started.left()
    assert not (started.folder / "verdict.json").exists() or started.process.returncode == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_next_run_is_green_after_a_kill_at_a_random_moment(own: Scenario, seed: int) -> None:
    delay = random.Random(seed).uniform(0.1, 1.6)  # noqa: S311 - planning, set-up, tests, verdict
    started = own.start("e2e-engine", "lis-tests")
    time.sleep(delay)
    kill(started)

    own.run("e2e-engine", "lis-tests").assert_green()


def test_next_run_is_green_after_a_kill_during_a_stubborn_job(own: Scenario) -> None:
    sound = own.matrix.read_text()
    own.set_run("e2e-engine", STUBBORN)
    started = own.start("e2e-engine")
    started.wait_for(E2E, "\ngoing")
    kill(started)

    own.matrix.write_text(sound)
    own.run("e2e-engine").assert_green()


@pytest.mark.parametrize("seed", SEEDS)
def test_next_run_is_green_after_kills_during_planning_on_an_empty_cache(own: Scenario, seed: int) -> None:
    (own.cache / "mirrors").rename(own.root / "gone")
    moment = random.Random(seed)  # noqa: S311
    for _ in range(3):
        started = own.start("lis-tests")
        time.sleep(moment.uniform(0.15, 0.6))
        kill(started)

    own.run("lis-tests").assert_green()


@pytest.mark.slow
def test_next_run_is_green_after_kills_during_the_build(quick: Scenario) -> None:
    moment = random.Random(7)  # noqa: S311
    for text in ("The CXX compiler", "Building CXX"):
        started = quick.start("lis-tests")
        started.wait_for("embed", text)
        time.sleep(moment.uniform(0, 1))
        kill(started)
    ran = quick.run("lis-tests")

    ran.assert_green()
    assert ran.embed.status == "built"


@pytest.mark.long
def test_run_that_waits_for_a_build_that_is_killed_builds_and_is_green(quick: Scenario) -> None:
    first = quick.start("lis-tests")
    first.wait_for("embed", "Building CXX")
    second = quick.start("lis-tests")
    log = quick.root / f"{second.folder.name}.log"
    assert wait_for(lambda: "waiting for another job or run" in log.read_text(), 20)
    first.send(KILL)
    first.process.wait(5)
    ran = second.finish()

    ran.assert_green()
    assert ran.embed.status == "built"


@pytest.mark.long
def test_next_run_is_green_after_a_kill_in_a_job_that_builds(quick: Scenario) -> None:
    quick.patch("lidb/scripts/smoke.sh", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    quick.patch(
        "lidb/scripts/smoke.sh",
        'cmake --build "$BUILD_DIR"',
        'touch "$ROOT"/*/*.cpp; echo again; cmake --build "$BUILD_DIR"',
    )
    started = quick.start("smoke")
    started.wait_for(f"smoke@{OS}", "\nagain")
    time.sleep(1)
    kill(started)
    script = quick.stack / "lidb/scripts/smoke.sh"
    script.write_text(script.read_text().replace('touch "$ROOT"/*/*.cpp; ', ""))

    quick.run("smoke").assert_green()
