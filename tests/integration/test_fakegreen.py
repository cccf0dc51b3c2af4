"""The fake-green corpus is well-formed and applies to the stack; its sums are right. `nox -s fakegreen` runs it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from phdb_ci import matrix
from phdb_ci.errors import PhdbError
from phdb_ci.models.results import Command
from tests.fakegreen import __main__ as command
from tests.fakegreen import table
from tests.fakegreen.corpus import FILES, Case, CorpusError, Expected, chosen, load
from tests.fakegreen.plain import Sign, exit_sign, junit_sign
from tests.fakegreen.score import Result, score
from tests.fakegreen.stage import Stage, arrange
from tests.integration.gate.bench import ROOT, Scenario

CORPUS = load()
FAKES = [case for case in CORPUS if not case.honest]
HONEST = [case for case in CORPUS if case.honest]


# The corpus


def test_corpus_is_as_large_as_it_must_be() -> None:
    assert len(FAKES) >= 40
    assert len(HONEST) >= 15


def test_every_status_is_used() -> None:
    assert {case.status for case in CORPUS} == set(get_args(Expected))


def test_every_theme_has_fakes_and_honest_variants() -> None:
    assert {case.theme for case in FAKES} == {case.theme for case in HONEST}


def test_every_job_of_the_pull_request_gate_that_can_be_faked_is_faked() -> None:
    jobs = {"e2e-engine", "e2e-mock", "agents-unit", "db-smoke", "lis-tests", "smoke", "lidb-tests", "bench-validate"}
    assert {case.job for case in FAKES} == jobs <= set(matrix.load(ROOT / "matrix.toml").gates["pr-gate"].jobs)


def test_every_fake_says_for_which_reason_it_is_caught() -> None:
    assert not [case.id for case in FAKES if not case.reason and case.status != "absent"]
    assert not [case.id for case in HONEST if case.reason]


def test_every_case_says_why_in_one_sentence() -> None:
    assert not [case.id for case in CORPUS if not case.why.endswith(".") or "\n" in case.why]


def test_no_two_cases_do_the_same() -> None:
    told = [case.model_dump_json(exclude={"id", "theme", "status", "reason", "why"}) for case in CORPUS]
    assert len(set(told)) == len(told)


def test_every_file_is_used() -> None:
    said = "".join(case.model_dump_json() for case in CORPUS)
    assert not [path.name for path in FILES.iterdir() if f'"@{path.name}"' not in said]


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    stage = Stage(tmp_path_factory.getbasetemp() / "fakegreen")
    if not stage.pristine.exists():
        stage.copy_stack()
    return stage


@pytest.fixture
def scenario(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Scenario]:
    made = stage.scenario(request.param)
    yield made
    shutil.rmtree(made.root)


@pytest.mark.parametrize(
    ("case", "scenario"), [pytest.param(case, case.id, id=case.id) for case in CORPUS], indirect=["scenario"]
)
def test_case_applies_to_the_stand_in_stack_and_its_matrix(case: Case, scenario: Scenario) -> None:
    arrange(case, scenario)

    if case.status == "refused":
        with pytest.raises(PhdbError, match=re.escape(case.reason)):
            matrix.load(scenario.matrix)
    else:
        assert case.job in matrix.load(scenario.matrix).jobs


CASE = '[[case]]\nid = "a"\njob = "smoke"\nstatus = "failed"\nwhy = "So."\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{CASE}colour = 1\n", "colour"),
        (CASE.replace("failed", "green"), "status"),
        (f'{CASE}like = "nothing"\n', "there is no base nothing"),
        (f"more = 1\n{CASE}", "unknown more"),
        (f"{CASE}{CASE}", "two cases are called a"),
    ],
    ids=["key", "status", "base", "top", "twice"],
)
def test_case_that_is_not_well_formed_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "1-theme.toml").write_text(text)

    with pytest.raises((CorpusError, ValueError), match=told):
        load(tmp_path)


def test_base_is_made_before_the_case(tmp_path: Path) -> None:
    (tmp_path / "1-some-theme.toml").write_text(f'[base.b]\nrun = ["first"]\n{CASE}like = "b"\nrun = ["then"]\n')

    (case,) = load(tmp_path)
    assert [change.run for change in case.changes] == [("first",), ("then",)]
    assert case.theme == "some-theme"


def test_cases_are_chosen_by_id_and_by_theme() -> None:
    theme = [case.id for case in CORPUS if case.theme == "mock"]

    assert [case.id for case in chosen(CORPUS, ["mock", "suite-emptied"])] == ["suite-emptied", *theme]
    assert chosen(CORPUS, []) == CORPUS
    with pytest.raises(CorpusError, match="no case or theme nothing"):
        chosen(CORPUS, ["nothing"])


# Plain signs


def ran(phase: Any, code: int) -> Command:
    return Command(phase=phase, text="x", exit_code=code, seconds=0)


@pytest.mark.parametrize(
    ("commands", "sign"),
    [
        ([ran("env", 0), ran("run", 0), ran("run", 0)], "green"),
        ([ran("run", 0), ran("run", 3)], "red"),
        ([ran("setup", 1)], "red"),
        ([ran("setup", 0)], "-"),
        ([], "-"),
    ],
)
def test_plain_exit_code(commands: list[Command], sign: Sign) -> None:
    assert exit_sign(commands) == sign


NESTED = "<testsuite><testsuite><testcase name='a'>{}</testcase></testsuite></testsuite>"


@pytest.mark.parametrize(
    ("reports", "sign"),
    [
        ([], "-"),
        (["<testsuite><testcase name='a'/></testsuite>"], "green"),
        ([f"<testsuites>{NESTED.format('')}</testsuites>"], "green"),
        ([f"<testsuites>{NESTED.format('<skipped/>')}</testsuites>"], "green"),
        ([NESTED.format("<failure/>")], "red"),
        ([f"<testsuites>{NESTED.format('<error/>')}</testsuites>"], "red"),
        (["<testsuite/>", NESTED.format("<failure/>")], "red"),
        (["<testsuites><testcase name='a'><failure/></testcase></testsuites>"], "green"),  # so has the usual parser it
        (["<testsuite><testcase"], "red"),
        ([""], "red"),
        (["<html/>"], "red"),
    ],
)
def test_plain_junit_count(tmp_path: Path, reports: list[str], sign: Sign) -> None:
    for number, text in enumerate(reports):
        (tmp_path / f"{number}.xml").write_text(text)

    assert junit_sign(tmp_path) == sign


# The sums


def case(name: str, **fields: Any) -> Case:
    told = {"id": name, "theme": "t", "job": "smoke", "status": "failed", "reason": "leaks", "why": "So."}
    return Case.model_validate(told | fields)


def result(name: str, said: str, exit_code: Sign = "green", junit: Sign = "-", **fields: Any) -> Result:
    reasons = () if said == "passed" else ("it leaks",)
    return Result(case(name, **fields), said, reasons, green=said == "passed", exit_code=exit_code, junit=junit)


MADE_UP = [
    result("caught", "failed", junit="green"),
    result("caught-by-all", "failed", "red", "red"),
    result("silent", "failed", "-"),
    result("green", "passed", junit="green"),
    result("other-status", "unproven"),
    result("other-reason", "failed", reason="burns"),
    result("kept", "passed", junit="green", status="passed", reason=""),
    result("alarm", "unproven", "red", "red", status="passed", reason=""),
]


def test_sums() -> None:
    total = score(MADE_UP)

    assert (total.fakes, total.caught, total.missed) == (6, 3, 3)
    assert (total.honest, total.false_alarms, total.clean) == (2, 1, False)
    assert vars(total.exit_code) == {"fakes_green": 4, "fakes_silent": 1, "honest_red": 1, "honest_silent": 0}
    assert vars(total.junit) == {"fakes_green": 2, "fakes_silent": 3, "honest_red": 1, "honest_silent": 0}
    assert score([MADE_UP[0], MADE_UP[6]]).clean


def test_words_and_faults() -> None:
    words = [(one.word, one.fault) for one in MADE_UP]

    assert words[:3] == [("caught", None)] * 3
    assert words[3] == ("MISSED", "passed instead of failed")
    assert words[4] == ("MISSED", "unproven instead of failed: it leaks")
    assert words[5] == ("MISSED", "failed for another reason than 'burns': it leaks")
    assert words[6] == ("kept green", None)
    assert words[7] == ("FALSE ALARM", "unproven instead of passed: it leaks")


def test_fake_with_the_right_status_and_a_green_verdict_is_missed() -> None:
    quarantined = Result(case("a"), "failed", ("it leaks",), green=True)

    assert (quarantined.word, quarantined.fault) == ("MISSED", "failed, and the verdict is green")


def test_honest_variant_without_a_green_verdict_is_a_false_alarm() -> None:
    passed = Result(case("a", status="passed", reason=""), "passed", (), green=False)

    assert (passed.word, passed.fault) == ("FALSE ALARM", "passed, and the verdict is not green")


def test_table_shows_cases_faults_and_sums() -> None:
    lines = table.text(MADE_UP, 12.3).splitlines()

    assert "caught         failed    failed                 green      green  0.0 s" in lines
    assert "MISSED green: passed instead of failed" in lines
    assert lines[-4:] == [
        "phdb-ci            caught 3 of 6 fakes, missed 3; false alarms 1 of 2 honest variants",
        "plain exit code    calls 4 of 6 fakes green, 1 of 2 honest variants red; nothing to look at in 1",
        "plain JUnit count  calls 2 of 6 fakes green, 1 of 2 honest variants red; nothing to look at in 3",
        "8 cases in 12 s",
    ]


def test_json_holds_every_case() -> None:
    document = json.loads(table.as_json(MADE_UP, 12.3))

    assert (document["caught"], document["missed"], document["false_alarms"]) == (3, 3, 1)
    assert [row["id"] for row in document["cases"]] == [one.case.id for one in MADE_UP]
    assert document["cases"][3]["word"] == "MISSED"


# The command


def test_case_that_cannot_be_arranged_is_broken_and_no_catch(stage: Stage) -> None:
    patch = {"file": "lis/README.md", "old": "nobody wrote this", "new": ""}
    told = stage.play(case("cannot-be-arranged", patch=[patch]))

    assert (told.status, told.word, told.green) == ("broken", "MISSED", False)
    assert "stands 0 times in lis/README.md" in told.reasons[0]


def test_two_cases_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only = ["two-manifests", "unchanged-bench-validate", "mock-npm-script-is-an-echo"]
    assert command.main(["--keep", str(tmp_path), "--json", "--only", *only]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["fakes"], said["caught"], said["honest"], said["false_alarms"]) == (2, 2, 1, 0)
    signs = {row["id"]: (row["status"], row["exit_code"], row["junit"]) for row in said["cases"]}
    assert signs == {
        "mock-npm-script-is-an-echo": ("failed", "green", "-"),
        "two-manifests": ("unproven", "green", "-"),
        "unchanged-bench-validate": ("passed", "green", "-"),
    }


def test_unknown_case_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "nothing"]) == 2
    assert capsys.readouterr().err == "error: there is no case or theme nothing\n"


def test_help_needs_no_more_than_the_tests_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fakegreen", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--only" in done.stdout
