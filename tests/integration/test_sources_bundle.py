"""One bundle for all machines of a run: what it holds, that nothing else is asked, and how a remote is asked for it."""

import base64
import shutil
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.errors import NetworkError, SourceError
from phdb_ci.models.sources import Sources
from phdb_ci.sources.git import mirror, remote
from phdb_ci.sources.git.bundle import write_bundle
from phdb_ci.sources.git.command import Done, git_ok
from phdb_ci.sources.git.content import entries
from phdb_ci.sources.resolve import resolve
from tests.helpers import job, matrix
from tests.repositories import C0, C2, F1, T1, build_upstream, fork_commit


class World:
    """Two repos whose URLs lead to repositories here, until they are gone; a cache for each machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("lidb", "lis"):
            build_upstream(folder / name)
        fork_commit(folder / "lis")
        urls = {name: {"url": f"file://{folder}/{name}", "pin": C2} for name in ("lidb", "lis")}
        self.matrix = matrix({"smoke": job(repo="lidb"), "style": job(repo="lis")}, repos=urls)
        self.bundle = folder / "out" / "sources.bundle"

    def resolve(self, machine: str, bundle: Path | None = None, **specs: str) -> Sources:
        return resolve(
            self.matrix, ("lidb", "lis"), cache=self.folder / machine, specs=specs, stack=None, environ={},
            bundle=bundle,
        )  # fmt: skip

    def write(self, **specs: str) -> Sources:
        """Resolve on the first machine, write the bundle, and let the remotes be gone."""
        sources = self.resolve("one", None, **specs)
        assert write_bundle(self.bundle, sources.repos.values()) == self.bundle.stat().st_size
        for name in ("lidb", "lis"):
            shutil.rmtree(self.folder / name)
        return sources


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_another_machine_has_every_commit_from_the_bundle_alone(world: World) -> None:
    sources = world.write(lidb="topic", lis=F1)
    assert {name: source.commit for name, source in sources.repos.items()} == {"lidb": T1, "lis": F1}

    other = world.resolve("two", world.bundle, lidb=T1, lis=F1)

    assert {name: source.commit for name, source in other.repos.items()} == {"lidb": T1, "lis": F1}
    for name, source in other.repos.items():
        assert entries(source.objects, source.commit) == entries(sources.repos[name].objects, source.commit)
    assert world.resolve("two", world.bundle, lidb=T1, lis=F1) == other


def test_bundle_holds_the_commits_of_its_run_and_what_led_to_them(world: World) -> None:
    world.write(lidb=C0)

    heads = git_ok("bundle", "list-heads", str(world.bundle)).text.splitlines()

    assert sorted(heads) == [f"{C2} refs/sources/lis/{C2}", f"{C0} refs/sources/lidb/{C0}"]


@pytest.mark.parametrize(
    ("ref", "words"),
    [(T1, f"lacks lidb at {T1}"), ("topic", "'topic' is no full commit id, and a bundle has no branches")],
)
def test_what_the_bundle_lacks_is_an_error_with_its_name(world: World, ref: str, words: str) -> None:
    world.write()

    with pytest.raises(SourceError) as caught:
        world.resolve("two", world.bundle, lidb=ref)
    assert words in caught.value.message


def test_broken_bundle_is_an_error_with_its_name(world: World) -> None:
    world.write()
    data = world.bundle.read_bytes()
    world.bundle.write_bytes(data[:-40])
    with pytest.raises(SourceError, match=r"sources\.bundle does not give lidb at"):
        world.resolve("two", world.bundle)
    world.bundle.write_bytes(b"no bundle")
    with pytest.raises(SourceError, match=r"sources\.bundle cannot be read"):
        world.resolve("two", world.bundle)


# How a remote is asked


@pytest.mark.parametrize(
    ("answers", "asked", "slept"),
    [
        pytest.param(["error: RPC failed; HTTP 429", "fatal: early EOF", ""], 3, [1.0, 2.0], id="twice busy"),
        pytest.param(["fatal: Could not resolve host"] * 3, 3, [1.0, 2.0], id="never there"),
        pytest.param(["fatal: Authentication failed"], 1, [], id="no right to it"),
        pytest.param(["fatal: remote error: upload-pack: not our ref"], 1, [], id="no such commit"),
    ],
)
def test_remote_that_does_not_answer_is_asked_again_with_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], asked: int, slept: list[float]
) -> None:
    calls: list[Any] = []
    pauses: list[float] = []

    def answer(*words: str, **_: object) -> Done:
        calls.append(words)
        error = answers[len(calls) - 1]
        return Done(1 if error else 0, b"", error)

    monkeypatch.setattr(remote, "git", answer)
    monkeypatch.setattr("time.sleep", pauses.append)

    done = remote.ask("https://example.com/x", "fetch", patience=(1.0, 2.0))

    assert (len(calls), pauses, done.code) == (asked, slept, 1 if answers[-1] else 0)


def test_mirror_hands_its_patience_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    at = mirror.mirror_of(world.folder / "one", "lidb", "https://127.0.0.1:9/x", patience=(1.0, 3.0))
    with pytest.raises(NetworkError):
        mirror.take(at, C2)
    assert pauses == [1.0, 3.0]


@pytest.mark.parametrize(
    ("environ", "url", "shown"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t"}, "https://github.com/acme/lidb", True),
        ({"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t"}, "https://github.com.evil.example/acme/lidb", False),
        ({"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t"}, "http://github.com/acme/lidb", False),
        ({"GITHUB_ACTIONS": "true"}, "https://github.com/acme/lidb", False),
        ({"GITHUB_TOKEN": "t"}, "https://github.com/acme/lidb", False),
    ],
)
def test_token_of_a_run_is_shown_to_github_alone(environ: dict[str, str], url: str, shown: bool) -> None:
    found = remote.token_env(url, environ)

    assert bool(found) is shown
    if shown:
        assert found["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraHeader"
        assert base64.b64decode(found["GIT_CONFIG_VALUE_0"].split()[-1]) == b"x-access-token:t"
