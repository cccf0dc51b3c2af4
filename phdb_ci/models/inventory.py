"""Inventory: the facts about this machine and the store that planning needs, gathered once."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, Sha
from phdb_ci.models.texts import Os

# The version of what a key is made of. Raise it when the same inputs shall give another key: a changed meaning of a
# field, another way to build. A field that comes or goes needs no other number: such entries are told apart by it.
RECIPE = 1


class KeyInputs(Record):
    """Everything an artifact is built from; its key is the digest of exactly this (store.py).

    Attributes:
        recipe: the RECIPE of the release that made the key.
        trees: git object id of each input at the commit, by its text in the matrix; None where there is no such path.
        needs: the key of each artifact that its build needs.
        build: the commands as the matrix writes them (`{build}` and `{cpus}` do not change what comes out).
        tools: first line of `TOOL --version`, by tool.
        platform: system, machine and C library, for example `linux x86_64 glibc-2.36`.
    """

    recipe: int = RECIPE
    artifact: Name
    trees: dict[str, Sha | None]
    needs: dict[Name, str] = Field(default_factory=dict)
    build: tuple[str, ...]
    outputs: tuple[str, ...]
    tools: dict[str, str]
    platform: str


class Stored(Record):
    """One entry of the store, or an artifact that was handed in (`--artifact`).

    `path` is the folder that holds the outputs; `digests` the sha256 of each, `digest` the one over all;
    `commit` the commit that it was built from first (others may share it by key); `bundle` the file that it came in,
    when that is handed on as it is.
    """

    artifact: Name
    key: str
    inputs: KeyInputs
    path: Path
    digests: dict[str, str]
    digest: str
    commit: Sha
    built: str
    bundle: Path | None = None


class Tool(Record):
    """A program that a job or artifact names: where it is (None: not on PATH), its version if it counts."""

    name: str
    path: str | None
    version: str | None = None


class Inventory(Record):
    """What is true of this machine at the start of a run.

    Attributes:
        os_family: `ubuntu`, `macos` or `windows`: legs of this family run here.
        runner: on GitHub the one runner that this machine is; only its legs run here.
        keys: per artifact, the digest of its inputs in this run.
        stored: per artifact, what the store holds, newest first, checked against its manifest.
        other_release: per artifact, how many entries of the store another release of phdb-ci has built.
        notes: damaged entries that were set aside, ready to show.
        durations: seconds that a node took last time, by its name (`engine`, `smoke@ubuntu-24.04`).
    """

    os_family: Literal["ubuntu", "macos", "windows"]
    runner: Os | None = None
    platform: str
    cpus: int
    tools: dict[str, Tool]
    inputs: dict[Name, KeyInputs] = Field(default_factory=dict)
    keys: dict[Name, str] = Field(default_factory=dict)
    stored: dict[Name, tuple[Stored, ...]] = Field(default_factory=dict)
    other_release: dict[Name, int] = Field(default_factory=dict)
    given: dict[Name, Stored] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    durations: dict[str, float] = Field(default_factory=dict)
