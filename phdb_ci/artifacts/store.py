"""The store of built artifacts: found by key, checked at every use, published by one rename.

An entry is a folder `<artifact>/<key>/` with the outputs and `manifest.json`, an in-toto statement with SLSA
provenance (https://slsa.dev/spec/v1.0/provenance). It is complete or it is not there: it is made in a
temporary folder and renamed. A damaged entry is set aside under `damaged/`, never used and never deleted
silently. One of another release of phdb-ci, whose keys are made in another way, is left alone until `cache --prune`.
Locks are the caller's (locks.py).
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from phdb_ci.base.files import open_regular
from phdb_ci.errors import ArtifactError, OtherReleaseError
from phdb_ci.models.inventory import RECIPE, KeyInputs, Stored

MANIFEST = "manifest.json"
# Names our form of the build definition; not an address to visit.
BUILD_TYPE = "https://phdb-ci.invalid/artifact/v1"


def key_of(inputs: KeyInputs) -> str:
    """The key: sha256 (hex) of the canonical JSON of everything the artifact is built from."""
    text = json.dumps(inputs.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """The sha256 (hex) of a regular file; a link is not followed. Raises OSError when it cannot be read."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def joint_digest(digests: Mapping[str, str]) -> str:
    """One digest for a set of outputs: the file's own for one, else the sha256 over `sha256  name` lines."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def measure(folder: Path, outputs: tuple[str, ...]) -> dict[str, str]:
    """The sha256 of each output below folder; `missing` for one that is not a readable regular file."""
    digests = {}
    for name in outputs:
        try:
            digests[name] = file_digest(folder / name)
        except OSError:
            digests[name] = "missing"
    return digests


class Entries(NamedTuple):
    """What the store holds of one artifact: sound entries, newest first; a note for each damaged one.

    `others` counts the entries that another release of phdb-ci has built: neither used nor damaged.
    """

    sound: tuple[Stored, ...] = ()
    notes: tuple[str, ...] = ()
    others: int = 0


class Store:
    """The store below one folder. Creating the object writes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entries(self, artifact: str) -> Entries:
        """Everything that the store holds of an artifact; damaged entries are set aside."""
        sound: list[Stored] = []
        notes: list[str] = []
        others = 0
        for folder in list(filter(Path.is_dir, (self.root / artifact).glob("?" * 64))):
            try:
                sound.append(load(folder))
            except OtherReleaseError:
                others += 1
            except ArtifactError as error:
                notes.append(self._set_aside(artifact, folder, str(error)))
        sound.sort(key=lambda entry: entry.built, reverse=True)
        return Entries(tuple(sound), tuple(notes), others)

    def find(self, artifact: str, key: str) -> Stored | None:
        """The sound entry of this key, or None; a damaged one is set aside and counts as none."""
        folder = self.root / artifact / key
        if not folder.is_dir():
            return None
        try:
            return load(folder)
        except ArtifactError as error:
            self._set_aside(artifact, folder, str(error))
            return None

    def publish(
        self, built: Path, inputs: KeyInputs, *, commit: str, source: str, started: str, seconds: float
    ) -> Stored:
        """Copy the outputs from folder `built` into a new entry. Raises ArtifactError if one is missing."""
        key = key_of(inputs)
        parent = self.root / inputs.artifact
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=parent, ignore_cleanup_errors=True) as folder:
            temporary = Path(folder)
            digests = {name: _copy(built / name, temporary / name) for name in inputs.outputs}
            statement = _statement(inputs, digests, commit=commit, source=source, started=started, seconds=seconds)
            text = json.dumps(statement, indent=1, sort_keys=True) + "\n"
            (temporary / MANIFEST).write_text(text, encoding="utf-8")
            temporary.chmod(0o755)
            try:
                temporary.rename(parent / key)
            except OSError:  # somebody else was quicker: their entry is as good, if it is sound
                if self.find(inputs.artifact, key) is None:
                    temporary.rename(parent / key)
        return load(parent / key)

    def prune(self, *, keep: int) -> None:
        """Remove all but the newest `keep` of each artifact, what was set aside, and what another release has built."""
        for parent in sorted(path for path in self.root.glob("*") if path.is_dir()):
            # Listed first: what another run publishes meanwhile stays.
            present = {*parent.iterdir(), parent / "damaged"}
            sound = sorted((entry.path for entry in self.entries(parent.name).sound), key=_age)
            in_the_making = {path for path in present if path.name.startswith(".new-") and _age(path) < 3600}
            for path in present - set(sound[:keep]) - in_the_making:
                shutil.rmtree(path, ignore_errors=True)

    def _set_aside(self, artifact: str, folder: Path, reason: str) -> str:
        aside = self.root / artifact / "damaged"
        aside.mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix=f"{folder.name[:16]}-", dir=aside))
        try:
            folder.rename(place / folder.name)
        except FileNotFoundError:  # another run was quicker
            place.rmdir()
        return f"{artifact} {folder.name[:12]} in the store was damaged ({reason}); set aside in {place} and not used"


def load(folder: Path) -> Stored:
    """Read an entry and check every output against its manifest.

    Raises OtherReleaseError for one that another release has built, ArtifactError if anything differs.
    """
    stored = _manifest(folder)
    if set(stored.digests) != set(stored.inputs.outputs):
        raise ArtifactError(f"{folder / MANIFEST} lists other outputs than the artifact has")
    for name, digest in measure(folder, stored.inputs.outputs).items():
        recorded = stored.digests[name]
        if digest != recorded or digest == "missing":
            raise ArtifactError(f"{name} is sha256:{digest[:12]}, its manifest says sha256:{recorded[:12]}")
    if len(folder.name) == 64 and folder.name != stored.key:
        raise ArtifactError("its manifest belongs to another key")
    return stored


def _manifest(folder: Path) -> Stored:
    """What the manifest of an entry says."""
    try:
        statement = json.loads((folder / MANIFEST).read_bytes())
        definition = statement["predicate"]["buildDefinition"]
        recorded = dict(definition["internalParameters"]["keyInputs"])
        if set(recorded) != set(KeyInputs.model_fields) or recorded["recipe"] != RECIPE:
            raise OtherReleaseError(
                f"{folder} was built by another release of phdb-ci, whose keys are made in another way",
                tries=["build it with this release"],
            )
        inputs = KeyInputs.model_validate(recorded)
        digests = {str(item["name"]): str(item["digest"]["sha256"]) for item in statement["subject"]}
        metadata = statement["predicate"]["runDetails"]["metadata"]
        return Stored(
            artifact=inputs.artifact, key=key_of(inputs), inputs=inputs, path=folder, digests=digests,
            digest=joint_digest(digests), built=str(metadata["finishedOn"]),
            commit=str(definition["resolvedDependencies"][0]["digest"]["gitCommit"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise ArtifactError(
            f"{folder / MANIFEST} is missing or is no manifest of ours: {type(error).__name__}"
        ) from error


def _age(path: Path) -> float:
    """The seconds since a folder was made."""
    return time.time() - path.stat().st_mtime


def place(stored: Stored, folder: Path) -> dict[str, str]:
    """Copy the outputs into folder, executable; returns their sha256. No links: a job might write to them."""
    folder.mkdir(parents=True, exist_ok=True)
    placed = {name: _copy(stored.path / name, folder / name) for name in stored.digests}
    if placed != stored.digests:
        raise ArtifactError(f"{stored.artifact} {stored.key[:12]} changed while it was copied from the store")
    return placed


def take_in(file: Path, artifact: str, outputs: tuple[str, ...]) -> Stored:
    """An artifact handed in as FILE, its manifest beside it. Raises ArtifactError when they do not agree."""
    folder = file if file.is_dir() else file.parent
    tries = [f"hand in a store entry, the folder CACHE/store/{artifact}/KEY/ (CACHE: see phdb-ci doctor)"]
    if not os.path.lexists(file):
        raise ArtifactError(f"{file} does not exist", tries=tries)
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(f"{file}: there is no {MANIFEST} beside it", tries=tries)
    stored = load(folder)
    if stored.artifact != artifact or set(stored.digests) != set(outputs):
        raise ArtifactError(f"{file} is artifact {stored.artifact}, not {artifact}")
    if not file.is_dir() and file.name not in stored.digests:
        raise ArtifactError(f"{file} is not among the outputs of {artifact}: {', '.join(outputs)}")
    return stored


def _copy(source: Path, target: Path) -> str:
    """Copy one regular file, mode 0755, and return the sha256 of what was written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        reading = open_regular(source)
    except OSError as error:
        raise ArtifactError(f"output {source.name} is not there or is no regular file: {error.strerror}") from error
    with reading, target.open("wb") as writing:
        while chunk := reading.read(1 << 20):
            digest.update(chunk)
            writing.write(chunk)
    target.chmod(0o755)
    return digest.hexdigest()


def _statement(inputs: KeyInputs, digests: Mapping[str, str], **run: Any) -> dict[str, Any]:
    """The manifest as an in-toto v1 statement with a SLSA v1 provenance predicate."""
    finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(digests.items())],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"artifact": inputs.artifact, "build": list(inputs.build)},
                "internalParameters": {"key": key_of(inputs), "keyInputs": inputs.model_dump(mode="json")},
                "resolvedDependencies": [{"uri": f"git+{run['source']}", "digest": {"gitCommit": run["commit"]}}],
            },
            "runDetails": {
                "builder": {"id": "https://phdb-ci.invalid/builder/local/v1"},
                "metadata": {"startedOn": run["started"], "finishedOn": finished, "seconds": round(run["seconds"], 3)},
            },
        },
    }
