"""The store over real files: keys, publishing, and entries that are no longer what they were."""

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.artifacts.store import Entries, Store, file_digest, joint_digest, key_of, load, measure, place, take_in
from phdb_ci.errors import ArtifactError, OtherReleaseError
from phdb_ci.models.inventory import RECIPE, KeyInputs, Stored
from tests.helpers import PIN, TREE, key_inputs

ENGINE = b"#!/bin/sh\necho engine\n"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A build directory that made its output."""
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "lidb_embed").write_bytes(ENGINE)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def publish(store: Store, built: Path, inputs: KeyInputs | None = None, commit: str = PIN) -> Stored:
    return store.publish(
        built,
        inputs or key_inputs(),
        commit=commit,
        source="https://github.com/acme/lidb.git",
        started="2026-11-25T03:00:00Z",
        seconds=1.5,
    )


# Keys


def test_key_is_the_same_on_every_machine_and_version() -> None:
    assert key_of(key_inputs()) == "436b3c085b8b16da5a7eb841229bbab12ba03fa8d8649392f07fec242c005076"


def test_key_does_not_depend_on_the_order_of_inputs() -> None:
    one = key_inputs(trees={"a": TREE, "b": None}, tools={"x": "1", "y": "2"})
    two = key_inputs(trees={"b": None, "a": TREE}, tools={"y": "2", "x": "1"})
    assert key_of(one) == key_of(two)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
INPUTS = st.builds(
    KeyInputs,
    recipe=st.integers(1, 3),
    artifact=st.from_regex(r"[a-z]{1,5}", fullmatch=True),
    trees=st.dictionaries(NAMES, st.none() | st.from_regex(r"[0-9a-f]{40}", fullmatch=True), max_size=3),
    build=st.lists(NAMES, max_size=3).map(tuple),
    outputs=st.lists(NAMES, max_size=3).map(tuple),
    tools=st.dictionaries(NAMES, NAMES, max_size=3),
    platform=NAMES,
)


@given(one=INPUTS, two=INPUTS)
def test_keys_are_equal_exactly_when_all_inputs_are(one: KeyInputs, two: KeyInputs) -> None:
    assert (key_of(one) == key_of(two)) == (one == two)
    assert key_of(KeyInputs.model_validate_json(one.model_dump_json())) == key_of(one)


@given(base=INPUTS, other=INPUTS, name=st.sampled_from(sorted(KeyInputs.model_fields)))
def test_each_input_alone_changes_the_key(base: KeyInputs, other: KeyInputs, name: str) -> None:
    changed = base.model_copy(update={name: getattr(other, name)})
    assert (key_of(changed) != key_of(base)) == (getattr(other, name) != getattr(base, name))


# Digests


def test_digest_of_one_output_is_the_files_own(built: Path) -> None:
    digest = hashlib.sha256(ENGINE).hexdigest()
    assert file_digest(built / "lidb_embed") == digest
    assert joint_digest({"lidb_embed": digest}) == digest


def test_digest_of_several_outputs_is_over_names_too() -> None:
    assert joint_digest({"a": "1", "b": "2"}) == joint_digest({"b": "2", "a": "1"})
    assert joint_digest({"a": "1", "b": "2"}) != joint_digest({"a": "2", "b": "1"})


def _nothing(path: Path) -> None:
    path.unlink()


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


NO_FILE = pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_nothing, id="missing"),
        pytest.param(_link, id="link"),
        pytest.param(_folder, id="folder"),
        pytest.param(_pipe, id="pipe that would block"),
    ],
)
Spoil = Callable[[Path], None]


@NO_FILE
def test_what_is_no_regular_file_measures_as_missing(built: Path, spoil: Spoil) -> None:
    spoil(built / "lidb_embed")
    assert measure(built, ("lidb_embed",)) == {"lidb_embed": "missing"}


# Publishing


def test_published_entry_is_found_and_says_where_it_came_from(store: Store, built: Path) -> None:
    made = publish(store, built)
    found = store.find("embed", key_of(key_inputs()))
    assert found == made
    assert (made.commit, made.digest) == (PIN, hashlib.sha256(ENGINE).hexdigest())
    assert os.access(made.path / "lidb_embed", os.X_OK)
    manifest = json.loads((made.path / "manifest.json").read_text())
    assert manifest["_type"] == "https://in-toto.io/Statement/v1"
    assert manifest["predicateType"] == "https://slsa.dev/provenance/v1"
    assert manifest["subject"] == [{"name": "lidb_embed", "digest": {"sha256": made.digest}}]


def test_other_commit_of_the_same_inputs_shares_the_entry(store: Store, built: Path) -> None:
    first = publish(store, built)
    second = publish(store, built, commit="b" * 40)
    assert second == first
    assert len(store.entries("embed").sound) == 1


def test_creating_and_asking_a_store_writes_nothing(store: Store) -> None:
    assert store.find("embed", "0" * 64) is None
    assert store.entries("embed") == Entries()
    store.prune(keep=1)
    assert not store.root.exists()


@NO_FILE
def test_publishing_without_a_real_output_leaves_no_trace(store: Store, built: Path, spoil: Spoil) -> None:
    spoil(built / "lidb_embed")
    with pytest.raises(ArtifactError, match="lidb_embed is not there or is no regular file"):
        publish(store, built)
    assert list((store.root / "embed").iterdir()) == []


def test_outputs_in_folders_keep_their_place(store: Store, built: Path) -> None:
    (built / "bin").mkdir()
    (built / "bin" / "tool").write_text("x")
    made = publish(store, built, key_inputs(outputs=["bin/tool", "lidb_embed"]))
    assert (made.path / "bin" / "tool").read_text() == "x"


def test_concurrent_publishes_of_one_key_all_get_a_sound_entry(store: Store, built: Path) -> None:
    start, made, errors = threading.Barrier(8), [], []

    def work() -> None:
        start.wait()
        try:
            made.append(publish(store, built))
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert made == [made[0]] * 8
    assert [path.name for path in (store.root / "embed").iterdir()] == [made[0].key]


# Damage


def _other_binary(entry: Path) -> None:
    (entry / "lidb_embed").write_bytes(b"another engine")


def _no_binary(entry: Path) -> None:
    (entry / "lidb_embed").unlink()


def _linked_binary(entry: Path) -> None:
    _link(entry / "lidb_embed")


def _piped_binary(entry: Path) -> None:
    _pipe(entry / "lidb_embed")


def _no_manifest(entry: Path) -> None:
    (entry / "manifest.json").unlink()


def _text_manifest(entry: Path) -> None:
    (entry / "manifest.json").write_text("not json")


def _list_manifest(entry: Path) -> None:
    (entry / "manifest.json").write_text("[]")


def _deep_manifest(entry: Path) -> None:
    (entry / "manifest.json").write_text("[" * 100_000)


def _edit(entry: Path, change: Callable[[Any], object]) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    change(manifest)
    (entry / "manifest.json").write_text(json.dumps(manifest))


def _no_subjects(entry: Path) -> None:
    _edit(entry, lambda manifest: manifest.update(subject=[]))


def _more_subjects(entry: Path) -> None:
    _edit(entry, lambda m: m["subject"].append({"name": "../../x", "digest": {"sha256": "0"}}))


def _no_commit(entry: Path) -> None:
    _edit(entry, lambda m: m["predicate"]["buildDefinition"].update(resolvedDependencies=[]))


def _other_key(entry: Path) -> None:
    def change(manifest: Any) -> None:
        manifest["predicate"]["buildDefinition"]["internalParameters"]["keyInputs"]["platform"] = "other"

    _edit(entry, change)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(_other_binary, "its manifest says sha256:", id="another binary"),
        pytest.param(_no_binary, "lidb_embed is sha256:missing", id="binary gone"),
        pytest.param(_linked_binary, "lidb_embed is sha256:missing", id="binary is a link"),
        pytest.param(_piped_binary, "lidb_embed is sha256:missing", id="binary is a pipe"),
        pytest.param(_no_manifest, "is missing or is no manifest", id="manifest gone"),
        pytest.param(_text_manifest, "is missing or is no manifest", id="manifest is text"),
        pytest.param(_list_manifest, "is missing or is no manifest", id="manifest is another document"),
        pytest.param(_deep_manifest, "is missing or is no manifest", id="manifest nested without end"),
        pytest.param(_no_subjects, "lists other outputs", id="manifest names no output"),
        pytest.param(_more_subjects, "lists other outputs", id="manifest names an output outside"),
        pytest.param(_no_commit, "is missing or is no manifest", id="manifest names no commit"),
        pytest.param(_other_key, "belongs to another key", id="manifest of another key"),
    ],
)
def test_damaged_entry_is_set_aside_reported_and_built_anew(
    store: Store, built: Path, damage: Callable[[Path], None], why: str
) -> None:
    made = publish(store, built)
    damage(made.path)
    sound, notes, _ = store.entries("embed")
    assert sound == ()
    assert len(notes) == 1
    assert why in notes[0]
    assert "set aside" in notes[0]
    assert not made.path.exists()
    kept = list((store.root / "embed" / "damaged").glob("*/*"))
    assert [path.name for path in kept] == [made.key]
    assert publish(store, built).digest == made.digest


def test_find_gives_no_damaged_entry(store: Store, built: Path) -> None:
    made = publish(store, built)
    _other_binary(made.path)
    assert store.find("embed", made.key) is None
    assert not made.path.exists()


def test_publish_replaces_an_entry_that_was_damaged_meanwhile(store: Store, built: Path) -> None:
    made = publish(store, built)
    _other_binary(made.path)
    assert publish(store, built) == made
    assert (made.path / "lidb_embed").read_bytes() == ENGINE


def test_one_damaged_entry_does_not_hide_the_others(store: Store, built: Path) -> None:
    made = [publish(store, built, key_inputs(platform=name)) for name in ("one", "two")]
    _no_manifest(made[0].path)
    sound, notes, _ = store.entries("embed")
    assert (sound, len(notes)) == ((made[1],), 1)


# Another release


def _recorded(manifest: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = manifest["predicate"]["buildDefinition"]["internalParameters"]["keyInputs"]
    return inputs


def _without_a_field(entry: Path) -> None:
    """What an earlier release left, when this one has added a field."""
    _edit(entry, lambda manifest: _recorded(manifest).pop("platform"))


def _without_a_recipe(entry: Path) -> None:
    _edit(entry, lambda manifest: _recorded(manifest).pop("recipe"))


def _with_a_field(entry: Path) -> None:
    _edit(entry, lambda manifest: _recorded(manifest).update(flags=["-O2"]))


def _of_another_recipe(entry: Path) -> None:
    _edit(entry, lambda manifest: _recorded(manifest).update(recipe=RECIPE + 1))


def release_entry(store: Store, built: Path, change: Callable[[Path], None]) -> Path:
    """An entry of another release, under a key that this one would not give."""
    made = publish(store, built, key_inputs(platform="then"))
    change(made.path)
    return made.path.rename(made.path.with_name("f" * 64))


OTHER_RELEASES = pytest.mark.parametrize(
    "change", [_without_a_field, _without_a_recipe, _with_a_field, _of_another_recipe]
)


@OTHER_RELEASES
def test_entry_of_another_release_is_neither_used_nor_damaged(
    store: Store, built: Path, change: Callable[[Path], None]
) -> None:
    other = release_entry(store, built, change)
    made = publish(store, built)
    assert store.entries("embed") == Entries(sound=(made,), notes=(), others=1)
    assert other.is_dir()
    assert not (store.root / "embed" / "damaged").exists()


@OTHER_RELEASES
def test_entry_of_another_release_is_pruned_however_new_it_is(
    store: Store, built: Path, change: Callable[[Path], None]
) -> None:
    made = publish(store, built)
    other = release_entry(store, built, change)
    store.prune(keep=5)
    assert made.path.is_dir()
    assert not other.exists()


def test_artifact_of_another_release_that_is_handed_in_is_refused_in_plain_words(store: Store, built: Path) -> None:
    other = release_entry(store, built, _without_a_field)
    with pytest.raises(OtherReleaseError, match="was built by another release of phdb-ci"):
        take_in(other, "embed", ("lidb_embed",))


def test_entry_under_this_releases_key_is_damaged_whatever_release_it_claims(store: Store, built: Path) -> None:
    made = publish(store, built)
    _of_another_recipe(made.path)
    assert publish(store, built) == made
    assert (store.root / "embed" / "damaged").is_dir()


# Use


def test_placed_copy_is_executable_and_no_link(store: Store, built: Path, tmp_path: Path) -> None:
    made = publish(store, built)
    assert place(made, tmp_path / "job") == made.digests
    copy = tmp_path / "job" / "lidb_embed"
    copy.write_bytes(b"a job writes into it")
    assert load(made.path) == made
    assert os.access(copy, os.X_OK)


def test_placing_what_changed_after_it_was_checked_is_refused(store: Store, built: Path, tmp_path: Path) -> None:
    made = publish(store, built)
    _other_binary(made.path)
    with pytest.raises(ArtifactError, match="changed while it was copied"):
        place(made, tmp_path / "job")


# Pruning


def test_prune_keeps_the_newest_and_removes_what_was_set_aside(store: Store, built: Path) -> None:
    made = [publish(store, built, key_inputs(platform=name)) for name in ("a", "b", "c", "d")]
    for age, entry in enumerate(reversed(made)):
        os.utime(entry.path, (1_000_000 - age, 1_000_000 - age))
    _no_manifest(made[3].path)
    store.entries("embed")
    abandoned, fresh = store.root / "embed" / ".new-old", store.root / "embed" / ".new-now"
    for folder in (abandoned, fresh):
        folder.mkdir()
    os.utime(abandoned, (1, 1))
    store.prune(keep=2)
    assert {path.name for path in (store.root / "embed").iterdir()} == {made[1].key, made[2].key, ".new-now"}


# Handed in


def test_handed_in_file_or_folder_is_taken(store: Store, built: Path, tmp_path: Path) -> None:
    made = publish(store, built)
    folder = made.path.rename(tmp_path / "download")
    for given_path in (folder, folder / "lidb_embed"):
        assert take_in(given_path, "embed", ("lidb_embed",)).digest == made.digest


def test_handed_in_file_without_a_manifest_is_refused(built: Path) -> None:
    with pytest.raises(ArtifactError, match="beside it"):
        take_in(built / "lidb_embed", "embed", ("lidb_embed",))


def test_handed_in_file_that_is_not_what_its_manifest_says_is_refused(store: Store, built: Path) -> None:
    made = publish(store, built)
    _other_binary(made.path)
    with pytest.raises(ArtifactError, match="its manifest says"):
        take_in(made.path / "lidb_embed", "embed", ("lidb_embed",))


@pytest.mark.parametrize(
    ("artifact", "outputs", "file"),
    [
        pytest.param("other", ("lidb_embed",), "lidb_embed", id="another artifact"),
        pytest.param("embed", ("lidb_embed", "more"), "lidb_embed", id="an output too few"),
        pytest.param("embed", ("lidb_embed",), "manifest.json", id="a file that is no output"),
    ],
)
def test_handed_in_artifact_of_another_kind_is_refused(
    store: Store, built: Path, artifact: str, outputs: tuple[str, ...], file: str
) -> None:
    made = publish(store, built)
    with pytest.raises(ArtifactError, match=r"is artifact|is not among"):
        take_in(made.path / file, artifact, outputs)
