"""Bundles: an artifact as one file is the same bytes for everybody; whatever else comes back is refused."""

import gzip
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phdb_ci.artifacts.bundle import LARGEST, MOST, is_bundle, pack, unpack
from phdb_ci.artifacts.store import MANIFEST, Store, load, take_in
from phdb_ci.errors import ArtifactError
from phdb_ci.models.inventory import Stored
from tests.helpers import PIN, key_inputs
from tests.repositories import listing

ENGINE = b"\x7fELF the engine"


def publish(folder: Path, *outputs: str, **inputs: Any) -> Stored:
    """An artifact in a store of its own below folder."""
    built = folder / "built"
    names = outputs or ("lidb_embed",)
    for name in names:
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).write_bytes(ENGINE + name.encode())
    told = key_inputs(outputs=list(names), **inputs)
    return Store(folder / "store").publish(
        built, told, commit=PIN, source="/r", started="2026-11-25T03:00:00Z", seconds=1.0
    )


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    return publish(tmp_path)


@pytest.fixture
def bundle(stored: Stored, tmp_path: Path) -> Path:
    """A sound bundle."""
    pack(stored, tmp_path / "embed.tar")
    return tmp_path / "embed.tar"


@pytest.fixture
def given_(tmp_path: Path) -> Path:
    """Where bundles are unpacked; not there yet."""
    return tmp_path / "cache" / "given"


# There and back


def test_bundle_gives_the_artifact_back(stored: Stored, bundle: Path, given_: Path) -> None:
    back = load(unpack(bundle, given_))

    assert (back.digest, back.key, back.inputs, back.commit) == (
        stored.digest, stored.key, stored.inputs, stored.commit,
    )  # fmt: skip
    binary = back.path / "lidb_embed"
    assert binary.read_bytes() == ENGINE + b"lidb_embed"
    assert stat.S_IMODE(binary.stat().st_mode) == 0o755
    assert take_in(back.path, "embed", ("lidb_embed",)).digest == stored.digest


def test_several_outputs_in_folders_come_back(tmp_path: Path, given_: Path) -> None:
    stored = publish(tmp_path, "bin/lidb_embed", "lib/x/liblidb.so", "ü" * 40 + "/" + "n" * 200)
    pack(stored, tmp_path / "embed.tar")

    assert load(unpack(tmp_path / "embed.tar", given_)).digests == stored.digests


def test_same_artifact_is_the_same_bytes_whoever_packs_it(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(stored, tmp_path / "one.tar")
    other = tmp_path / "elsewhere"
    shutil.copytree(stored.path, other)
    for path in other.iterdir():
        path.chmod(0o600)
        os.utime(path, (1, 1))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    before = os.umask(0o077)
    try:
        pack(load(other), tmp_path / "two.tar")
    finally:
        os.umask(before)

    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        facts = [(one.name, one.mode, one.mtime, one.uid, one.uname) for one in tar]
    assert facts == [(MANIFEST, 0o644, 0, 0, ""), ("lidb_embed", 0o755, 0, 0, "")]


def test_packing_leaves_one_file_and_replaces_an_older(stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "embed.tar").write_text("old")
    pack(stored, tmp_path / "out" / "embed.tar")

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["embed.tar"]
    assert tarfile.is_tarfile(tmp_path / "out" / "embed.tar")


def test_bundle_is_unpacked_once(bundle: Path, given_: Path) -> None:
    place = unpack(bundle, given_)
    before = listing(given_)

    assert unpack(bundle, given_) == place
    assert listing(given_) == before


@pytest.mark.parametrize("damage", ["gone", "other", "folder"])
def test_unpacked_bundle_that_was_damaged_is_unpacked_again(bundle: Path, given_: Path, damage: str) -> None:
    binary = unpack(bundle, given_) / "lidb_embed"
    binary.unlink()
    if damage == "other":
        binary.write_bytes(b"#!/bin/sh\nexit 0\n")
    if damage == "folder":
        binary.mkdir()
    place = unpack(bundle, given_)

    assert (place / "lidb_embed").read_bytes() == ENGINE + b"lidb_embed"
    assert list(given_.iterdir()) == [place]


@pytest.mark.parametrize(
    ("name", "expected"), [("a.tar", True), ("a.tar.gz", False), ("a", False), ("folder.tar", False)]
)
def test_file_that_ends_in_tar_is_meant_as_a_bundle(tmp_path: Path, name: str, expected: bool) -> None:
    (tmp_path / "folder.tar").mkdir()

    assert is_bundle(tmp_path / name) == expected


# Hostile


Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, data: bytes = b"x", **fields: Any) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def members_of(stored: Stored) -> list[Member]:
    names = (MANIFEST, *stored.digests)
    return [member(name, (stored.path / name).read_bytes()) for name in names]


def write(file: Path, *members: Member, **options: Any) -> Path:
    told: dict[str, Any] = {"mode": "w", "format": tarfile.PAX_FORMAT}
    with tarfile.open(file, **told | options) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return file


def around(folder: Path) -> set[Path]:
    return {path for path in folder.parents[1].rglob("*") if folder.parent not in (path, *path.parents)}


def assert_refused(file: Path, folder: Path, *texts: str) -> None:
    """It is no bundle, for this reason, and it leaves nothing, here or elsewhere."""
    before = around(folder)
    with pytest.raises(ArtifactError) as caught:
        unpack(file, folder)
    assert any(text in caught.value.message for text in texts), caught.value.message
    assert not any(folder.glob("*"))
    assert around(folder) == before
    assert not Path("/tmp/phdb-evil").exists()


NO_PLAIN_FILE = "which is no plain file below it"
ODD: dict[str, Member] = {
    "parent": member("../evil"),
    "parent inside": member("a/../../evil"),
    "parent at the end": member("a/.."),
    "absolute": member("/tmp/phdb-evil"),
    "empty": member(""),
    "dot": member("."),
    "symlink": member("lidb_embed2", b"", type=tarfile.SYMTYPE, linkname="/bin/true"),
    "hard link": member("lidb_embed2", b"", type=tarfile.LNKTYPE, linkname="lidb_embed"),
    "folder": member("folder", b"", type=tarfile.DIRTYPE),
    "character device": member("null", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "block device": member("disk", b"", type=tarfile.BLKTYPE, devmajor=8),
    "pipe": member("pipe", b"", type=tarfile.FIFOTYPE),
    "parent by PAX": member("good", pax_headers={"path": "../evil"}),
    "absolute by PAX": member("good", pax_headers={"path": "/tmp/phdb-evil"}),
    "long name to the parent": member("a/" * 100 + "../" * 101 + "evil"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_member_that_is_no_plain_file_below_is_refused(
    stored: Stored, tmp_path: Path, given_: Path, name: str, first: bool
) -> None:
    sound = members_of(stored)
    file = write(tmp_path / "x.tar", *([ODD[name], *sound] if first else [*sound, ODD[name]]))

    assert_refused(file, given_, NO_PLAIN_FILE, "is no artifact bundle")


@pytest.mark.parametrize("again", ["lidb_embed", "./lidb_embed", MANIFEST])
def test_file_that_is_there_twice_is_refused(stored: Stored, tmp_path: Path, given_: Path, again: str) -> None:
    file = write(tmp_path / "x.tar", *members_of(stored), member(again))

    assert_refused(file, given_, "holds a file twice")


def test_file_below_a_file_is_refused(stored: Stored, tmp_path: Path, given_: Path) -> None:
    file = write(tmp_path / "x.tar", *members_of(stored), member("lidb_embed/inner"))

    assert_refused(file, given_, "is no artifact bundle")


def test_too_many_files_are_refused(tmp_path: Path, given_: Path) -> None:
    file = write(tmp_path / "x.tar", *(member(f"f{number}") for number in range(MOST + 1)))

    assert_refused(file, given_, "too many files")


@pytest.mark.parametrize("size", [LARGEST + 1, 1 << 40, (1 << 63) - 1])
def test_member_that_claims_to_be_huge_is_refused(tmp_path: Path, given_: Path, size: int) -> None:
    info, _ = member("lidb_embed", b"")
    info.size = size
    file = tmp_path / "x.tar"
    file.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))

    assert_refused(file, given_, "MiB", "is no artifact bundle")


def test_member_of_a_negative_size_is_refused(stored: Stored, tmp_path: Path, given_: Path) -> None:
    for size in (-1, -512, -1024, -(1 << 40)):
        info, _ = member("lidb_embed", b"")
        info.size = size
        file = write(tmp_path / "x.tar", *members_of(stored)[:1])
        data = file.read_bytes().rstrip(b"\0")
        data += bytes(-len(data) % 512)
        file.write_bytes(data + info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))

        assert_refused(file, given_, NO_PLAIN_FILE, "is no artifact bundle", "holds a file twice", "its manifest says")


def test_sparse_member_that_is_mostly_a_hole_is_bounded(tmp_path: Path, given_: Path) -> None:
    headers = {
        "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "lidb_embed",
        "GNU.sparse.size": str(1 << 40), "GNU.sparse.map": f"{(1 << 40) - 1},1",
    }  # fmt: skip
    file = write(tmp_path / "x.tar", member("x", b"x", pax_headers=headers))

    assert_refused(file, given_, "MiB", "is no artifact bundle")
    assert file.stat().st_size < 20_000


def test_file_that_is_larger_than_a_bundle_can_be_is_not_read(tmp_path: Path, given_: Path) -> None:
    file = tmp_path / "x.tar"
    file.touch()
    os.truncate(file, LARGEST * 4)

    assert_refused(file, given_, "is larger than an artifact bundle can be")


PAX: dict[str, dict[str, str]] = {
    "size": {"size": "-5"},
    "size of another kind": {"size": "many"},
    "huge size": {"size": "9" * 400},
    "name": {"path": ""},
    "name with a NUL": {"path": "a\0b"},
    "long name": {"path": "x" * 70_000},
    "half a sparse map": {"GNU.sparse.map": "1,2,3"},
    "sparse map of words": {"GNU.sparse.map": "a,b"},
    "sparse of the newest kind": {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
    "sparse size of words": {"GNU.sparse.size": "many"},
    "time": {"mtime": "nan"},
}


@pytest.mark.parametrize("name", PAX)
def test_odd_pax_header_is_refused_or_harmless(stored: Stored, tmp_path: Path, given_: Path, name: str) -> None:
    manifest, binary = members_of(stored)
    binary[0].pax_headers = PAX[name]
    file = write(tmp_path / "x.tar", manifest, binary)

    if name == "time":
        assert load(unpack(file, given_)).digest == stored.digest
    else:
        assert_refused(file, given_, str(file), "its manifest says")


def test_chain_of_long_names_is_refused(tmp_path: Path, given_: Path) -> None:
    info, _ = member("././@LongLink", b"", type=tarfile.GNUTYPE_LONGNAME)
    info.size = 2
    file = tmp_path / "x.tar"
    file.write_bytes((info.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(512, b"\0")) * 3000)

    assert_refused(file, given_, "is no artifact bundle")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("empty", lambda _: b""),
        ("text", lambda _: b"hello"),
        ("zeros", lambda _: bytes(10240)),
        ("gzip", gzip.compress),
        ("zip", lambda _: b"PK\x03\x04" + bytes(100)),
        ("header alone", lambda data: data[:512]),
        ("half a header", lambda data: data[:300]),
        ("manifest alone", lambda data: data[: data.index(ENGINE) - 512]),
        ("half the binary", lambda data: data[: data.index(ENGINE) + 5]),
        ("binary's header alone", lambda data: data[: data.index(ENGINE)]),
        ("another byte", lambda data: data.replace(ENGINE, ENGINE.replace(b"engine", b"Engine"))),
        ("another checksum", lambda data: data[:148] + b"0000000\0" + data[156:]),
    ],
)
def test_file_that_is_no_whole_tar_is_refused(
    bundle: Path, given_: Path, name: str, change: Callable[[bytes], bytes]
) -> None:
    bundle.write_bytes(change(bundle.read_bytes()))

    assert name
    assert_refused(bundle, given_, "is no artifact bundle", "its manifest says", "is missing or is no manifest")


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_bundle_is_refused(stored: Stored, tmp_path: Path, given_: Path, mode: str) -> None:
    assert_refused(write(tmp_path / "x.tar", *members_of(stored), mode=mode), given_, "is no artifact bundle")


def test_manifest_of_another_artifact_is_refused_where_it_is_asked_for(tmp_path: Path, given_: Path) -> None:
    other = publish(tmp_path, artifact="other")
    pack(other, tmp_path / "x.tar")

    with pytest.raises(ArtifactError, match="is artifact other, not embed"):
        take_in(unpack(tmp_path / "x.tar", given_), "embed", ("lidb_embed",))


def test_bundle_without_its_output_or_manifest_is_refused(stored: Stored, tmp_path: Path, given_: Path) -> None:
    for number, one in enumerate(members_of(stored)):
        file = write(tmp_path / f"{number}.tar", one)
        assert_refused(file, given_, "its manifest says", "is missing or is no manifest")


def test_file_beside_the_outputs_changes_nothing(stored: Stored, tmp_path: Path, given_: Path) -> None:
    file = write(tmp_path / "x.tar", *members_of(stored), member("more/README"))

    assert take_in(unpack(file, given_), "embed", ("lidb_embed",)).digest == stored.digest


@pytest.mark.parametrize("kind", ["gone", "link", "pipe"])
def test_file_that_cannot_be_read_is_told(bundle: Path, tmp_path: Path, given_: Path, kind: str) -> None:
    path = tmp_path / "other.tar"
    if kind == "link":
        path.symlink_to(bundle)
    if kind == "pipe":
        os.mkfifo(path)

    with pytest.raises(ArtifactError, match=r"other\.tar cannot be read: "):
        unpack(path, given_)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """The bytes of a sound bundle, and its artifact's digest."""
    folder = tmp_path_factory.mktemp("sound")
    stored = publish(folder)
    pack(stored, folder / "embed.tar")
    return (folder / "embed.tar").read_bytes(), stored.digest


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 15), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_bundle_gives_the_artifact_or_is_refused(
    sound: tuple[bytes, str], tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    data = bytearray(sound[0])
    for offset, value in changes:
        data[offset % (len(data) - 8000)] = value
    (folder / "x.tar").write_bytes(data)

    try:
        place = unpack(folder / "x.tar", folder / "given")
    except ArtifactError:
        return
    assert load(place).digest == sound[1]
