"""The watch over reports: written once is honest however slowly; written by a second run is not."""

import os
from pathlib import Path

import pytest

from phdb_ci.execution.workspace.watch import Watch

WHOLE = "<testsuites><testsuite/></testsuites>"


class Watched:
    """A report and a watch that looks when it is told to."""

    def __init__(self, path: Path, *, at_once: bool) -> None:
        self.path = path
        self.watch = Watch({0: (path, at_once)})
        self._tick = 1_700_000_000

    def write(self, text: str) -> None:
        """Write into the same file without making it shorter first."""
        with self.path.open("r+" if self.path.exists() else "w") as file:
            file.write(text)
            file.truncate()
        self._tick += 1
        os.utime(self.path, (self._tick, self._tick))

    def look(self) -> bool:
        """Look once, and say whether it was rewritten."""
        self.watch._look()
        return self.watch.rewritten == {0}


@pytest.fixture
def pytests(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "pytest.xml", at_once=True)


@pytest.fixture
def nodes(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "node.xml", at_once=False)


@pytest.mark.parametrize("end", ["", "\n", " \n\n"])
def test_whole_report_that_changes_was_rewritten(pytests: Watched, end: str) -> None:
    pytests.write(WHOLE + end)
    assert not pytests.look()
    pytests.write(WHOLE + end)
    assert pytests.look()


def test_whole_report_that_is_replaced_by_a_longer_one_was_rewritten(pytests: Watched) -> None:
    pytests.write(WHOLE)
    assert not pytests.look()
    pytests.write("<testsuites>" + WHOLE)
    assert pytests.look()


def test_report_that_grows_slowly_was_written_once(pytests: Watched) -> None:
    for length in range(1, len(WHOLE) + 1):
        pytests.write(WHOLE[:length])
        assert not pytests.look()
    assert not pytests.look()


def test_report_that_is_looked_at_again_was_written_once(pytests: Watched) -> None:
    pytests.write(WHOLE)
    assert not any(pytests.look() for _ in range(5))


def test_report_that_grows_behind_a_last_tag_is_nodes_own_way(nodes: Watched) -> None:
    nodes.write(WHOLE)
    assert not nodes.look()
    nodes.write(WHOLE + "<!-- tests 1 -->")
    assert not nodes.look()


@pytest.mark.parametrize("at_once", [True, False])
def test_report_that_became_shorter_was_rewritten(tmp_path: Path, at_once: bool) -> None:
    one = Watched(tmp_path / "x.xml", at_once=at_once)
    one.write("<testsuites><a/>")
    assert not one.look()
    one.write("<testsuites>")
    assert one.look()


@pytest.mark.parametrize("at_once", [True, False])
def test_report_that_became_another_file_was_rewritten(tmp_path: Path, at_once: bool) -> None:
    one = Watched(tmp_path / "x.xml", at_once=at_once)
    one.write(WHOLE)
    assert not one.look()
    (tmp_path / "y.xml").write_text(WHOLE)
    (tmp_path / "y.xml").replace(one.path)
    assert one.look()


def test_pipe_and_link_in_the_place_of_a_report_stop_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    watch = Watch({0: (tmp_path / "pipe", True), 1: (tmp_path / "link", True), 2: (tmp_path / "none", True)})
    with watch:
        watch._look()
    assert watch.rewritten == set()


def test_thread_sees_a_second_report(pytests: Watched) -> None:
    with pytests.watch:
        pytests.write(WHOLE)
        pytests.look()
        pytests.write(WHOLE)
    assert pytests.watch.rewritten == {0}
