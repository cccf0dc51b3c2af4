"""A repository with known faults: quarantined cases, what is worse than before, and a report to file upstream."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from phdb_ci.cli import main
from phdb_ci.models.issue import Issue
from phdb_ci.models.verdict import Verdict
from tests.repositories import commit, git, init

MATRIX = """\
schema = 1

[repos.wal]
url = "{url}"
pin = "{pin}"

[jobs.replay]
summary = "the log is replayed"
repo = "wal"
run = ["bash check.sh"]
reports = [{{ kind = "lines", min_tests = 2 }}]

[jobs.style]
summary = "the style is kept"
repo = "wal"
run = ["echo PASS style-one", "echo PASS style-two"]
reports = [{{ kind = "lines", min_tests = 1 }}]

[gates.all]
jobs = ["replay", "style"]
"""
ROW = """
[[quarantine]]
job = "replay"
{case}
issue = "https://github.com/acme/wal/issues/7"
owner = "@acme/wal"
until = {until}
reason = "a torn page is not seen"
"""
TODAY = date.today()  # noqa: DTZ011 - the user's own day
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)


@dataclass
class Place:
    """A repository, a matrix that pins it, and the runs of its gate."""

    root: Path
    runs: int = 0

    def script(self, *lines: str, code: int = 0) -> None:
        """Commit a script that prints these lines and ends with this code, and pin it."""
        repo = self.root / "wal"
        text = "".join(f"echo '{line}'\n" for line in lines)
        pin = commit(repo, "a change", when=1_700_000_000 + self.runs, check_sh=f"{text}exit {code}\n")
        (self.root / "matrix.toml").write_text(MATRIX.format(url=repo, pin=pin))

    def quarantine(self, case: str | None, until: date = TOMORROW) -> None:
        row = ROW.format(case=f'case = "{case}"' if case else "", until=until)
        with (self.root / "matrix.toml").open("a") as file:
            file.write(row)

    def run(self, *options: str) -> tuple[int, Verdict]:
        """Run the gate; its exit code and verdict."""
        self.runs += 1
        out = self.root / f"run-{self.runs}"
        code = main(["run", "all", "--out", str(out), *options])
        return code, Verdict.model_validate_json((out / "verdict.json").read_bytes())

    @property
    def last(self) -> Path:
        return self.root / f"run-{self.runs}"

    def baseline(self) -> tuple[str, str]:
        """The option that compares with the last run."""
        return "--baseline", str(self.last / "verdict.json")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "PHDB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PHDB_CI_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    init(tmp_path / "wal")
    made = Place(tmp_path)
    made.script("PASS append", "FAIL torn-page: 3 rows are gone", "PASS read", code=1)
    return made


def statuses(verdict: Verdict) -> Mapping[str, tuple[str, bool]]:
    return {leg.result.job: (leg.result.status, leg.excused) for leg in verdict.legs}


def test_known_fault_makes_the_gate_red(place: Place) -> None:
    code, verdict = place.run()
    assert (code, verdict.outcome) == (1, "fail")


def test_quarantined_case_is_shown_and_the_others_decide(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.quarantine("torn-*")
    code, verdict = place.run()
    assert (code, verdict.outcome) == (0, "pass")
    assert statuses(verdict) == {"replay": ("failed", True), "style": ("passed", False)}
    assert verdict.headline == "1 of 2 jobs passed, 1 quarantined"
    assert "| 🩹 | replay |" in (place.last / "comment.md").read_text()
    assert f"🩹 torn-* quarantined until {TOMORROW}, does not decide" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param(("PASS append", "FAIL torn-page", "FAIL read"), 1, id="another case"),
        pytest.param(("PASS append", "FAIL torn-page", "PASS read"), 3, id="another exit code"),
        pytest.param(("FAIL torn-page",), 1, id="too few"),
        pytest.param(("PASS append", "SKIP read", "FAIL torn-page"), 1, id="a skip that nobody named"),
    ],
)
def test_anything_else_that_is_wrong_decides(place: Place, lines: tuple[str, ...], code: int) -> None:
    place.script(*lines, code=code)
    place.quarantine("torn-page")
    ended, verdict = place.run()
    assert (ended, verdict.outcome) == (1, "fail")
    assert statuses(verdict)["replay"] == ("failed", False)


def test_expired_quarantine_decides_and_says_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.quarantine("torn-page", YESTERDAY)
    code, verdict = place.run()
    assert (code, verdict.outcome) == (1, "fail")
    assert f"the quarantine of torn-page ended {YESTERDAY}, it decides" in capsys.readouterr().out
    assert f"quarantine ended {YESTERDAY}" in (place.last / "comment.md").read_text()


def test_case_that_passes_again_and_again_is_proposed_for_release(place: Place) -> None:
    place.script("PASS append", "PASS torn-page")
    place.quarantine("torn-page")
    _, verdict = place.run()
    for passes in range(2, 6):
        assert verdict.notes == ()
        _, verdict = place.run(*place.baseline())
        assert verdict.legs[0].quarantine[0].passes == passes
    assert "replay@ubuntu-24.04 torn-page: passed in 5 runs in a row" in verdict.notes[0]
    assert "passed in 5 runs in a row" in (place.last / "comment.md").read_text()


# Regressions


def test_nothing_is_worse_at_the_same_commits(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run()
    code, verdict = place.run(*place.baseline())
    assert (code, verdict.outcome, verdict.regressions.answer) == (1, "fail", "none worse")
    assert "regressions: none worse" in capsys.readouterr().out
    assert "✅ Compared with the baseline: **none worse**" in (place.last / "comment.md").read_text()


def test_without_a_baseline_nobody_knows(place: Place) -> None:
    _, verdict = place.run()
    assert verdict.regressions.answer == "unknown"


@pytest.mark.parametrize(
    ("lines", "kind", "text"),
    [
        (("FAIL append", "FAIL torn-page", "PASS read"), "new failure", "append"),
        (("PASS append", "FAIL torn-page"), "case is gone", "read"),
        (("PASS append", "PASS read", "PASS more"), "case is gone", "torn-page"),
    ],
)
def test_worse_run_says_what_is_worse(place: Place, lines: tuple[str, ...], kind: str, text: str) -> None:
    place.run()
    before = place.baseline()
    place.script(*lines, code=int("FAIL" in str(lines)))
    _, verdict = place.run(*before)
    (found,) = verdict.regressions.worse
    assert (found.leg, found.kind, found.text) == ("replay@ubuntu-24.04", kind, text)
    assert "Worse than on the base: 1" in (place.last / "summary.md").read_text()


def test_verdict_over_results_takes_a_baseline(place: Place) -> None:
    place.run()
    before, results = place.baseline(), place.last
    out = place.root / "verdict"
    code = main(["verdict", str(results), "--gate", "all", *before, "--out", str(out)])
    verdict = Verdict.model_validate_json((out / "verdict.json").read_bytes())
    assert (code, verdict.regressions.answer) == (1, "none worse")


# The report


def report(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(["issue", *words]) == 0
    return capsys.readouterr().out


def test_report_says_what_was_run_expected_and_got(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run()
    text = report(capsys, "replay", "--run", str(place.last))
    head = git(place.root / "wal", "rev-parse", "--short=7", "HEAD")
    assert text.startswith("# replay: `torn-page` failed\n")
    for part in (
        f"| wal | `{head}` |", "- `torn-page` passes", "3 rows are gone", "```sh\nbash check.sh\n```",
        "```sh\nphdb-ci run replay\n```", "with exit code 1", "PASS append",
    ):  # fmt: skip
        assert part in text


@pytest.mark.usefixtures("place")
def test_report_reads_the_latest_run(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "replay"])
    record = Issue.model_validate_json(report(capsys, "replay", "torn-*", "--json"))
    assert (record.job, record.cases, record.title) == ("replay", ("torn-page",), "replay: torn-page failed")
    assert json.loads(record.model_dump_json())["repository"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("replay", "torn-pag"), "no case torn-pag failed in replay@ubuntu-24.04. Perhaps", id="case"),
        pytest.param(("replya",), 'this run has no job replya. Perhaps you meant "replay"?', id="job"),
        pytest.param(("style",), "style passed in this run: there is nothing to report", id="green"),
    ],
)  # fmt: skip
def test_report_about_nothing_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    place.run()
    assert main(["issue", *words, "--run", str(place.last)]) == 2
    assert message in capsys.readouterr().err


def test_report_without_a_run_says_what_to_do(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["issue", "replay"]) == 2
    assert "run a gate first" in capsys.readouterr().err
    assert place.runs == 0
