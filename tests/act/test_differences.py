"""Where act is not GitHub and nothing here mends it: what no test on act can show. Each would fail if act learnt it."""

from pathlib import Path

from tests.act.bench import HOME, PRINT_NEEDS, PULL_REQUEST, RELEASE, flow, needs_of, one_job, workflow
from tests.act.runner import Act


def test_act_says_failure_of_a_job_that_may_fail_where_github_says_success(act: Act) -> None:
    text = f"""\
name: flow
on: [push]
jobs:
  may:
    continue-on-error: true
    runs-on: ubuntu-24.04
    steps: [{{run: exit 1}}]
  sees:
    needs: [may]
    if: ${{{{ always() }}}}
    runs-on: ubuntu-24.04
    steps:
{PRINT_NEEDS}"""

    ran = act.run(flow(act, text), "push", {})

    assert needs_of(ran, "sees")["may"]["result"] == "failure"
    assert ran.code == 1


def test_act_skips_what_stands_behind_a_failed_called_workflow_even_with_always(act: Act, called: Path) -> None:
    ran = act.run(called, "pull_request", PULL_REQUEST, env={"SMOKE": "3"})

    assert ran.code == 1
    assert "after" not in ran.results


def test_act_says_failure_of_an_interrupted_job_and_runs_no_step_of_the_next(act: Act) -> None:
    text = f"""\
name: flow
on: [push]
jobs:
  long:
    runs-on: ubuntu-24.04
    steps:
      - run: echo begun; sleep 60
      - if: ${{{{ !cancelled() }}}}
        run: echo not cancelled
      - if: ${{{{ always() }}}}
        run: echo always
  sees:
    needs: [long]
    if: ${{{{ always() }}}}
    runs-on: ubuntu-24.04
    steps:
{PRINT_NEEDS}"""

    with act.started(flow(act, text), "push", {}) as one:
        one.wait_for('"msg":"begun')
        one.interrupt()
        ran = one.finish(30)

    assert ran.job("long").outcomes == {
        "echo begun; sleep 60": "failure",
        "echo not cancelled": "skipped",
        "echo always": "success",
    }
    assert ran.results == {"long": "failure", "sees": "success"}, "on GitHub: cancelled, and `sees` runs"
    assert ran.job("sees").outcomes == {"Needs": "skipped"}
    # Whether the interrupted step is still alive when act has ended differs from run to run; the runner ends it.


def test_act_gives_a_green_leg_of_a_matrix_the_result_of_its_sibling(act: Act) -> None:
    text = """\
name: flow
on: [push]
jobs:
  legs:
    strategy:
      fail-fast: false
      max-parallel: 1
      matrix: {code: [1, 0]}
    runs-on: ubuntu-24.04
    steps: [{run: "exit ${{ matrix.code }}"}]
"""

    ran = act.run(flow(act, text), "push", {})

    assert ran.job("flow/legs-2").outcomes == {"exit 0": "success"}
    assert ran.job("flow/legs-2").result == "failure"


def test_act_runs_steps_on_a_terminal_and_knows_no_timeout_of_a_job(act: Act) -> None:
    text = one_job("run: test -t 1 && echo a terminal").replace("    steps", "    timeout-minutes: 0\n    steps")

    ran = act.run(flow(act, text), "push", {})

    assert ran.job("one").steps["0"].lines == ["a terminal"]


def test_act_lets_permissions_of_a_called_workflow_exceed_the_callers(act: Act, called: Path) -> None:
    home = act.actions[f"{HOME}@{RELEASE}"]
    flow(act, workflow("called").replace("permissions: {}", "permissions: write-all"), name="called", place=home.name)

    assert act.run(called, "pull_request", PULL_REQUEST).code == 0, "GitHub refuses the file"
