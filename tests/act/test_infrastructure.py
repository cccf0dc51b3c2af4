"""Called workflows, events, attempts, and what the runner refuses, ends and hides."""

import re
import socket
import time
from pathlib import Path

import pytest

from tests.act import runner
from tests.act.bench import HOME, PULL_REQUEST, RELEASE, flow, needs_of, one_job, run, upload, workflow
from tests.act.rerun import keep, with_needs
from tests.act.runner import SHA, Act
from tests.integration.gate.bench import processes_of

# A workflow of another repository


def test_called_workflow_gets_inputs_and_the_callers_run_and_gives_outputs(act: Act, called: Path) -> None:
    env = {"GITHUB_API_URL": "http://127.0.0.1:9", "RUNNER": "of the runner"}

    ran = act.run(called, "pull_request", PULL_REQUEST, run_id=4242, attempt=2, env=env)

    assert ran.code == 0, ran.log
    told = [line for line in ran.job("plan").step("Plan").lines if line.startswith("told ")]
    assert told == [
        f"told {'ab' * 20} lidb={'cd' * 20} <>",
        f"told 4242 2 acme/lidb {SHA} pull_request",
        "told 4242 2 topic refs/pull/7/merge",
        "told http://127.0.0.1:9 http://127.0.0.1:9 of the runner",
    ]
    assert needs_of(ran, "after") == {"gate": {"outputs": {"outcome": "success"}, "result": "success"}}
    assert ran.job("verdict").label == "gate/called/verdict"


def test_needs_have_result_and_outputs_and_null_where_github_has_an_empty_object(act: Act, called: Path) -> None:
    ran = act.run(called, "pull_request", PULL_REQUEST)

    assert needs_of(ran, "verdict") == {
        "plan": {"outputs": {"run": "true", "lines": "one\ntwo"}, "result": "success"},
        "db-smoke__ubuntu-24_04": {"outputs": None, "result": "success"},
        "never__macos-15": {"outputs": None, "result": "skipped"},
    }
    assert ran.results["never__macos-15"] == "skipped"


def test_failed_leg_runs_what_is_not_cancelled_and_the_verdict_and_fails_the_run(act: Act, called: Path) -> None:
    ran = act.run(called, "pull_request", PULL_REQUEST, env={"SMOKE": "3"})

    assert ran.code == 1
    assert ran.job("db-smoke__ubuntu-24_04").outcomes == {
        "Test": "failure",
        "Only when green": "skipped",
        "Keep the result": "success",
    }
    assert needs_of(ran, "verdict")["db-smoke__ubuntu-24_04"]["result"] == "failure"
    assert ran.job("verdict").result == "failure"
    assert ran.job("verdict").summary == "# failure\n"


# Attempts, events, and one job alone


def test_kept_jobs_give_their_outputs_again_and_only_the_others_run(act: Act, called: Path) -> None:
    first = act.run(called, "pull_request", PULL_REQUEST, env={"SMOKE": "3"})
    home = flow(act, keep(workflow("called"), [first.job("plan")]), name="called", place="kept")
    act.actions = dict(act.actions) | {f"{HOME}@{RELEASE}": home}

    again = act.run(called, "pull_request", PULL_REQUEST, attempt=2)

    assert again.code == 0, again.log
    assert list(again.job("plan").outcomes) == ["Kept from the attempt before", "Plan"]
    assert "told" not in again.job("plan").log
    assert needs_of(again, "verdict")["plan"] == needs_of(first, "verdict")["plan"]
    assert again.job("db-smoke__ubuntu-24_04").step("Test").lines == ["one", "two"]


def test_red_job_cannot_be_kept(act: Act, called: Path) -> None:
    first = act.run(called, "pull_request", PULL_REQUEST, env={"SMOKE": "3"})

    with pytest.raises(AssertionError, match=r"db-smoke@ubuntu-24\.04 was failure"):
        keep(workflow("called"), [first.job("db-smoke__ubuntu-24_04")])


def test_needs_of_a_cancelled_job_can_be_told_to_a_verdict(act: Act, called: Path) -> None:
    needs = {"plan": {"result": "success", "outputs": {}}, "leg": {"result": "cancelled", "outputs": {}}}
    flow(act, with_needs(workflow("called"), needs), name="called", place="home")

    ran = act.run(called, "pull_request", PULL_REQUEST)

    assert needs_of(ran, "verdict") == needs


def test_job_option_runs_that_job_and_all_that_it_needs(act: Act) -> None:
    job = "\n    runs-on: ubuntu-24.04\n    steps: [{run: 'true'}]\n"
    text = f"name: flow\non: [push]\njobs:\n  a:{job}  b:\n    needs: [a]{job}  c:\n    needs: [b]{job}"

    ran = act.run(flow(act, text), "push", {}, job="b")

    assert ran.results == {"a": "success", "b": "success"}


@pytest.mark.parametrize(("event", "result"), [("pull_request", "success"), ("schedule", "skipped")])
def test_workflow_run_payload_decides_and_arrives_as_file(act: Act, event: str, result: str) -> None:
    stage = {
        "action": "completed",
        "workflow_run": {"id": 4242, "event": event},
        "repository": {"default_branch": "main"},
    }

    ran = act.run(flow(act, workflow("second-stage")), "workflow_run", stage, run_id=4243)

    assert ran.results == {"publish": result}
    if result == "success":
        assert ran.job("publish").steps["0"].lines == ["4242 17 refs/heads/main 4243 workflow_run", "completed"]


def test_push_has_the_ref_and_the_commit_of_the_payload_or_of_the_test(act: Act) -> None:
    ran = run(act, "run: echo $GITHUB_REF $GITHUB_REF_NAME $GITHUB_SHA ${{ github.sha }}")
    payload = {"ref": "refs/heads/dev"}
    pushed = act.run(flow(act, one_job("run: echo $GITHUB_REF $GITHUB_REF_NAME")), "push", payload)

    assert ran.job("one").steps["0"].lines == [f"refs/heads/main main {SHA} {SHA}"]
    assert pushed.job("one").steps["0"].lines == ["refs/heads/dev dev"]


def test_only_files_with_the_event_run_and_one_file_can_be_chosen(act: Act) -> None:
    flow(act, one_job("run: 'true'"), name="a")
    flow(act, one_job("run: 'true'").replace("name: flow", "name: other"), name="b")
    folder = flow(act, one_job("run: 'true'").replace("push", "schedule"), name="c")

    assert set(act.run(folder, "push", {}).jobs) == {"flow/one", "other/one"}
    assert list(act.run(folder, "push", {}, only="b.yml").jobs) == ["other/one"]


# What the helper refuses, ends and hides


def test_action_without_a_folder_is_refused_before_act_asks_github(act: Act, called: Path) -> None:
    with pytest.raises(AssertionError, match="uses actions/cache@v4, for which there is no folder"):
        act.run(flow(act, one_job("uses: actions/cache@v4"), place="other"), "push", {})
    act.actions = {name: path for name, path in act.actions.items() if name.startswith("actions/")}
    with pytest.raises(AssertionError, match=r"uses li-langverse/phdb-ci/.github/workflows/called.yml@0+1"):
        act.run(called, "pull_request", PULL_REQUEST)


def test_job_in_a_container_is_refused(act: Act) -> None:
    text = one_job("run: 'true'").replace("    steps", "    container: debian:13\n    steps")

    with pytest.raises(AssertionError, match=r"flow.yml has a job in a container"):
        act.run(flow(act, text), "push", {})


@pytest.mark.parametrize("label", ["ubuntu-latest", "macos-13"], ids=["an image of act's", "unknown to act"])
def test_job_on_another_label_is_no_silent_success(act: Act, label: str) -> None:
    text = one_job("run: exit 1").replace("ubuntu-24.04", label)

    with pytest.raises(AssertionError, match="the job was left out"):
        act.run(flow(act, text), "push", {})


def test_what_a_job_leaves_running_is_ended_and_named(act: Act) -> None:
    ran = run(act, "run: setsid sleep 301 >/dev/null 2>&1 < /dev/null & sleep 0.2")

    assert ran.code == 0
    assert ran.left
    assert not processes_of(act.root)


def test_run_that_takes_too_long_is_ended_with_all_that_it_started(act: Act) -> None:
    began = time.monotonic()

    with pytest.raises(TimeoutError, match="waiting for nothing"):
        run(act, "run: echo waiting for nothing; trap '' TERM INT; setsid sleep 302 & sleep 303", timeout=2)

    assert time.monotonic() - began < 20
    assert not processes_of(act.root)


def test_job_sees_a_home_of_its_own_and_nothing_of_the_callers_environment(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHDB_CI_CACHE", "/somewhere")
    monkeypatch.setenv("GITHUB_TOKEN", "of the one who runs the tests")

    ran = run(act, 'run: env; echo "home $HOME"; touch $HOME/x $RUNNER_TEMP/y z; mktemp')

    told = ran.job("one").log
    assert f"home {act.root / 'home'}" in told
    assert not re.search("^(PHDB_CI|PYTEST|GITHUB_TOKEN)", told, re.MULTILINE)
    assert str(act.root) in ran.job("one").steps["0"].lines[-1]


def test_last_words_of_a_failing_step_are_not_lost(act: Act) -> None:
    step = "continue-on-error: true\n        run: seq 2000; echo last words; exit 1"

    ran = run(act, *[step] * 6, "run: seq 2000; echo last words")

    assert [one.lines[-1] for one in ran.job("one").steps.values()] == ["last words"] * 7
    assert {len(one.lines) for one in ran.job("one").steps.values()} == {2001}


def test_own_words_of_the_runner_are_kept_per_step(act: Act) -> None:
    ran = run(
        act,
        "run: echo '::error::it broke'; echo '::add-mask::secret'; echo my secret; printf '\\033[31mred\\033[0m\\n'",
        "run: echo '# one' >> $GITHUB_STEP_SUMMARY",
        "run: echo '# two' >> $GITHUB_STEP_SUMMARY",
        "name: \"named ${{ github.run_id }}\"\n        run: 'true'",
    )

    assert ran.job("one").step("0").lines[0].endswith("::error::it broke")
    assert "my ***" in ran.job("one").step("0").lines
    assert ran.job("one").summary == "# one\n# two\n"
    assert list(ran.job("one").outcomes)[-1] == "named 1"


def test_port_that_is_taken_meanwhile_costs_one_more_start(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    real = runner._free_port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(runner, "_free_port", lambda: ports.pop() if ports else real())

        ran = run(act, "run: sleep 0.3; echo once more")

    assert ran.job("one").step("0").lines == ["once more"]
    assert not ports


def test_two_runs_at_once_do_not_see_each_other(act: Act) -> None:
    made = flow(act, one_job("run: echo $GITHUB_RUN_ID > id", upload("id", "id"), "run: sleep 0.5"))

    with act.started(made, "push", {}, run_id=1) as one, act.started(made, "push", {}, run_id=2) as two:
        both = [one.finish(), two.finish()]

    assert [ran.read("id", "id") for ran in both] == [b"1\n", b"2\n"]
