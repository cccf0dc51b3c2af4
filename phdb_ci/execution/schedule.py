"""Run a graph of callables on threads, at most `jobs` at a time, longest path first. Knows no job."""

import queue
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any


@dataclass(frozen=True)
class Node:
    """One piece of work: what it waits for, how long it is expected to take (seconds), and what to call.

    `alone`: nothing else runs at the same time, for a piece that measures times.
    """

    needs: tuple[str, ...]
    expected: float
    work: Callable[[], Any]
    alone: bool = False


def remaining(nodes: Mapping[str, Node]) -> dict[str, float]:
    """For each node, the expected seconds of the longest path from its start to the end of the graph."""
    length = {name: node.expected for name, node in nodes.items()}
    order = list(TopologicalSorter({name: node.needs for name, node in nodes.items()}).static_order())
    for name in reversed(order):
        for need in nodes[name].needs:
            length[need] = max(length[need], nodes[need].expected + length[name])
    return length


def run_graph(nodes: Mapping[str, Node], jobs: int) -> dict[str, Any]:
    """Run every node after what it needs and return what each call gave, by name.

    A call is expected not to raise; one that does ends the run with that exception once the running ones are
    done.
    """
    if jobs < 1:
        raise ValueError(f"{jobs} jobs at a time would never end")
    priority = remaining(nodes)
    sorter = TopologicalSorter({name: node.needs for name, node in nodes.items()})
    sorter.prepare()
    done: queue.Queue[tuple[str, Any, BaseException | None]] = queue.Queue()
    ready: list[str] = []
    results: dict[str, Any] = {}
    running: set[str] = set()
    failure: BaseException | None = None
    while running or (sorter.is_active() and failure is None):
        # What must be alone goes last: by then it has the least to wait for.
        ready = sorted([*ready, *sorter.get_ready()], key=lambda name: (not nodes[name].alone, priority[name]))
        while ready and len(running) < jobs and failure is None and _may_start(nodes, ready[-1], running):
            name = ready.pop()
            threading.Thread(target=_call, args=(name, nodes[name], done), name=name, daemon=True).start()
            running.add(name)
        name, value, error = done.get()
        running.remove(name)
        failure = failure or error
        results[name] = value
        sorter.done(name)
    if failure:
        raise failure
    return results


def _may_start(nodes: Mapping[str, Node], name: str, running: Collection[str]) -> bool:
    return not running or not (nodes[name].alone or any(nodes[other].alone for other in running))


def _call(name: str, node: Node, done: "queue.Queue[tuple[str, Any, BaseException | None]]") -> None:
    try:
        done.put((name, node.work(), None))
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
        done.put((name, None, error))
