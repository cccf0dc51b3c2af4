"""What other runs left: an artifact that its repository has published, the newest verdict of a branch."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.artifacts.bundle import pack
from phdb_ci.artifacts.store import Store, key_of
from phdb_ci.errors import PhdbError, UsageError
from phdb_ci.github import published, verdict_file
from phdb_ci.models.inventory import KeyInputs, Stored
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Verdict
from phdb_ci.planning.plan import make_plan, select
from tests.builders import HEAD, missing, verdict
from tests.helpers import inventory, job, key_inputs, matrix, sources
from tests.integration.github.fake import OWN, Fake, Fault
from tests.integration.github.world import TOKEN, failing, passing, zipped

PUBLISHER = ".github/workflows/phdb-embed.yml"
LIDB = {"url": f"https://github.com/{OWN}.git", "pin": "a" * 40}
TABLE = matrix({"smoke": job(artifacts=["embed"])}, repos={"lidb": LIDB})


GH = """\
#!/bin/sh
printf '%s\\n' "$GH_TOKEN" "$@" > "$0.asked"
test -s "$3" || exit 2
test ! -e "$0.refuses" || { echo "no attestation of $GH_TOKEN matches" >&2; exit 1; }
"""


@pytest.fixture
def gh(tmp_path: Path) -> Path:
    """A gh that attests what it is asked for, unless `gh.refuses` lies beside it; it writes down what it was asked."""
    program = tmp_path / "bin" / "gh"
    program.parent.mkdir()
    program.write_text(GH)
    program.chmod(0o755)
    return program


@pytest.fixture
def environ(fake: Fake, gh: Path) -> dict[str, str]:
    return {
        "PATH": f"{gh.parent}:/usr/bin:/bin",
        "GITHUB_API_URL": fake.base, "GITHUB_TOKEN": TOKEN, "GITHUB_RUN_ID": "9",
        "GITHUB_WORKFLOW_REF": f"{OWN}/.github/workflows/phdb-gate.yml@refs/heads/main",
    }  # fmt: skip


# An artifact


def stored(folder: Path, inputs: KeyInputs) -> Stored:
    built = folder / "built"
    built.mkdir(parents=True)
    for name in inputs.outputs:
        (built / name).write_bytes(b"an engine")
    return Store(folder / "store").publish(built, inputs, commit="a" * 40, source="s", started="t", seconds=1.0)


def bundle(folder: Path, inputs: KeyInputs | None = None) -> bytes:
    """The zip that GitHub keeps: a bundle in an archive."""
    file = folder / "embed.tar"
    pack(stored(folder / "elsewhere", inputs or key_inputs()), file)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(file, "embed.tar")
    return packed.getvalue()


def planned() -> Plan:
    gate, names, lead = select(TABLE, ["smoke"])
    return make_plan(TABLE, gate, names, lead, sources(), inventory())


def test_published_bytes_are_verified_and_handed_on(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path, gh: Path
) -> None:
    publish(fake, archive := bundle(tmp_path))
    (node,) = published.with_published(planned(), TABLE, tmp_path / "cache", environ).artifacts
    assert node.stored is not None
    assert node.stored.bundle is not None
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert node.stored.bundle.read_bytes() == opened.read("embed.tar")
    assert gh.with_name("gh.asked").read_text().splitlines() == [
        TOKEN, "attestation", "verify", str(node.stored.bundle), "--repo", OWN,
        "--signer-workflow", f"{OWN}/{PUBLISHER}", "--source-ref", "refs/heads/main", "--deny-self-hosted-runners",
    ]  # fmt: skip


def test_artifact_that_is_not_attested_is_built_and_a_note_says_why(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path, gh: Path
) -> None:
    publish(fake, bundle(tmp_path))
    gh.with_name("gh.refuses").touch()
    plan = published.with_published(planned(), TABLE, tmp_path / "cache", environ)
    assert [node.action for node in plan.artifacts] == ["build"]
    assert "who built it is not attested: gh ends with 1: no attestation of *** matches" in plan.notes[-1]


def test_artifact_is_built_where_nobody_can_verify_who_built_it(
    fake: Fake, environ: dict[str, str], tmp_path: Path
) -> None:
    publish(fake, bundle(tmp_path))
    plan = published.with_published(planned(), TABLE, tmp_path / "cache", environ | {"PATH": str(tmp_path)})
    assert [node.action for node in plan.artifacts] == ["build"]
    assert "there is no program gh" in plan.notes[-1]


def test_older_of_two_is_taken_when_the_newer_is_broken(fake: Fake, environ: Mapping[str, str], tmp_path: Path) -> None:
    publish(fake, bundle(tmp_path))
    fake.add_artifact(5, b"no archive", f"embed-{key_of(key_inputs())}")
    (node,) = published.with_published(planned(), TABLE, tmp_path / "cache", environ).artifacts
    assert node.action == "published"


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_artifact_of_the_weekly_run_and_of_one_by_hand_is_taken(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path, event: str
) -> None:
    publish(fake, bundle(tmp_path), event=event)
    (node,) = published.with_published(planned(), TABLE, tmp_path / "cache", environ).artifacts
    assert node.action == "published"


def publish(fake: Fake, data: bytes, **run: Any) -> None:
    """A run of the publishing workflow, and what it kept."""
    fake.add_run(5, 1, **{"event": "push", "branch": "main", "path": PUBLISHER, **run})
    fake.add_artifact(5, data, f"embed-{key_of(key_inputs())}")


def test_artifact_of_the_same_key_is_taken(fake: Fake, environ: Mapping[str, str], tmp_path: Path) -> None:
    publish(fake, bundle(tmp_path))
    (node,) = published.with_published(planned(), TABLE, tmp_path / "cache", environ).artifacts
    assert (node.action, node.why) == ("published", (f"published by {OWN}, run 5, under the same key",))
    assert node.stored is not None
    assert node.stored.key == node.key


@pytest.mark.parametrize(
    "run",
    [
        {"event": "pull_request"}, {"branch": "topic"}, {"home": "stranger/lis"}, {"conclusion": "failure"},
        {"path": ".github/workflows/other.yml"}, {"status": "in_progress"},
    ],
    ids=lambda run: next(iter(run)),
)  # fmt: skip
def test_artifact_of_any_other_run_is_not_taken(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path, run: dict[str, Any]
) -> None:
    publish(fake, bundle(tmp_path), **run)
    plan = planned()
    assert published.with_published(plan, TABLE, tmp_path / "cache", environ).artifacts == plan.artifacts


def test_artifact_that_is_of_another_key_than_its_name_is_not_taken_and_said(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path
) -> None:
    other = key_inputs().model_copy(update={"platform": "another"})
    publish(fake, bundle(tmp_path, other))
    found = published.with_published(planned(), TABLE, tmp_path / "cache", environ)
    assert [node.action for node in found.artifacts] == ["build"]
    assert "another key than its name says" in found.notes[-1]


@pytest.mark.parametrize("data", [b"no archive", zipped(b"{}", "embed.tar"), zipped(b"x", "other")], ids=len)
def test_broken_archive_is_a_note_and_the_artifact_is_built(
    fake: Fake, environ: Mapping[str, str], tmp_path: Path, data: bytes
) -> None:
    publish(fake, data)
    found = published.with_published(planned(), TABLE, tmp_path / "cache", environ)
    assert [node.action for node in found.artifacts] == ["build"]
    assert "nothing that was published is taken" in found.notes[-1]


def test_nothing_published_and_no_token_are_no_trouble(fake: Fake, environ: dict[str, str], tmp_path: Path) -> None:
    plan = planned()
    assert published.with_published(plan, TABLE, tmp_path / "cache", environ) == plan
    asked = len(fake.requests)
    assert published.with_published(plan, TABLE, tmp_path / "cache", environ | {"GITHUB_TOKEN": ""}) == plan
    assert len(fake.requests) == asked


def test_refusal_is_a_note_and_the_artifact_is_built(fake: Fake, environ: Mapping[str, str], tmp_path: Path) -> None:
    fake.faults.append(Fault("GET", "/actions/artifacts", 403, {"message": "Resource not accessible by integration"}))
    found = published.with_published(planned(), TABLE, tmp_path / "cache", environ)
    assert [node.action for node in found.artifacts] == ["build"]
    assert "403" in found.notes[-1]


# A baseline


def ran(fake: Fake, number: int, made: Any, **fields: Any) -> None:
    fake.add_run(number, number, **{"event": "push", "branch": "main", "sha": HEAD, **fields})
    fake.add_artifact(number, zipped(made))


@pytest.mark.parametrize(("conclusion", "made"), [("success", passing), ("failure", failing)])
def test_newest_run_of_the_branch_is_the_baseline_whether_it_passed_or_failed(
    fake: Fake, environ: Mapping[str, str], conclusion: str, made: Callable[..., Verdict]
) -> None:
    ran(fake, 5, passing(run_id="5"))
    ran(fake, 6, made(run_id="6"), conclusion=conclusion)
    ran(fake, 7, passing(run_id="7"), conclusion="cancelled")
    ran(fake, 8, verdict(missing=[missing()], run_id="8"), conclusion="failure")
    found = verdict_file.newest_on("main", environ)
    assert found is not None
    assert found.run_id == "6"


@pytest.mark.parametrize(
    "run", [{"event": "pull_request"}, {"home": "stranger/lis"}, {"branch": "topic"}], ids=lambda run: next(iter(run))
)
def test_run_that_is_none_of_the_branch_is_no_baseline(
    fake: Fake, environ: Mapping[str, str], run: dict[str, Any]
) -> None:
    ran(fake, 7, passing(run_id="7"), **run)
    assert verdict_file.newest_on("main", environ) is None


def test_run_whose_verdict_is_another_ones_is_passed_over(fake: Fake, environ: Mapping[str, str]) -> None:
    ran(fake, 6, passing(run_id="6"))
    ran(fake, 7, passing(run_id="1"))
    found = verdict_file.newest_on("main", environ)
    assert found is not None
    assert found.run_id == "6"


def test_own_run_is_no_baseline(fake: Fake, environ: Mapping[str, str]) -> None:
    ran(fake, 9, passing(run_id="9"))
    assert verdict_file.newest_on("main", environ) is None


def test_baseline_outside_of_github_is_refused(environ: dict[str, str]) -> None:
    del environ["GITHUB_WORKFLOW_REF"]
    with pytest.raises(UsageError, match="GITHUB_WORKFLOW_REF"):
        verdict_file.newest_on("main", environ)


def test_address_that_no_token_should_go_to_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(PhdbError, match="GITHUB_API_URL"):
        verdict_file.newest_on("main", environ | {"GITHUB_API_URL": "http://somewhere.example"})
