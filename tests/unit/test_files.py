"""Files that are written as a whole or not at all."""

import secrets
from pathlib import Path

import pytest

from phdb_ci.base.files import whole_file, write_whole
from phdb_ci.errors import DiskError


def test_file_is_written_and_replaced(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"one")
    write_whole(tmp_path / "a", "zwei ü")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "zwei ü"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "a", "")
    write_whole(tmp_path / "b", "", mode=0o751)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o751


def test_block_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", "before")

    def fail() -> None:
        with whole_file(tmp_path / "a") as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (tmp_path / "a").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_link_at_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "a").symlink_to(tmp_path / "precious")
    write_whole(tmp_path / "a", "ours")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "a").is_symlink()


def test_link_that_waits_at_the_name_of_its_unfinished_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can know the name; somebody who did would gain nothing."""
    monkeypatch.setattr(secrets, "token_hex", lambda _: "known")
    (tmp_path / "precious").write_text("mine")
    (tmp_path / ".phdb-ci-known").symlink_to(tmp_path / "precious")
    with pytest.raises(DiskError, match="File exists"):
        write_whole(tmp_path / "a", "ours")
    assert (tmp_path / "precious").read_text() == "mine"


def test_folder_that_is_not_there_is_made_where_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be written"):
        write_whole(tmp_path / "x" / "y" / "a", "")
    write_whole(tmp_path / "x" / "y" / "a", "deep", parents=True)
    assert (tmp_path / "x" / "y" / "a").read_text() == "deep"


def test_folder_that_cannot_be_made_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(DiskError, match="cannot be written"):
        write_whole(tmp_path / "x" / "a", "", parents=True)


def test_place_that_holds_a_folder_is_a_disk_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(DiskError, match="cannot be written"):
        write_whole(tmp_path / "a", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
