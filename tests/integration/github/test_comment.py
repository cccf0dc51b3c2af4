"""The one comment: found among many, edited in place, never doubled, never somebody else's."""

from typing import Any

import pytest

from phdb_ci.models.verdict import Regression, Regressions, Verdict
from phdb_ci.rendering.comment.marker import PREFIX, read
from tests.builders import worse
from tests.integration.github.fake import BOT, OWN, PERSON, Fault
from tests.integration.github.world import World, failing, passing

DIRTY = f"{PREFIX}bm90IG91cnM= -->\n## ✅ forged\n"
COMMENTS = "issues/17/comments"


def test_first_verdict_becomes_a_comment_and_a_status(world: World) -> None:
    world.gate()
    ran = world.publish()
    assert ran.code == 0, ran.told
    (body,) = world.sticky()
    assert "## ✅ phdb-ci: all 2 jobs passed" in body
    state, _ = read(body)
    assert state is not None
    assert (state.run_id, state.run_number, state.attempt, state.outcome) == ("4242", 318, 1, "pass")
    assert world.states == ["success"]
    assert world.compared == ["error"]
    assert ran.out == (
        "pull request 17: comment created\ncommit status phdb-ci / verdict: created\n"
        "commit status phdb-ci / regressions: created\n"
    )


def test_second_verdict_edits_the_comment_of_the_first(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), number=318)
    world.publish(4242)
    world.gate(4300, number=319)
    ran = world.publish(4300)
    (body,) = world.sticky()
    assert "all 2 jobs passed" in body
    assert "[run #319](https://github.com/acme/lis/actions/runs/4300)" in body
    assert world.states == ["failure", "success"]
    assert "comment edited" in ran.out


def test_three_of_ours_among_250_leave_the_oldest_with_the_right_text(world: World) -> None:
    fake = world.fake
    for number in range(250):
        fake.add_comment(f"comment {number}", PERSON)
        if number in (40, 140, 240):
            fake.add_comment(f"{PREFIX}b2xk -->\nold {number}\n")
    oldest = next(one["id"] for one in fake.comments if one["user"]["login"] == BOT)
    world.gate()
    ran = world.publish()
    assert [one["id"] for one in fake.comments if one["user"]["login"] == BOT] == [oldest]
    assert "all 2 jobs passed" in world.sticky()[0]
    assert len(fake.bodies(PERSON)) == 250
    assert "2 older comments removed" in ran.out
    pages = [one for one in fake.requests if one.method == "GET" and one.path.endswith(COMMENTS)]
    assert {one.query["per_page"] for one in pages} == {"100"}
    assert [one.query.get("page", "1") for one in pages][:3] == ["1", "2", "3"]


def test_unchanged_body_is_not_written_again(world: World) -> None:
    world.gate()
    world.publish()
    before = len(world.fake.writes())
    ran = world.publish()
    assert len(world.fake.writes()) == before
    assert ran.out == (
        "pull request 17: comment unchanged\ncommit status phdb-ci / verdict: unchanged\n"
        "commit status phdb-ci / regressions: unchanged\n"
    )


def test_comment_changed_by_hand_is_put_right(world: World) -> None:
    world.gate(4242, failing(run_id="4242"))
    world.publish()
    one = world.fake.comments[0]
    one["body"] = one["body"].replace("❌", "✅")
    world.publish()
    assert "❌ phdb-ci: 1 of 2 jobs failed" in world.sticky()[0]


def test_comment_kept_with_other_line_ends_is_unchanged(world: World) -> None:
    world.gate()
    world.publish()
    world.fake.comments[0]["body"] = world.fake.comments[0]["body"].replace("\n", "\r\n")
    assert "comment unchanged" in world.publish().out


def test_missing_status_is_posted_beside_an_unchanged_comment(world: World) -> None:
    world.gate()
    world.publish()
    world.fake.statuses.clear()
    ran = world.publish()
    assert "comment unchanged" in ran.out
    assert world.states == ["success"]


def test_status_overwritten_by_another_word_is_posted_anew(world: World) -> None:
    world.gate()
    world.publish()
    sha, one = world.fake.statuses[0]
    world.fake.statuses.append((sha, one | {"state": "failure"}))
    world.publish()
    assert world.states == ["success", "failure", "success"]
    assert world.compared == ["error"]


def compared(*found: Regression, unknown: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"regressions": Regressions(worse=found, unknown=unknown), "baseline": "7"}


@pytest.mark.parametrize(
    ("made", "states"),
    [
        pytest.param(failing(**compared()), ("failure", "success"), id="red before"),
        pytest.param(failing(**compared(worse())), ("failure", "failure"), id="worse"),
        pytest.param(passing(**compared(worse(kind="case is gone"))), ("success", "failure"), id="green and worse"),
        pytest.param(passing(**compared(unknown=("x",))), ("success", "error"), id="unknown"),
        pytest.param(passing(), ("success", "error"), id="no baseline"),
    ],
)
def test_regressions_have_a_status_of_their_own(world: World, made: Verdict, states: tuple[str, str]) -> None:
    world.gate(4242, made)
    world.publish()
    assert (world.states, world.compared) == ([states[0]], [states[1]])


def test_second_status_that_cannot_be_posted_is_said(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", "statuses/", act=lambda: None))
    world.fake.faults.append(Fault("POST", "statuses/", 403, {"message": "Resource not accessible by integration"}))
    ran = world.publish()
    assert "statuses: write" in ran.told
    assert (world.states, world.compared) == (["success"], [])


def test_status_of_another_context_is_not_ours(world: World) -> None:
    world.gate()
    world.publish()
    sha, one = world.fake.statuses[0]
    world.fake.statuses.append((sha, one | {"context": "ci/other", "state": "failure"}))
    world.publish()
    assert world.states == ["success"]


def test_marker_posted_by_somebody_else_is_left_alone(world: World) -> None:
    world.fake.add_comment(DIRTY, PERSON)
    world.gate()
    world.publish()
    assert world.fake.bodies(PERSON) == [DIRTY]
    assert len(world.sticky()) == 1


def test_our_comment_that_only_quotes_the_marker_is_left_alone(world: World) -> None:
    world.fake.add_comment(f"> {DIRTY}")
    world.gate()
    world.publish()
    assert world.fake.bodies(BOT)[0] == f"> {DIRTY}"
    assert len(world.sticky()) == 1


def test_unreadable_marker_of_ours_is_written_over(world: World) -> None:
    world.fake.add_comment(DIRTY)
    world.gate()
    world.publish()
    assert "forged" not in "".join(world.sticky())
    assert len(world.sticky()) == 1


def test_login_given_by_hand_is_ours(world: World) -> None:
    world.fake.login = "phdb[bot]"
    world.fake.add_comment(f"{PREFIX}b2xk -->\nold\n", "phdb[bot]")
    world.gate()
    world.publish(author="phdb[bot]")
    assert len(world.sticky("phdb[bot]")) == 1
    assert "all 2 jobs passed" in world.sticky("phdb[bot]")[0]


def test_personal_token_asks_who_it_is(world: World) -> None:
    world.fake.login = "maintainer"
    world.fake.add_comment(f"{PREFIX}b2xk -->\nold\n", "maintainer")
    world.token = "ghp_" + "t" * 36
    world.gate()
    world.publish()
    assert len(world.sticky("maintainer")) == 1
    assert "/user" in [one.path for one in world.fake.requests]


def test_token_of_a_workflow_asks_nobody_who_it_is(world: World) -> None:
    world.gate()
    world.publish()
    assert "/user" not in [one.path for one in world.fake.requests]


def test_two_second_stages_that_both_create_leave_the_oldest(world: World) -> None:
    world.gate()
    rival = f"{PREFIX}b2xk -->\nof the other stage\n"
    world.fake.faults.append(Fault("POST", f"{COMMENTS}$", act=lambda: world.fake.add_comment(rival)))
    ran = world.publish()
    (body,) = world.sticky()
    assert world.fake.comments[0]["body"] == body
    assert "all 2 jobs passed" in body
    assert "1 older comment removed" in ran.out


def test_comment_deleted_by_somebody_quicker_is_no_error(world: World) -> None:
    for _ in range(2):
        world.fake.add_comment(f"{PREFIX}b2xk -->\nold\n")
    world.gate()
    young = world.fake.comments[1]
    world.fake.faults.append(Fault("DELETE", "comments", act=lambda: world.fake.comments.remove(young)))
    assert world.publish().code == 0
    assert len(world.sticky()) == 1


def test_comment_deleted_before_the_edit_is_created_anew(world: World) -> None:
    world.fake.add_comment(f"{PREFIX}b2xk -->\nold\n")
    world.gate()
    world.fake.faults.append(Fault("PATCH", "comments", act=world.fake.comments.clear))
    ran = world.publish()
    assert ran.code == 0, ran.told
    assert "comment created" in ran.out
    assert len(world.sticky()) == 1


def test_jobs_are_linked_by_the_ids_of_the_api(world: World) -> None:
    world.gate()
    world.publish()
    jobs = {name: number for number, name in world.fake.jobs[4242].items()}
    number = jobs["gate / e2e-engine@ubuntu-24.04"]
    assert f"[e2e-engine](https://github.com/{OWN}/actions/runs/4242/job/{number})" in world.sticky()[0]


def test_json_says_the_same_for_programs(world: World) -> None:
    world.gate()
    told = world.publish(json=True).out
    assert '"comment": "created"' in told
    assert '"status": "created"' in told
    assert '"pull": 17' in told
