"""Which run decides, and for which pull request: whatever woke the second stage, what is true now is published."""

from typing import Any

import pytest

from phdb_ci.rendering.comment.marker import State, marked, read
from tests.builders import HEAD, sha
from tests.integration.github.fake import OWN, Fault
from tests.integration.github.world import World, failing, passing, zipped

FORK = "contributor/lis"


def test_older_run_that_comes_last_changes_nothing(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), number=318)
    world.gate(4300, number=319)
    world.publish(4300)
    before = len(world.fake.writes())
    ran = world.publish(4242)
    assert ran.code == 0
    assert len(world.fake.writes()) == before
    assert "run #319" in world.sticky()[0]


def test_older_run_that_comes_first_publishes_the_newer(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), number=318)
    world.gate(4300, number=319)
    world.publish(4242)
    assert "run #319" in world.sticky()[0]
    assert world.states == ["success"]


def test_newer_run_that_is_not_over_keeps_the_older_one_back(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), number=318)
    world.fake.add_run(4300, 319, status="in_progress")
    ran = world.publish(4242)
    assert world.fake.writes() == []
    assert "run 4300, attempt 1, is newer and not over" in ran.out


def test_stored_verdict_of_a_newer_run_is_kept(world: World) -> None:
    newer = State(run_id="9", run_number=400, attempt=1, head=HEAD, outcome="pass", digest="x")
    world.fake.add_comment(marked(newer, "newer\n"))
    world.fake.add_run(9, 400, path=".github/workflows/other.yml")  # it is not yet in the workflow's list
    world.gate()
    ran = world.publish()
    assert world.fake.writes() == []
    assert "is of a newer run than 4242" in ran.out


@pytest.mark.parametrize(
    "state",
    [
        State(run_id="9", run_number=400, attempt=1, head=HEAD, outcome="pass", digest="x"),
        State(run_id="nonsense", run_number=400, attempt=1, head=HEAD, outcome="pass", digest="x"),
        State(run_id="4242", run_number=10**12, attempt=1, head=HEAD, outcome="pass", digest="x"),
        State(run_id="4242", run_number=318, attempt=2, head=HEAD, outcome="pass", digest="x"),
    ],
    ids=["no such run", "no id", "other number", "attempt that was not"],
)
def test_marker_that_names_a_run_which_never_was_gives_way(world: World, state: State) -> None:
    world.fake.add_comment(marked(state, "as if newer\n"))
    world.gate()
    assert world.publish().code == 0
    (body,) = world.sticky()
    assert "all 2 jobs passed" in body
    assert world.states == ["success"]


def test_stored_verdict_about_an_older_head_gives_way(world: World) -> None:
    older = State(run_id="9", run_number=400, attempt=1, head=sha("abc"), outcome="pass", digest="x")
    world.fake.add_comment(marked(older, "of a commit that is no longer the head\n"))
    world.gate()
    world.publish()
    assert "run #318" in world.sticky()[0]


def test_run_that_starts_while_we_write_is_seen_on_the_second_look(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), number=318)

    def another() -> None:
        world.gate(4300, number=319)

    world.fake.faults.append(Fault("POST", "issues/17/comments$", act=another))
    world.publish(4242)
    (body,) = world.sticky()
    assert "run #319" in body
    assert world.states[-1] == "success"


@pytest.mark.parametrize("backwards", [False, True])
def test_second_attempt_replaces_the_first_whichever_has_the_larger_id(world: World, backwards: bool) -> None:
    second = passing(run_id="4242", attempt=2)
    if backwards:
        world.fake.add_artifact(4242, zipped(second), "verdict@2")
    world.gate(4242, failing(run_id="4242"))
    world.publish()
    assert "## ❌" in world.sticky()[0]
    world.gate(4242, second, attempt=2)
    if backwards:
        world.fake.artifacts.pop(max(world.fake.artifacts))
    world.publish()
    state, _ = read(world.sticky()[0])
    assert state is not None
    assert (state.attempt, state.outcome) == (2, "pass")
    assert "attempt 2" in world.sticky()[0]


def test_verdict_of_an_earlier_attempt_alone_is_no_verdict(world: World) -> None:
    world.gate(4242, passing(run_id="4242", attempt=1), attempt=2)
    world.publish()
    assert "## 🕳️ phdb-ci: no verdict" in world.sticky()[0]
    assert "left no verdict of attempt 2" in world.sticky()[0]
    assert world.states == ["error"]


def test_pull_request_that_moved_on_gets_nothing(world: World) -> None:
    world.gate()
    world.fake.pulls[0]["head"]["sha"] = sha("ffff")
    ran = world.publish()
    assert ran.code == 0
    assert world.fake.writes() == []
    assert "no open pull request has the head 9f2c1e0 of acme/lis, it has moved on or is closed" in ran.out


def test_pull_request_that_moves_on_after_the_write_is_left_so(world: World) -> None:
    world.gate()
    pull = world.fake.pulls[0]
    world.fake.faults.append(Fault("POST", "statuses", act=lambda: pull["head"].update(sha=sha("ffff"))))
    ran = world.publish()
    assert ran.code == 0
    assert "comment created" in ran.out
    assert "it has moved on or is closed" in ran.out


def test_two_pull_requests_with_the_same_head_get_the_same_verdict(world: World) -> None:
    world.fake.add_pull(18, base="release")
    world.gate()
    assert world.publish().code == 0
    assert sorted(one["issue_url"].rpartition("/")[2] for one in world.fake.comments) == ["17", "18"]
    assert world.states == ["success"]


def test_cancelled_run_says_so_and_is_not_green(world: World) -> None:
    world.gate(4242, number=318)
    world.publish(4242)
    world.fake.add_run(4300, 319, conclusion="cancelled")
    world.publish(4300)
    (body,) = world.sticky()
    assert "## 🚫 phdb-ci: cancelled: no verdict" in body
    assert "✅" not in body
    assert "run #319" in body
    assert world.states == ["success", "error"]
    told = [one["description"] for _, one in world.fake.statuses[-2:]]
    assert told == ["cancelled: no verdict", "unknown: no verdict"]


def test_cancelled_run_that_left_a_verdict_has_none(world: World) -> None:
    world.gate(conclusion="cancelled")
    world.publish()
    assert "cancelled: no verdict" in world.sticky()[0]
    assert world.states == ["error"]


def test_cancelled_run_behind_a_newer_one_says_nothing(world: World) -> None:
    world.fake.add_run(4242, 318, conclusion="cancelled")
    world.gate(4300, number=319)
    world.publish(4242)
    assert "run #319" in world.sticky()[0]
    assert "cancelled" not in world.sticky()[0]


def test_run_without_a_verdict_is_not_green(world: World) -> None:
    world.fake.add_run()
    ran = world.publish()
    assert ran.code == 0
    (body,) = world.sticky()
    assert "## 🕳️ phdb-ci: no verdict" in body
    assert "left no verdict. Nothing is known about this commit: this is not green." in body
    assert world.states == ["error"]


def test_run_whose_verdict_has_expired_is_not_green(world: World) -> None:
    made = world.gate()
    assert made.outcome == "pass"
    next(iter(world.fake.artifacts.values()))[1]["expired"] = True
    world.publish()
    assert "no verdict" in world.sticky()[0]
    assert world.states == ["error"]


def test_verdict_that_expires_while_we_fetch_it_is_none(world: World) -> None:
    world.gate()
    one = next(iter(world.fake.artifacts.values()))[1]
    world.fake.faults.append(Fault("GET", "/zip$", act=lambda: one.update(expired=True)))
    world.publish()
    assert "left a verdict that is no longer kept" in world.sticky()[0]


@pytest.mark.parametrize("conclusion", ["action_required", "startup_failure", "timed_out", "failure"])
def test_run_that_never_came_to_a_verdict_is_an_error(world: World, conclusion: str) -> None:
    world.fake.add_run(conclusion=conclusion)
    world.publish()
    assert "no verdict" in world.sticky()[0]
    assert world.states == ["error"]


def test_fork_pull_request_is_served_the_same_way(world: World) -> None:
    world.fake.pulls.clear()
    world.fake.add_pull(19, home=FORK, branch="main", login="contributor")
    world.gate(home=FORK, branch="main")
    ran = world.publish()
    assert "pull request 19: comment created" in ran.out
    assert world.fake.comments[0]["issue_url"].endswith("/issues/19")


def test_branch_of_a_fork_with_the_name_of_ours_is_another_one(world: World) -> None:
    world.gate(home=FORK)
    assert "no open pull request" in world.publish().out
    assert world.fake.writes() == []


def test_branch_of_the_owner_s_own_fork_is_another_one(world: World) -> None:
    world.fake.pulls.clear()
    world.fake.add_pull(22, home="acme/lis-next")
    world.gate()
    assert "no open pull request" in world.publish().out
    assert world.fake.writes() == []


def test_pull_request_into_a_fork_is_not_ours(world: World) -> None:
    world.fake.pulls.clear()
    world.fake.add_pull(3, base_repo=FORK)
    world.gate()
    assert "no open pull request" in world.publish().out


def test_repository_named_in_other_letters_is_the_same(world: World) -> None:
    world.fake.pulls.clear()
    world.fake.add_pull(base_repo="Acme/LIS")
    world.gate()
    assert "comment created" in world.publish().out


def test_pull_request_of_a_deleted_fork_gets_nothing(world: World) -> None:
    world.fake.pulls.clear()
    world.fake.add_pull(20, home=None)
    world.gate()
    gone = world.fake.runs[4242] | {"head_repository": None}  # as GitHub has it, against its own description
    world.fake.faults.append(Fault("GET", "runs/4242$", 200, gone))
    ran = world.publish()
    assert ran.code == 0
    assert world.fake.writes() == []


def test_dependabot_pull_request_is_served_the_same_way(world: World) -> None:
    world.fake.pulls.clear()
    branch = "dependabot/npm_and_yarn/ws-8.18.0"
    world.fake.add_pull(21, branch=branch, login="dependabot[bot]")
    world.gate(branch=branch)
    assert "pull request 21: comment created" in world.publish().out


def test_push_gets_the_status_alone(world: World) -> None:
    world.gate(event="push", branch="main")
    ran = world.publish()
    assert world.sticky() == []
    assert world.states == ["success"]
    assert ran.out == "commit status phdb-ci / verdict: created\ncommit status phdb-ci / regressions: created\n"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"event": "schedule"}, "not started by a pull request", id="event"),
        pytest.param({"conclusion": "skipped"}, "was skipped", id="skipped"),
        pytest.param({"path": ".github/workflows/other.yml"}, "is of another workflow", id="workflow"),
    ],
)
def test_run_that_is_none_of_ours_is_ignored(world: World, fields: dict[str, Any], told: str) -> None:
    world.gate(**fields)
    ran = world.publish()
    assert ran.code == 0
    assert told in ran.out
    assert world.fake.writes() == []


def test_path_with_a_ref_behind_it_is_the_same_file(world: World) -> None:
    world.gate(path=".github/workflows/phdb-gate.yml@refs/pull/17/merge")
    assert "comment created" in world.publish().out


def test_another_workflow_is_asked_for_by_name(world: World) -> None:
    world.gate(path=".github/workflows/own.yml")
    assert "comment created" in world.publish(workflow=".github/workflows/own.yml").out


def test_run_of_another_workflow_for_the_same_commit_does_not_decide(world: World) -> None:
    world.gate(4242, number=318)
    world.fake.add_run(4300, 999, path=".github/workflows/other.yml", status="in_progress")
    world.publish(4242)
    assert "run #318" in world.sticky()[0]


def test_skipped_newer_run_does_not_decide(world: World) -> None:
    world.gate(4242, number=318)
    world.fake.add_run(4300, 319, conclusion="skipped")
    world.publish(4242)
    assert "run #318" in world.sticky()[0]


def test_pull_request_is_never_found_by_what_the_run_says(world: World) -> None:
    world.gate()
    world.publish()
    asked = [one.query["head"] for one in world.fake.requests if one.path == f"/repos/{OWN}/pulls"]
    assert set(asked) == {"acme:topic"}


def test_group_of_a_merge_queue_gets_a_status_and_no_comment(world: World) -> None:
    world.gate(4242, event="merge_group", branch="gh-readonly-queue/main/pr-17-abc")
    assert world.publish().code == 0
    assert world.states == ["success"]
    assert world.sticky() == []
