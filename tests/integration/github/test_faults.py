"""When GitHub is slow, broken, strict or short of rights: nothing doubled, nothing lost, and what to do is said."""

import time

import pytest

from phdb_ci.errors import NetworkError, RefusedError, RightsError
from phdb_ci.rendering.comment.marker import PREFIX
from tests.builders import case, leg, suite, verdict
from tests.integration.github.fake import TOO_LONG, Fault
from tests.integration.github.world import World
from tests.page import checked

POST, PATCH = "issues/17/comments$", r"issues/comments/\d+$"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
FORBIDDEN = {"message": "Resource not accessible by integration"}
OLD = f"{PREFIX}b2xk -->\nold\n"


def test_post_answered_502_after_it_took_effect_leaves_one_comment(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", POST, 502, {"message": "Server Error"}, effect=True))
    assert world.publish().code == 0
    assert len(world.sticky()) == 1
    assert world.fake.writes().count("POST issues/17/comments") == 1


def test_post_answered_502_without_effect_is_made_again(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", POST, 502, {"message": "Server Error"}))
    assert world.publish().code == 0
    assert len(world.sticky()) == 1


def test_post_whose_connection_breaks_after_it_took_effect_leaves_one_comment(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", POST, drop=True, effect=True))
    assert world.publish().code == 0
    assert len(world.sticky()) == 1


def test_status_answered_500_after_it_took_effect_is_posted_once(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", "statuses/", 500, {"message": "Server Error"}, effect=True))
    assert world.publish().code == 0
    assert world.states == ["success"]


def test_post_that_fails_for_good_is_an_error_that_says_so(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", POST, 503, {"message": "Unavailable"}, times=99))
    ran = world.publish()
    assert isinstance(ran.error, NetworkError)
    assert ran.code == 3
    assert "the comment: GitHub answers 503, Unavailable" in ran.told
    assert world.states == ["success"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("PATCH", PATCH, 403, SECONDARY, {"Retry-After": "1"}), id="secondary, says how long"),
        pytest.param(Fault("PATCH", PATCH, 403, SECONDARY), id="secondary, does not say"),
        pytest.param(Fault("PATCH", PATCH, 429, SECONDARY, {"Retry-After": "1"}), id="429, says how long"),
        pytest.param(Fault("PATCH", PATCH, 429, SECONDARY), id="429, does not say"),
        pytest.param(Fault("POST", "statuses/", 403, SECONDARY, {"Retry-After": "1"}), id="POST, says how long"),
        pytest.param(Fault("POST", "statuses/", 403, SECONDARY), id="POST, does not say"),
        pytest.param(Fault("POST", "statuses/", 429, {"message": "Too many"}), id="POST, 429"),
    ],
)
def test_rate_limit_is_waited_for(world: World, fault: Fault) -> None:
    world.fake.add_comment(OLD)
    world.gate()
    world.fake.faults.append(fault)
    began = time.monotonic()
    ran = world.publish()
    waited = time.monotonic() - began
    assert ran.code == 0, ran.told
    assert "all 2 jobs passed" in world.sticky()[0]
    assert world.states == ["success"]
    assert waited >= (1.0 if fault.headers else 0.0)


def test_rate_limit_that_asks_for_an_hour_is_not_waited_out(world: World) -> None:
    world.fake.add_comment(OLD)
    world.gate()
    world.fake.faults.append(Fault("PATCH", PATCH, 403, SECONDARY, {"Retry-After": "3600"}))
    began = time.monotonic()
    assert world.publish().code == 0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("method", ["PATCH", "GET", "DELETE"])
def test_what_may_be_repeated_is_repeated_after_502(world: World, method: str) -> None:
    world.fake.add_comment(OLD)
    world.fake.add_comment(OLD)
    world.gate()
    world.fake.faults.append(Fault(method, "comments", 502, {"message": "Server Error"}))
    assert world.publish().code == 0
    assert len(world.sticky()) == 1


@pytest.mark.parametrize(
    ("method", "path", "grant", "status"),
    [
        pytest.param("POST", POST, "pull-requests: write", ["success"], id="create"),
        pytest.param("PATCH", PATCH, "pull-requests: write", ["success"], id="edit"),
        pytest.param("POST", "statuses/", "statuses: write", [], id="status"),
        pytest.param("GET", "runs/4242$", "actions: read", [], id="run"),
        pytest.param("GET", "artifacts$", "actions: read", [], id="artifacts"),
        pytest.param("GET", "/zip$", "actions: read", [], id="archive"),
    ],
)
def test_missing_permission_is_named(world: World, method: str, path: str, grant: str, status: list[str]) -> None:
    if method == "PATCH":
        world.fake.add_comment(OLD)
    world.gate()
    world.fake.faults.append(Fault(method, path, 403, FORBIDDEN, times=99))
    ran = world.publish()
    assert isinstance(ran.error, RightsError)
    assert ran.code == 3
    assert f"grant `{grant}` under `permissions:`" in ran.told
    assert "403" in ran.told
    assert world.states == status


def test_two_missing_permissions_are_named_at_once(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", ".", 403, FORBIDDEN, times=99))
    ran = world.publish()
    assert "pull-requests: write" in ran.told
    assert "statuses: write" in ran.told


def test_token_that_is_not_valid_is_said(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("GET", ".", 401, {"message": "Bad credentials"}))
    ran = world.publish()
    assert isinstance(ran.error, RightsError)
    assert "set $GITHUB_TOKEN" in ran.told


def test_token_echoed_by_the_server_is_not_shown(world: World) -> None:
    world.gate()
    echo = {"message": f"no such thing, {world.token}"}
    world.fake.faults.append(Fault("GET", ".", 404, echo))
    assert "***" in world.publish().told


def test_issues_switched_off_keep_only_the_comment_back(world: World) -> None:
    world.gate()
    gone = {"message": "Issues are disabled for this repo"}
    world.fake.faults.append(Fault("GET", POST, 410, gone, times=99))
    ran = world.publish()
    assert isinstance(ran.error, RefusedError)
    assert ran.code == 3
    assert "switch issues on" in ran.told
    assert world.states == ["success"]


def test_unknown_run_is_said(world: World) -> None:
    ran = world.publish(77)
    assert isinstance(ran.error, RefusedError)
    assert "run 77: GitHub answers 404" in ran.told


def test_locked_pull_request_is_refused_once(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("POST", POST, 422, {"message": "Unable to create comment"}, times=99))
    ran = world.publish()
    assert isinstance(ran.error, RefusedError)
    assert world.fake.writes().count("POST issues/17/comments") == 1


def test_github_out_of_reach_is_said(world: World) -> None:
    world.fake.faults.append(Fault("GET", ".", drop=True, times=99))
    ran = world.publish()
    assert isinstance(ran.error, NetworkError)
    assert "could not be reached" in ran.told


def long_verdict(world: World) -> None:
    """So much failed that the comment comes near to its limit."""
    cases = [case(f"test_{number}", "failed", message="m" * 250, detail="d" * 900) for number in range(150)]
    bad = suite(*cases)
    legs = (leg("smoke"), *(leg(f"job-{number}", "failed", bad) for number in range(2)))
    world.gate(4242, verdict(*legs, run_id="4242"))


def test_body_that_is_too_long_for_github_is_shed_and_whole(world: World) -> None:
    long_verdict(world)
    world.fake.longest = 12_000
    assert world.publish().code == 0
    (body,) = world.sticky()
    assert len(body) <= 12_000
    assert body.splitlines()[1] == "## ❌ phdb-ci: 2 of 3 jobs failed"
    found = checked(body, 12_000)
    assert {"smoke", "job-0", "job-1"} <= {row[1] for row in found.rows}
    assert "Left out to stay within GitHub's size limit" in body


def test_shed_body_is_unchanged_the_next_time(world: World) -> None:
    long_verdict(world)
    world.fake.longest = 12_000
    world.publish()
    before = len(world.fake.writes())
    assert "comment unchanged" in world.publish().out
    assert len(world.fake.writes()) == before


def test_body_that_is_too_long_by_another_word_is_shed_as_well(world: World) -> None:
    world.gate()
    fault = Fault("POST", POST, 422, TOO_LONG | {"errors": ["Body is too long"]})
    world.fake.faults.append(fault)
    assert world.publish().code == 0
    assert "Left out" in world.sticky()[0]
