"""The rules that turn an exit code into a status: each holding and broken, their order, what passed means."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phdb_ci.judging import figures
from phdb_ci.judging.evidence import RULES, judge, unnamed_skip
from phdb_ci.models.figures import Figure
from phdb_ci.models.matrix import Job
from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import (
    ArtifactUse,
    Command,
    Counts,
    Facts,
    FiguresFact,
    ManifestFact,
    Rule,
    ServiceUse,
    Suite,
)
from phdb_ci.models.runs import Run
from phdb_ci.models.statuses import Status
from tests.builders import DIGEST, case, command, exit_only, rule, runs, suite, use
from tests.helpers import job

OTHER = "0" * 64
WITNESSED = job(artifacts=["embed"], evidence={"witness": {"artifact": "embed", "min_calls": 4}})
SPOKEN_TO = job(artifacts=["embed"], evidence={"witness": {"artifact": "embed", "min_calls": 4, "verbs": ["exec"]}})
GUARDED = job(evidence={"forbid_env": ["LI_LIDB_MOCK"]})
DOCUMENTED = job(evidence={"manifest": {"file": "**/m.json", "status": ["stub"]}})
TWICE = job(run=["make check", "make more"])
CRITICAL = job(reports=[{"kind": "pytest", "min_tests": 1, "critical": ["cve-*"]}])
MEASURED = job(
    services=["postgres"],
    evidence={
        "figures": {"file": "f.json", "names": ["publish", "read"], "rounds": 6, "threshold": 1.2, "unit": "ratio"}
    },
)
POSTGRES = ServiceUse(name="postgres", version="16.14", origin="a wheel")
NODE_24 = job(tools=["node"], versions={"node": "24"})
BARE = job(reports=[{"kind": "exit", "min_tests": 0}])


def good(**fields: Any) -> Facts:
    """Facts of a job that passed: two of its tests ran and its command succeeded."""
    told: dict[str, Any] = {"commands": (command("make check"),), "suites": (suite(passed=2),)} | fields
    return Facts(**{"runs": runs(*told["suites"])} | told)


def ran(**fields: Any) -> Facts:
    """Facts of a job that passed, whose one pytest tells more of itself."""
    told: dict[str, Any] = {"runner": "pytest", "command": "pytest -qq", "report": "asked"}
    return good(runs=(Run.model_validate(told | fields),))


def figure(name: str = "publish", *values: float, **fields: Any) -> Figure:
    """A figure of six rounds."""
    return Figure(name=name, values=values or tuple(0.5 + len(name) / 100 + n / 1000 for n in range(6)), **fields)


def measured(*changed: Figure, **fields: Any) -> Facts:
    """Facts of a job that measured two figures, some of them replaced."""
    by_name = {one.name: one for one in (figure("publish"), figure("read"), *changed)}
    told: dict[str, Any] = {
        "figures": FiguresFact(file="f.json", figures=tuple(by_name.values())), "services": (POSTGRES,),
    }  # fmt: skip
    return good(**told | fields)


def row(rule_: str, *values: Any) -> Any:
    """A rule, then job, facts, status, reason, and what the row is called."""
    return pytest.param(rule_, *values[:-1], id=f"{rule_}: {values[-1]}")


BROKEN = [
    row("blocked", job(), Facts(blocked_by="embed failed: exit 2"), "blocked", "embed failed: exit 2", "artifact"),
    row("could_not_run", job(), Facts(error="no cmake"), "error", "no cmake", "tool missing"),
    row("could_not_run", job(), Facts(error=""), "error", "", "an error without words"),
    row(
        "could_not_run",
        job(),
        good(commands=(command("npm ci", 1, phase="setup"),)),
        "error",
        "set-up failed with exit 1: npm ci",
        "set-up",
    ),
    row(
        "could_not_run",
        job(),
        good(commands=(command("uv venv", 2, phase="env"),)),
        "error",
        "set-up failed with exit 2: uv venv",
        "environment",
    ),
    row(
        "could_not_run",
        job(),
        good(commands=(command("make check", problem="output dropped"),)),
        "error",
        "output dropped: make check",
        "incomplete output",
    ),
    row("was_cancelled", job(), Facts(cancelled=True), "cancelled", "the run was interrupted", "before the start"),
    row(
        "was_cancelled",
        job(),
        good(commands=(command("make check", 0, cancelled=True),)),
        "cancelled",
        "the run was interrupted",
        "a command that exits 0",
    ),
    row(
        "timed_out",
        job(timeout="90s"),
        good(commands=(command("make check", 0, timed_out=True),)),
        "timeout",
        "did not end within 90s: make check",
        "a command that exits 0",
    ),
    row(
        "timed_out",
        job(),
        good(commands=(command("npm ci", 143, phase="setup", timed_out=True),)),
        "timeout",
        "did not end within 10m: npm ci",
        "set-up",
    ),
    row(
        "command_failed",
        job(),
        good(commands=(command("make check", 139),)),
        "failed",
        "exit 139: make check",
        "signal",
    ),
    row(
        "left_processes",
        job(),
        good(commands=(command("make check", leftovers=("postgres", "sleep")),)),
        "failed",
        "left 2 process(es) running (postgres, sleep): make check",
        "two",
    ),
    row(
        "report_unreadable",
        job(),
        good(suites=(suite(passed=9, problem="is truncated"),)),
        "failed",
        "pytest report: is truncated",
        "truncated",
    ),
    row(
        "report_unreadable",
        job(),
        good(suites=(suite(passed=9, problem=""),)),
        "failed",
        "pytest report: ",
        "a problem without words",
    ),
    row(
        "case_failed",
        job(),
        good(suites=(suite(case("a", "failed"), case("b", "error"), passed=2),)),
        "failed",
        "2 of 4 pytest tests failed: a",
        "exit 0 with failing tests",
    ),
    row(
        "document_wrong",
        DOCUMENTED,
        good(manifest=ManifestFact(problems=("m.json has status 'pass'",))),
        "failed",
        "m.json has status 'pass'",
        "status",
    ),
    row("nothing_ran", job(), Facts(), "unproven", "0 of 1 run commands were executed", "no facts at all"),
    row("nothing_ran", TWICE, good(), "unproven", "1 of 2 run commands were executed", "one of two"),
    row(
        "nothing_ran",
        BARE,
        Facts(commands=(command("npm ci", phase="setup"),), suites=(exit_only(),)),
        "unproven",
        "0 of 1 run commands were executed",
        "set-up alone",
    ),
    row("report_absent", job(), good(suites=()), "unproven", "1 reports declared, 0 read", "none"),
    row(
        "too_few_executed",
        job(),
        good(suites=(suite(passed=1),)),
        "unproven",
        "1 pytest tests were executed, at least 2 expected",
        "one of two",
    ),
    row(
        "too_few_executed",
        job(),
        good(suites=(suite(passed=9, repeated=8),)),
        "unproven",
        "1 pytest tests were executed, at least 2 expected",
        "one, nine times",
    ),
    row(
        "too_few_executed",
        job(),
        good(suites=(Suite(kind="pytest"),)),
        "unproven",
        "0 pytest tests were executed, at least 2 expected",
        "empty report",
    ),
    row(
        "too_few_executed",
        job(),
        good(suites=(suite(case("a", "skipped"), case("b", "todo")),)),
        "unproven",
        "every test was skipped (2), at least 2 expected",
        "all skipped",
    ),
    row(
        "unnamed_skip",
        job(),
        good(suites=(suite(passed=2, unnamed_skip_count=3, unnamed_skips=("t_a",)),)),
        "unproven",
        "skipped without a rule that names it: t_a and 2 more",
        "three",
    ),
    row(
        "critical_not_executed",
        CRITICAL,
        good(suites=(suite(passed=2, critical_rules=(rule("cve-*", matched=0),)),)),
        "unproven",
        "critical check cve-* was not executed",
        "none",
    ),
    row(
        "critical_not_executed",
        CRITICAL,
        good(suites=(suite(passed=2),)),
        "unproven",
        "critical check cve-* was not executed",
        "not looked for",
    ),
    row(
        "critical_excused",
        CRITICAL,
        good(suites=(suite(passed=2, critical_rules=(rule("cve-*"),), excused_critical=("cve-a", "cve-b")),)),
        "unproven",
        "a skip rule of the matrix reaches the critical check cve-a and 1 more",
        "ran, and could have been skipped",
    ),
    row(
        "unknown_rule",
        job(),
        good(suites=(suite(case("a", "skipped"), passed=2, skip_rules=(rule("a"),)),)),
        "unproven",
        "skipped by a rule that the matrix does not have: a",
        "of another matrix",
    ),
    row(
        "not_called",
        WITNESSED,
        good(artifacts=(use(3),)),
        "unproven",
        "embed was called 3 times, at least 4 expected",
        "too seldom",
    ),
    row(
        "not_called",
        WITNESSED,
        good(artifacts=(use(0, rebuilt=True),)),
        "unproven",
        "embed was called 0 times (the job built its own over it), at least 4 expected",
        "built over",
    ),
    row(
        "not_called",
        SPOKEN_TO,
        good(artifacts=(use(9, verbs={"open": 6, "exec": 3}),)),
        "unproven",
        "embed was called 3 times with exec, at least 4 expected",
        "other verbs",
    ),
    row(
        "not_called",
        WITNESSED,
        good(artifacts=(use(9, verbs={"exec": 3, "--help": 4, "": 2}),)),
        "unproven",
        "embed was called 3 times, at least 4 expected",
        "options and nothing at all",
    ),
    row(
        "run_failed",
        job(),
        ran(failed=1, executed=3, failing=("tests.test_a > test_b: assert 1 == 2",)),
        "failed",
        "1 of 3 tests failed in `pytest -qq`: tests.test_a > test_b: assert 1 == 2",
        "a failure that the report does not show",
    ),
    row(
        "run_failed",
        BARE,
        good(suites=(exit_only(),), runs=(Run(runner="node", command="node --test", failed=1),)),
        "failed",
        "1 of 1 tests failed in `node --test`",
        "a failure in a job without a report",
    ),
    row("run_failed", job(), ran(exit_code=3), "failed", "`pytest -qq` ended with exit 3", "an exit code alone"),
    row(
        "run_unfinished",
        job(),
        ran(ended=False),
        "failed",
        "pytest did not come to its end, something ended its process: `pytest -qq`",
        "no end on record",
    ),
    row(
        "run_unfinished",
        job(),
        ran(stopped="Exit: enough"),
        "failed",
        "pytest stopped before its end: Exit: enough",
        "stopped",
    ),
    row(
        "cannot_fail",
        job(),
        ran(cannot_fail=("PytestReturnNotNoneWarning x", "AssertionsOff y")),
        "failed",
        "a test of it cannot fail: PytestReturnNotNoneWarning x",
        "it returns",
    ),
    row(
        "overwritten",
        job(),
        good(runs=runs(suite(), suite())),
        "failed",
        "pytest report: it was written by more than one test run, and holds the last one's cases alone",
        "two runs",
    ),
    row(
        "report_elsewhere",
        job(),
        good(
            suites=(suite(problem="pytest.xml was not written"),),
            runs=(Run(runner="pytest", command="pytest --junitxml=b/x.xml", report="x.xml"),),
        ),
        "failed",
        "pytest wrote its report to x.xml, which `pytest --junitxml=b/x.xml` names, and not where asked",
        "a report of its own",
    ),
    row(
        "left_out",
        job(),
        ran(left_out=("t > a", "t > b"), left_out_count=2),
        "unproven",
        "2 tests deselected or dropped, and run nowhere else: t > a and t > b",
        "filtered",
    ),
    row(
        "cut_off",
        job(),
        ran(cut_off="2 tests not over when its process ended: s > b"),
        "unproven",
        "pytest: 2 tests not over when its process ended: s > b",
        "the process ended",
    ),
    row(
        "not_collected",
        job(),
        ran(not_collected=("PytestCollectionWarning cannot collect test class 'TestA'",)),
        "unproven",
        "pytest did not collect everything: PytestCollectionWarning cannot collect test class 'TestA'",
        "a class with __init__",
    ),
    row(
        "record_missing",
        job(),
        good(runs=()),
        "unproven",
        "pytest report: no pytest that loaded the harness's recorder wrote it",
        "a report without a run",
    ),
    row("record_missing", job(), good(records_problem="no JSON"), "unproven", "no JSON", "a record that is none"),
    row(
        "record_differs",
        job(),
        ran(passed=1, comparable=True),
        "unproven",
        "the pytest report shows 2 passed tests, pytest itself saw 1",
        "more in the report",
    ),
    row(
        "critical_doubted",
        job(),
        good(suites=(suite(passed=2, doubted=("cve-a: WARN cve-a",)),)),
        "unproven",
        "critical check passed, and this was printed of it: cve-a: WARN cve-a",
        "another word",
    ),
    row(
        "report_copied",
        job(),
        good(suites=(suite(passed=2, copy_of="lis/old.xml"),)),
        "unproven",
        "pytest report: it is a copy of lis/old.xml, the job did not write it",
        "a committed report",
    ),
    row(
        "failure_printed",
        BARE,
        good(suites=(exit_only().model_copy(update={"printed": "FAIL: a"}),)),
        "unproven",
        "exit 0, and a failure was printed: FAIL: a",
        "by a job that has no report",
    ),
    row(
        "too_many_skipped",
        job(reports=[{"kind": "pytest", "min_tests": 1, "skips": {"*": "all"}, "max_skips": 1}]),
        good(suites=(suite(case("a", "skipped"), case("b", "todo"), passed=2),)),
        "unproven",
        "2 pytest tests were skipped, at most 1 may be",
        "too many",
    ),
    row(
        "workspace_changed",
        job(),
        good(links_out=("lis/tests",)),
        "unproven",
        "lis/tests is a link that leaves the workspace: what it shows is in no commit",
        "link",
    ),
    row("not_called", WITNESSED, good(), "unproven", "embed was not there to be called", "not there"),
    row(
        "not_called",
        WITNESSED,
        good(artifacts=(use(9, name="other"),)),
        "unproven",
        "embed was not there to be called",
        "another was called",
    ),
    row(
        "artifact_changed",
        WITNESSED,
        good(artifacts=(use(9).model_copy(update={"after": "missing"}),)),
        "unproven",
        "embed was replaced during the job: sha256:89ea00d60000 became missing",
        "gone",
    ),
    row(
        "artifact_changed",
        WITNESSED,
        good(artifacts=(use(9).model_copy(update={"after": "launcher replaced"}),)),
        "unproven",
        "embed was replaced during the job: sha256:89ea00d60000 became launcher replaced",
        "launcher",
    ),
    row(
        "artifact_changed",
        WITNESSED,
        good(artifacts=(use(9).model_copy(update={"before": OTHER, "after": OTHER}),)),
        "unproven",
        "embed was replaced during the job: sha256:89ea00d60000 became sha256:000000000000",
        "from the start",
    ),
    row(
        "artifact_changed",
        WITNESSED,
        good(artifacts=(use(9, rebuilt=True, rebuilt_as=OTHER),)),
        "unproven",
        "the job built another embed: sha256:000000000000, not sha256:89ea00d60000",
        "another build",
    ),
    row(
        "workspace_changed",
        WITNESSED,
        good(artifacts=(use(9),), strays=("lidb/build/lidb_embed",)),
        "unproven",
        "another lidb_embed was built in the workspace: lidb/build/lidb_embed",
        "one",
    ),
    row(
        "forbidden_env",
        GUARDED,
        good(env_names=("HOME", "LI_LIDB_MOCK")),
        "unproven",
        "LI_LIDB_MOCK is in the job's environment",
        "mock",
    ),
    row(
        "forbidden_env",
        GUARDED,
        good(commands=(command("env LI_LIDB_MOCK=1 make check", 1),)),
        "unproven",
        "LI_LIDB_MOCK is in the job's environment",
        "set by a command that then failed",
    ),
    row(
        "forbidden_env",
        job(),
        good(env_names=("HOME", "PYTHONOPTIMIZE")),
        "unproven",
        "PYTHONOPTIMIZE is in the job's environment",
        "no asserts, in any job",
    ),
    row(
        "workspace_changed",
        job(),
        good(changed=("lidb/src/a.c", "lidb/b")),
        "unproven",
        "the job changed files of its checkout: lidb/src/a.c and 1 more",
        "two files",
    ),
    row(
        "workspace_changed",
        job(),
        good(data_was_empty=False),
        "unproven",
        "the data directory was not empty at the start",
        "left over",
    ),
    row(
        "service_ended",
        MEASURED,
        measured(services=(POSTGRES.model_copy(update={"problem": "it ended by itself (exit 1)"}),)),
        "failed",
        "postgres did not last as long as the job: it ended by itself (exit 1)",
        "stopped",
    ),
    row("service_ended", MEASURED, measured(services=()), "failed", "postgres was not there", "none"),
    row(
        "document_wrong",
        MEASURED,
        measured(figures=FiguresFact(file="f.json", problems=("f.json is not JSON: NaN is no number",))),
        "failed",
        "f.json is not JSON: NaN is no number",
        "NaN",
    ),
    row(
        "figure_missing",
        MEASURED,
        measured(figures=FiguresFact(file="f.json", figures=(figure("publish"),))),
        "failed",
        "read stands 0 times among the figures",
        "one of two",
    ),
    row(
        "figure_missing",
        MEASURED,
        measured(figures=FiguresFact(file="f.json")),
        "failed",
        "publish stands 0 times among the figures",
        "none at all",
    ),
    row(
        "figure_missing",
        MEASURED,
        measured(
            figures=FiguresFact(file="f.json", figures=(figure("publish"), figure("read"), figure("read", 1.0, 2.0)))
        ),
        "failed",
        "read stands 2 times among the figures",
        "twice",
    ),
    row(
        "figure_not_measured",
        MEASURED,
        measured(figure("publish", problem="its answers were empty"), figure("read", problem="its answers were empty")),
        "failed",
        "not measured: publish, read: its answers were empty",
        "as the job says",
    ),
    row(
        "figure_not_measured",
        MEASURED,
        measured(figure("other", problem="no such engine")),
        "failed",
        "not measured: other: no such engine",
        "one that nobody asked for",
    ),
    row(
        "too_few_values",
        MEASURED,
        measured(figure("publish", 0.5, 0.6, 0.7, 0.8, 0.9)),
        "failed",
        "publish was measured in 5 of 6 rounds",
        "one too few",
    ),
    row(
        "values_again",
        MEASURED,
        measured(figure("publish", *[0.5] * 6)),
        "failed",
        "publish is 0.5 in every round, to the last digit: not measured again",
        "one value",
    ),
    row(
        "values_again",
        MEASURED,
        measured(figure("read", *figure("publish").values)),
        "failed",
        "read has the values of publish, to the last digit: not measured",
        "another one's values",
    ),
    row(
        "above_threshold",
        MEASURED,
        measured(figure("publish", *(1.3 + n / 1000 for n in range(6)))),
        "failed",
        "publish: ratio 1.30 [1.30, 1.30] over 6 rounds, against 1.20: all of it above",
        "whole interval",
    ),
    row(
        "document_absent",
        MEASURED,
        good(services=(POSTGRES,)),
        "unproven",
        "its figures were not looked at",
        "not looked at",
    ),
    row(
        "document_absent",
        MEASURED,
        measured(figures=FiguresFact(absent="the job wrote no f.json")),
        "unproven",
        "the job wrote no f.json",
        "not written",
    ),
    row("document_absent", DOCUMENTED, good(), "unproven", "its manifest was not looked at", "not looked at"),
    row(
        "document_absent",
        DOCUMENTED,
        good(manifest=ManifestFact(absent="the job wrote no m.json")),
        "unproven",
        "the job wrote no m.json",
        "not written",
    ),
]


def _rule(name: str) -> Any:
    return next(each for _, rules in RULES for each in rules if each.__name__ == name)


@pytest.mark.parametrize(("name", "one", "facts", "status", "reason"), BROKEN)
def test_broken_rule_decides_the_status_and_says_why(
    name: str, one: Job, facts: Facts, status: Status, reason: str
) -> None:
    assert next(iter(_rule(name)(one, facts))) == reason
    found, reasons, _ = judge(one, facts)
    assert (found, reasons[0]) == (status, reason)


HOLDING = [
    pytest.param(job(), good(), id="tests ran"),
    pytest.param(job(), good(suites=(suite(passed=5),)), id="more tests than asked"),
    pytest.param(
        job(reports=[{"kind": "pytest", "min_tests": 1, "skips": {"a": "why"}}]),
        good(suites=(suite(case("a", "skipped"), passed=2, skip_rules=(rule("a"),)),)),
        id="named skip",
    ),
    pytest.param(CRITICAL, good(suites=(suite(passed=2, critical_rules=(rule("cve-*"),)),)), id="critical check ran"),
    pytest.param(job(), good(commands=(command("npm ci", phase="setup"), command())), id="set-up and run"),
    pytest.param(TWICE, good(commands=(command(), command())), id="both commands"),
    pytest.param(job(), ran(passed=2, executed=2, exit_code=0, comparable=True), id="the run says the same"),
    pytest.param(job(), ran(passed=3, subtests_skipped=1, comparable=True), id="a part of a test was skipped"),
    pytest.param(
        job(),
        good(runs=(*runs(suite()), Run(runner="pytest", command="pytest a", exit_code=5))),
        id="two runs, one report",
    ),
    pytest.param(BARE, good(suites=(exit_only(),)), id="exit code alone"),
    pytest.param(WITNESSED, good(artifacts=(use(4),)), id="called as often as asked"),
    pytest.param(WITNESSED, good(artifacts=(use(5, verbs={"exec": 4, "--help": 1}),)), id="asked for its help as well"),
    pytest.param(job(), good(suites=(suite(passed=3, repeated=1),)), id="one of three has another's name"),
    pytest.param(WITNESSED, good(artifacts=(use(4, rebuilt=True, rebuilt_as=DIGEST),)), id="rebuilt the very same"),
    pytest.param(GUARDED, good(env_names=("HOME", "LI_LIDB_MOCKED")), id="no forbidden variable"),
    pytest.param(DOCUMENTED, good(manifest=ManifestFact(file="m.json", status="stub")), id="manifest as asked"),
    pytest.param(MEASURED, measured(), id="measured"),
    pytest.param(MEASURED, measured(figure("publish", 0.5, 0.6, 0.7, 0.8, 0.9, 7.0)), id="one outlier above"),
    pytest.param(MEASURED, measured(figure("more", 9.0)), id="a figure more than asked"),
    pytest.param(job(), measured(services=()), id="figures of a job that asks for none"),
]


@pytest.mark.parametrize(("one", "facts"), HOLDING)
def test_job_passes_when_every_rule_holds(one: Job, facts: Facts) -> None:
    assert judge(one, facts)[:2] == ("passed", ())
    for _, rules in RULES:
        for each in rules:
            assert list(each(one, facts)) == []


def test_every_rule_is_broken_in_some_row() -> None:
    names = {each.__name__ for _, rules in RULES for each in rules}
    assert names == {param.values[0] for param in BROKEN}


def test_every_rule_explains_itself() -> None:
    assert all(each.__doc__ for _, rules in RULES for each in rules)


def test_first_status_with_a_reason_wins() -> None:
    order = [status for status, _ in RULES]
    # Twice unproven: with a forbidden variable, failures are not those of what should have been tested.
    assert order == ["blocked", "error", "cancelled", "timeout", "unproven", "failed", "unproven"]
    order = list(dict.fromkeys([*order[:4], *order[5:]]))
    wrong: dict[str, dict[str, Any]] = {
        "blocked": {"blocked_by": "no embed"},
        "error": {"error": "no cmake"},
        "cancelled": {"cancelled": True},
        "timeout": {"commands": (command(exit_code=1, timed_out=True),)},
        "failed": {"suites": (suite(case("a", "failed")),)},
        "unproven": {"data_was_empty": False},
    }
    for index, status in enumerate(order):
        facts: dict[str, Any] = {}
        for later in order[index:]:
            facts |= wrong[later]
        assert judge(job(), good(**facts))[0] == status


def test_all_reasons_of_the_deciding_status_are_given() -> None:
    facts = good(commands=(command("make check", 2),), suites=(suite(case("a", "failed"), passed=1),))
    assert judge(job(), facts)[1] == ("1 of 2 pytest tests failed: a", "exit 2: make check")


def test_no_facts_at_all_are_unproven() -> None:
    for one in (job(), BARE, WITNESSED, DOCUMENTED):
        assert judge(one, Facts())[0] == "unproven"


# Notes


def test_reader_is_told_what_an_exit_code_alone_and_a_network_rest_on() -> None:
    facts = good(suites=(exit_only(),), commands=(command(network="isolated"),))
    assert judge(BARE, facts)[2] == (
        "no test cases: its exit code and the evidence are all there is",
        "ran without a network (enforced)",
    )


def test_isolation_that_was_not_to_be_had_is_told_even_when_another_command_had_it() -> None:
    facts = good(commands=(command(network="isolated"), command(network="unenforced")))
    assert judge(job(), facts)[2] == ("network = false could not be enforced on this machine",)


def test_threshold_within_the_interval_is_told_and_decides_nothing() -> None:
    facts = measured(figure("publish", 0.5, 0.501, 0.502, 0.503, 0.504, 7.0))
    facts = facts.model_copy(
        update={"figures": FiguresFact(figures=facts.figures.figures if facts.figures else (), notes=("on one disk",))}
    )
    status, _, notes = judge(MEASURED, facts)
    assert status == "passed"
    assert notes == (
        "publish: ratio 0.502 [0.500, 7.00] over 6 rounds, against 1.20: not decided, it lies within",
        "on one disk",
        "postgres 16.14 from a wheel",
    )


def test_job_has_answered_when_every_figure_was_measured() -> None:
    assert figures.answered(MEASURED, measured(figure("publish", *(9.0 + n for n in range(6)))))
    for facts in (good(), measured(figure("read", 0.5)), measured(figure("read", problem="no server"))):
        assert not figures.answered(MEASURED, facts)


def test_server_on_another_machine_is_told() -> None:
    facts = measured(services=(POSTGRES.model_copy(update={"remote": True}),))
    assert "postgres is on another machine: its times hold the network's" in judge(MEASURED, facts)[2]


def test_named_skip_that_no_longer_happens_is_told() -> None:
    facts = good(suites=(suite(passed=2, skip_rules=(rule("rls-*", "not wired", 0),)),))
    assert judge(job(), facts)[2] == ("named skip no longer happens: rls-* (not wired)",)


@pytest.mark.parametrize("version", ["v24.1.0", "24.11", "node 24"])
def test_tool_of_the_version_that_is_wanted_is_no_news(version: str) -> None:
    assert judge(NODE_24, good(versions={"node": version}))[2] == ()


@pytest.mark.parametrize("version", ["v20.20.2", "v2.24.0", "v240.1", "broken: OSError"])
def test_tool_of_another_version_is_noted(version: str) -> None:
    assert judge(NODE_24, good(versions={"node": version}))[2] == (f"node 24 is wanted; it ran with {version}",)


def test_rebuild_is_told() -> None:
    notes = judge(WITNESSED, good(artifacts=(use(4, rebuilt=True, rebuilt_as=DIGEST),)))[2]
    assert notes == ("rebuilt embed (its build directory was not current)",)


# What passed means, over any facts

WORDS = st.sampled_from(["", "x", "embed"])
MAYBE = st.none() | WORDS
FEW = st.integers(0, 3)
DIGESTS = st.sampled_from([DIGEST, OTHER, "missing"])
COMMANDS = st.builds(
    Command,
    phase=st.sampled_from(["env", "setup", "run"]),
    text=WORDS,
    exit_code=st.sampled_from([0, 0, 0, 1, 139]),
    seconds=st.just(1.0),
    timed_out=st.booleans(),
    cancelled=st.booleans(),
    leftovers=st.lists(WORDS, max_size=1),
    problem=MAYBE,
)
SUITES = st.builds(
    Suite,
    kind=st.sampled_from(get_args(ReportKind)),
    problem=MAYBE,
    unnamed_skip_count=st.integers(0, 1),
    repeated=st.integers(0, 1),
    printed=MAYBE,
    counts=st.builds(Counts, passed=FEW, failed=st.integers(0, 1), error=st.integers(0, 1), skipped=FEW, todo=FEW),
    critical_rules=st.lists(st.builds(Rule, pattern=WORDS, matched=st.integers(0, 1)), max_size=1),
)
USES = st.builds(
    ArtifactUse,
    name=st.sampled_from(["embed", "other"]),
    key=st.just("k"),
    digest=st.just(DIGEST),
    before=DIGESTS,
    after=DIGESTS,
    calls=st.integers(0, 6),
    rebuilt=st.booleans(),
    rebuilt_as=st.none() | DIGESTS,
)
FIGURES = st.builds(
    FiguresFact,
    absent=MAYBE,
    problems=st.lists(WORDS, max_size=1),
    figures=st.lists(
        st.builds(
            Figure,
            name=st.sampled_from(["publish", "read"]),
            values=st.lists(st.sampled_from([0.5, 2.0]), max_size=7),
            problem=st.none() | st.just("x"),
        ),
        max_size=3,
    ),
)
FACTS = st.builds(
    Facts,
    figures=st.none() | FIGURES,
    services=st.lists(st.just(POSTGRES), max_size=1),
    commands=st.lists(COMMANDS, max_size=3),
    suites=st.lists(SUITES, max_size=2),
    artifacts=st.lists(USES, max_size=2),
    env_names=st.lists(st.sampled_from(["HOME", "LI_LIDB_MOCK", "PYTHONOPTIMIZE"]), max_size=2),
    strays=st.lists(WORDS, max_size=1),
    changed=st.lists(WORDS, max_size=1),
    data_was_empty=st.booleans(),
    error=MAYBE,
    cancelled=st.booleans(),
    blocked_by=MAYBE,
    manifest=st.none() | st.builds(ManifestFact, absent=MAYBE, problems=st.lists(WORDS, max_size=1)),
)
EVERYTHING = job(
    artifacts=["embed"],
    evidence={
        "witness": {"artifact": "embed", "min_calls": 4},
        "forbid_env": ["LI_LIDB_MOCK"],
        "manifest": {"file": "m.json", "status": ["stub"]},
    },
)
JOBS = st.sampled_from([job(), BARE, TWICE, WITNESSED, GUARDED, DOCUMENTED, MEASURED, EVERYTHING])


@settings(max_examples=300)
@given(one=JOBS, facts=FACTS)
def test_passed_means_that_no_rule_has_a_reason(one: Job, facts: Facts) -> None:
    status, reasons, _ = judge(one, facts)
    found = [reason for _, rules in RULES for each in rules for reason in each(one, facts)]
    assert (status == "passed") == (not found) == (not reasons)


def close_to_passing(one: Job) -> Facts:
    """Facts with which this job passes."""
    suites = tuple(exit_only() if r.kind == "exit" else suite(passed=2) for r in one.reports)
    return Facts(
        commands=tuple(command(text) for text in one.run),
        suites=suites,
        runs=runs(*suites),
        artifacts=(use(4),),
        manifest=ManifestFact(file="m.json", status="stub"),
        figures=FiguresFact(file="f.json", figures=(figure("publish"), figure("read"))),
        services=(POSTGRES,),
    )


@settings(max_examples=500)
@given(one=JOBS, other=FACTS, names=st.sets(st.sampled_from(sorted(Facts.model_fields)), max_size=3))
def test_passed_implies_every_piece_of_evidence(one: Job, other: Facts, names: set[str]) -> None:
    facts = close_to_passing(one).model_copy(update={name: getattr(other, name) for name in names})
    if judge(one, facts)[0] == "passed":
        _check(one, facts)


def _check(one: Job, facts: Facts) -> None:
    """All that a green leg promises, said once more and in other words than the rules."""
    assert facts.error is None
    assert facts.blocked_by is None
    assert not facts.cancelled
    for each in facts.commands:
        assert each.exit_code == 0
        assert each.problem is None
        assert not any((each.timed_out, each.cancelled, each.leftovers))
    assert len([each for each in facts.commands if each.phase == "run"]) >= len(one.run)
    assert len(facts.suites) == len(one.reports)
    for report, one_suite in zip(one.reports, facts.suites, strict=True):
        assert one_suite.problem is None
        assert one_suite.printed is None
        assert one_suite.copy_of is None
        assert not one_suite.doubted
        assert one_suite.kind in ("exit", "lines", "junit") or one_suite.kind in {run.runner for run in facts.runs}
        assert one_suite.counts.passed - one_suite.repeated >= report.min_tests
        assert one_suite.counts.failed == one_suite.counts.error == one_suite.unnamed_skip_count == 0
        executed = {rule.pattern: rule.matched for rule in one_suite.critical_rules}
        assert all(executed[pattern] for pattern in report.critical)
    assert facts.records_problem is None
    for run in facts.runs:
        assert run.ended
        assert not any((run.stopped, run.cut_off, run.left_out_count, run.cannot_fail, run.not_collected))
        assert not run.failed
    for each_use in facts.artifacts:
        assert each_use.digest == each_use.before == each_use.after
        assert each_use.rebuilt_as in (None, each_use.digest)
    if one.evidence.witness:
        first = next(each_use for each_use in facts.artifacts if each_use.name == "embed")
        assert first.calls >= one.evidence.witness.min_calls
    if one.evidence.manifest:
        assert facts.manifest is not None
        assert facts.manifest.absent is None
        assert not facts.manifest.problems
    if one.evidence.figures:
        assert facts.figures is not None
        assert facts.figures.absent is None
        by_name = {each.name: each for each in facts.figures.figures}
        assert set(by_name) >= set(one.evidence.figures.names)
        assert all(len(set(by_name[name].values)) > 1 for name in one.evidence.figures.names)
        assert all(len(by_name[name].values) >= one.evidence.figures.rounds for name in one.evidence.figures.names)
        assert not any(each.problem for each in by_name.values())
    assert not {"PYTHONOPTIMIZE", *one.evidence.forbid_env} & set(facts.env_names)
    assert facts.strays == facts.changed == ()
    assert facts.data_was_empty


@pytest.mark.parametrize("one", [job(), BARE, TWICE, WITNESSED, GUARDED, DOCUMENTED, MEASURED, EVERYTHING])
def test_the_search_starts_where_jobs_pass(one: Job) -> None:
    assert judge(one, close_to_passing(one))[0] == "passed"


def test_skip_that_no_rule_names_is_shown_with_its_own_reason() -> None:
    skipped = case("test_a", "skipped", message="no engine on PATH")
    report = suite(skipped, unnamed_skips=("test_a",), unnamed_skip_count=2)
    reasons = list(unnamed_skip(job(), Facts(suites=(report,))))
    assert reasons == ["skipped without a rule that names it: test_a: no engine on PATH and 1 more"]
