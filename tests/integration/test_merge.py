"""A pull request whose base moved on: what is tested is what would be merged, and a conflict is told with its files."""

from pathlib import Path

import pytest

from phdb_ci.cli import main
from phdb_ci.errors import ConflictError, Exit, SourceError
from phdb_ci.judging.gathered import reproduce, shown_source
from phdb_ci.models.sources import Merged, Source
from phdb_ci.sources.git.bundle import write_bundle
from phdb_ci.sources.git.content import entries
from phdb_ci.sources.resolve import resolve
from tests.helpers import job, matrix
from tests.repositories import commit, git, init


class World:
    """A repository whose main moved on after `topic` and `other` left it; `other` conflicts with main."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, init(folder / "lidb")
        start = commit(self.place, "start", when=1_700_000_001, a_txt="1\n", b_txt="1\n")
        git(self.place, "switch", "--quiet", "-c", "topic")
        self.topic = commit(self.place, "topic", when=1_700_000_003, b_txt="2\n")
        git(self.place, "switch", "--quiet", "-c", "other", start)
        self.other = commit(self.place, "other", when=1_700_000_004, a_txt="other\n", sub__c_txt="3\n")
        git(self.place, "switch", "--quiet", "main")
        self.main = commit(self.place, "main", when=1_700_000_005, a_txt="main\n")

    def resolve(self, head: str, base: str = "main", *, cache: str = "one", bundle: Path | None = None) -> Source:
        table = matrix({"smoke": job()}, repos={"lidb": {"url": f"file://{self.place}", "pin": self.main}})
        merges = {} if bundle else {"lidb": base}
        return resolve(
            table, ["lidb"], cache=self.folder / cache, specs={"lidb": head}, stack=None, environ={}, merges=merges,
            bundle=bundle,
        ).repos["lidb"]  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def files(source: Source) -> dict[str, str]:
    return {
        entry.path: git(source.objects, "cat-file", "blob", entry.oid)
        for entry in entries(source.objects, source.commit)
        if entry.path.endswith(".txt")
    }


def test_head_is_tested_as_merged_into_the_base_that_moved_on(world: World) -> None:
    source = world.resolve(world.topic)

    assert files(source) == {"a.txt": "main", "b.txt": "2"}
    assert source.merged == Merged(base=world.main, head=world.topic)
    assert (source.origin, source.notes) == (
        "ref", (f"lidb: {world.topic[:12]} is tested as merged into {world.main[:12]}",),
    )  # fmt: skip
    parents = git(source.objects, "rev-parse", f"{source.commit}^1", f"{source.commit}^2").split()
    assert parents == [world.main, world.topic]


def test_same_two_commits_give_the_same_merge_on_every_machine(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = world.resolve(world.topic)
    (tmp_path / "config").write_text("[user]\nname = x\nemail = y\n[merge]\nrenames = false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1700000009 +0000")
    assert world.resolve(world.topic, world.main, cache="two").commit == first.commit


def test_head_that_holds_its_base_is_tested_as_it_is(world: World) -> None:
    git(world.place, "switch", "--quiet", "topic")
    git(world.place, "merge", "--quiet", "-m", "up to date", "main", when=1_700_000_006)
    head = git(world.place, "rev-parse", "HEAD")

    source = world.resolve(head)

    assert (source.commit, source.merged, source.notes) == (head, Merged(base=world.main, head=head), ())


def test_conflict_is_an_error_that_names_the_files(world: World) -> None:
    with pytest.raises(ConflictError) as caught:
        world.resolve(world.other)
    assert caught.value.message == (
        f"lidb: {world.other[:12]} does not merge into {world.main[:12]}: conflicts in a.txt"
    )


def test_base_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(SourceError, match="'gone' is no branch"):
        world.resolve(world.topic, "gone")


def test_merge_travels_in_the_bundle(world: World) -> None:
    source = world.resolve(world.topic)
    write_bundle(world.folder / "bundle", [source])

    other = world.resolve(source.commit, cache="two", bundle=world.folder / "bundle")

    assert (other.commit, files(other)) == (source.commit, files(source))


def test_verdict_records_both_and_how_to_make_the_merge_again(world: World) -> None:
    shown = shown_source(world.resolve(world.topic))

    assert (shown.merged, shown.web) == (Merged(base=world.main, head=world.topic), None)
    command = reproduce("pr-gate", True, [shown])
    assert command == f"nox -s pr-gate -- --repo lidb={world.topic} --merge lidb={world.main}"


TABLE = """schema = 1
[repos.lidb]
url = "file://{place}"
pin = "{pin}"
[jobs.smoke]
summary = "s"
repo = "lidb"
run = ["true"]
reports = [{{ kind = "pytest", min_tests = 1 }}]
"""


@pytest.mark.parametrize(("topic", "code"), [("topic", Exit.PASS), ("other", Exit.USAGE)])
def test_plan_tells_a_workflow_the_merge_or_why_there_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch, topic: str, code: int
) -> None:
    table, outputs = world.folder / "matrix.toml", world.folder / "outputs"
    table.write_text(TABLE.format(place=world.place, pin=world.main))
    monkeypatch.setenv("PHDB_CI_CACHE", str(world.folder / "cache"))
    options = ["--matrix", str(table), "--repo", f"lidb={topic}", "--merge", "lidb=main", "--outputs", str(outputs)]

    assert main(["plan", "smoke", *options, "--bundle", str(world.folder / "sources.bundle")]) == code

    values = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    if topic == "topic":
        assert (len(values["lidb"]), values["run"]) == (40, "true")
        assert int(values["bytes"]) == (world.folder / "sources.bundle").stat().st_size
    else:
        assert list(values) == ["problem"]
        assert values["problem"].endswith("conflicts in a.txt")
