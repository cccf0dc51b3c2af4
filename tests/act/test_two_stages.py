"""The whole chain: a pull request's run, what it kept, the second stage that it wakes, one comment and one status."""

from pathlib import Path
from typing import Any

import pytest

from phdb_ci.models.posting import CONTEXT, REGRESSIONS
from tests.act.runner import Act, Ran
from tests.act.world import SMALL, World, verdict
from tests.integration.github.contract import Contract
from tests.integration.github.fake import BOT, OWN, Fake
from tests.integration.github.server import serving

BRANCH = "change-1"


def publish(world: World, act: Act, fake: Fake, run: int) -> Ran:
    """Stage 2, as GitHub starts it when a run of the gate has ended."""
    told = {"id": run, "event": "pull_request", "head_branch": BRANCH, "head_repository": {"full_name": OWN}}
    event = {"action": "completed", "workflow_run": told, "repository": {"full_name": OWN, "default_branch": "main"}}
    return act.run(
        world.callers("lis"), "workflow_run", event, only="phdb-verdict.yml", repository=OWN, run_id=run + 1000,
        env={"GITHUB_API_URL": fake.base, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip


def ended(fake: Fake, ran: Ran, run: int, head: str, **fields: Any) -> None:
    """What GitHub knows of a run of the gate that has ended."""
    conclusion = "success" if ran.code == 0 else "failure"
    fake.add_run(run, run, sha=head, branch=BRANCH, conclusion=conclusion, **fields)
    names = [job.label.rpartition("/")[2] for job in ran.jobs.values() if job.id != "gate"]
    fake.add_jobs(run, *(f"gate / {name}" for name in names))
    fake.add_artifact(run, ran.artifacts["verdict@1"].read_bytes())


def test_second_stage_creates_the_comment_and_then_edits_the_same_one(
    tmp_path: Path, stand_ins: dict[str, Path], python: Path
) -> None:
    world = World(tmp_path / "world", stand_ins, SMALL)
    act = world.act(tmp_path / "act", {"PHDB_CI_ACT_PYTHON": str(python)})
    fake, contract = Fake(), Contract()
    with serving(fake, contract):
        first = world.pull_request("lis", {"NOTES": "one\n"})
        fake.add_pull(sha=first, branch=BRANCH)
        ran = world.gate(act, "lis", first, repository=OWN)
        assert verdict(ran).outcome == "pass", ran.log
        ended(fake, ran, 4242, first)
        staged = publish(world, act, fake, 4242)
        assert staged.code == 0, staged.log
        (comment,) = [one for one in fake.comments if one["user"]["login"] == BOT]
        assert "## ✅" in comment["body"]
        # There is no run of the base branch to compare with: what is worse is unknown, and no success.
        assert [(sha, one["context"], one["state"]) for sha, one in fake.statuses] == [
            (first, CONTEXT, "success"), (first, REGRESSIONS, "error"),
        ]  # fmt: skip

        # A new commit, on which db-smoke fails: the same comment says so.
        script = (world.root / "lis" / "scripts" / "db-smoke.sh").read_text()
        second = world.pull_request("lis", {"scripts/db-smoke.sh": script.replace("set -euo", "exit 1; set -euo", 1)})
        fake.pulls[0]["head"]["sha"] = second
        ran = world.gate(act, "lis", second, repository=OWN, run_id=4243)
        assert verdict(ran).outcome == "fail", ran.log
        ended(fake, ran, 4243, second)
        staged = publish(world, act, fake, 4243)
        assert staged.code == 0, staged.log
        (edited,) = [one for one in fake.comments if one["user"]["login"] == BOT]
        assert (edited["id"], "## ❌" in edited["body"]) == (comment["id"], True)
        assert "db-smoke" in edited["body"].split("\n", 6)[3]
        assert [(sha, one["context"], one["state"]) for sha, one in fake.statuses[2:]] == [
            (second, CONTEXT, "failure"), (second, REGRESSIONS, "error"),
        ]  # fmt: skip

        # The first run's second stage comes late: nothing changes.
        body, writes = edited["body"], len(fake.statuses)
        staged = publish(world, act, fake, 4242)
        assert staged.code == 0, staged.log
        assert [one["body"] for one in fake.comments if one["user"]["login"] == BOT] == [body]
        assert len(fake.statuses) == writes
    assert contract.breaches == []


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_second_stage_does_not_start_for_a_run_that_no_pull_request_started(
    tmp_path: Path, stand_ins: dict[str, Path], python: Path, event: str
) -> None:
    world = World(tmp_path / "world", stand_ins, SMALL)
    act = world.act(tmp_path / "act", {"PHDB_CI_ACT_PYTHON": str(python)})
    told = {"id": 1, "event": event, "head_branch": "main", "head_repository": {"full_name": OWN}}
    payload = {"action": "completed", "workflow_run": told, "repository": {"full_name": OWN}}
    ran = act.run(world.callers("lis"), "workflow_run", payload, only="phdb-verdict.yml", repository=OWN)
    assert ran.results == {"publish": "skipped"}
