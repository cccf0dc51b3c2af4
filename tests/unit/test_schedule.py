"""The scheduler over callables: order, how many at once, what goes first, and what raises."""

import threading
import time
from functools import partial
from graphlib import CycleError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phdb_ci.execution.schedule import Node, remaining, run_graph


def nothing() -> None:
    """Work that is done at once."""


def recorded(needs: dict[str, tuple[str, ...]], expected: dict[str, float], jobs: int) -> list[str]:
    """The names in the order in which their work began."""
    order: list[str] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        with lock:
            order.append(name)

    nodes = {
        name: Node(before, expected.get(name, 1.0), lambda name=name: work(name))  # type: ignore[misc]  # a default in a lambda
        for name, before in needs.items()
    }
    assert set(run_graph(nodes, jobs)) == set(needs)
    return order


def test_results_come_back_by_name() -> None:
    nodes = {"a": Node((), 1, lambda: 1), "b": Node(("a",), 1, lambda: 2)}
    assert run_graph(nodes, 2) == {"a": 1, "b": 2}
    assert run_graph({}, 2) == {}


@pytest.mark.parametrize("jobs", [0, -3])
def test_less_than_one_at_a_time_is_refused_and_not_waited_for(jobs: int) -> None:
    with pytest.raises(ValueError, match="would never end"):
        run_graph({"a": Node((), 1.0, lambda: 1)}, jobs)


def test_longest_remaining_path_goes_first() -> None:
    needs: dict[str, tuple[str, ...]] = {"short": (), "long": (), "start": (), "after": ("start",)}
    expected = {"short": 1.0, "long": 5.0, "start": 1.0, "after": 9.0}
    assert recorded(needs, expected, 1) == ["start", "after", "long", "short"]


def test_remaining_is_the_longest_way_to_the_end() -> None:
    nodes = {
        "a": Node((), 1, nothing),
        "b": Node(("a",), 2, nothing),
        "c": Node(("a",), 5, nothing),
        "d": Node(("b", "c"), 1, nothing),
        "e": Node((), 4, nothing),
    }
    assert remaining(nodes) == {"a": 7, "b": 3, "c": 6, "d": 1, "e": 4}


GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        *(st.sets(st.integers(0, max(0, index - 1)), max_size=3 if index else 0) for index in range(size))
    )
)


@settings(max_examples=50, deadline=None)
@given(graph=GRAPHS, jobs=st.integers(1, 4))
def test_every_node_runs_once_and_after_what_it_needs(graph: tuple[set[int], ...], jobs: int) -> None:
    needs = {str(index): tuple(map(str, before)) for index, before in enumerate(graph)}
    order = recorded(needs, {}, jobs)
    assert sorted(order) == sorted(needs)
    assert all(order.index(before) < order.index(name) for name in needs for before in needs[name])


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_no_more_run_at_once_than_allowed_and_as_many_as_can(jobs: int) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    run_graph({str(index): Node((), 1, work) for index in range(7)}, jobs)
    assert (running, most) == (0, jobs)


def test_what_must_be_alone_runs_alone_and_last() -> None:
    running: list[str] = []
    beside: dict[str, list[str]] = {}
    lock = threading.Lock()

    def work(name: str) -> None:
        with lock:
            running.append(name)
            for one in running:
                beside.setdefault(one, []).extend(other for other in running if other != one)
        time.sleep(0.02)
        with lock:
            running.remove(name)

    nodes = {name: Node((), 1, partial(work, name)) for name in "abcd"}
    nodes["alone"] = Node((), 9, partial(work, "alone"), alone=True)
    nodes["after"] = Node(("alone",), 1, partial(work, "after"))
    assert list(run_graph(nodes, 3))[-2:] == ["alone", "after"]
    assert beside["alone"] == []
    assert any(beside[name] for name in "abcd")


class BoomError(Exception):
    """What a node's work raises."""


def test_exception_waits_for_what_runs_and_starts_nothing_more() -> None:
    ended: list[str] = []
    together = threading.Barrier(2)

    def slow() -> None:
        together.wait()
        time.sleep(0.1)
        ended.append("slow")

    def boom() -> None:
        together.wait()
        raise BoomError

    nodes = {
        "slow": Node((), 9, slow),
        "boom": Node((), 8, boom),
        "waiting": Node((), 1, lambda: ended.append("waiting")),
        "later": Node(("boom",), 9, lambda: ended.append("later")),
    }
    with pytest.raises(BoomError):
        run_graph(nodes, 2)
    assert ended == ["slow"]


def test_even_an_exit_in_a_node_comes_back() -> None:
    def leave() -> None:
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        run_graph({"a": Node((), 1, leave)}, 1)


def test_cycle_is_refused_before_anything_runs() -> None:
    started: list[str] = []
    nodes = {name: Node((need,), 1, lambda: started.append("x")) for name, need in (("a", "b"), ("b", "a"))}
    with pytest.raises(CycleError):
        run_graph(nodes, 1)
    assert started == []
