"""The programme's definition of done: each condition is met, not met or unknown, by the verdicts that runs have left.

Conditions stand in definition_of_done.toml. A verdict's facts are judged again by today's matrix: its words are not
believed. Only the public stack at the matrix's pins counts, by jobs whose definition (row and checks) is still the
same, and nothing older than a month. What was measured elsewhere is listed and makes no condition met. What nobody
measured is unknown. This is an overview and no gate: the exit code is 0 whatever the conditions are.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phdb_ci.base.page import table
from phdb_ci.base.text import harmless
from phdb_ci.commands._options import read_verdict
from phdb_ci.errors import PhdbError
from phdb_ci.judging import figures
from phdb_ci.judging.quarantine import excused, held_cases, holds
from phdb_ci.judging.verdict import judged_anew
from phdb_ci.matrix import load
from phdb_ci.models.base import Record, first_problem
from phdb_ci.models.labels import commits_told
from phdb_ci.models.matrix import Job, Matrix, is_folder
from phdb_ci.models.results import Facts, LegResult, LegSource
from phdb_ci.models.statuses import STATUSES, AnyStatus
from phdb_ci.models.verdict import Missing, Verdict
from phdb_ci.rendering import markdown
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code

CONDITIONS = Path(__file__).with_suffix(".toml")
OLDEST = 31  # days
LAST_NIGHT = 2  # days: how old an answer may be that is to be given every night
ICONS = {"met": "✅", "not met": "❌", "unknown": "⚪"}


class Condition(Record):
    """One condition and the jobs that show whether it is met; the keys are explained in the file."""

    text: str
    jobs: tuple[str, ...] = ()
    tracked: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    unseen: str = ""

    @property
    def every_job(self) -> tuple[str, ...]:
        """All its jobs, each once."""
        return tuple(dict.fromkeys((*self.jobs, *self.tracked, *self.answered)))


@dataclass(frozen=True)
class Evidence:
    """What one verdict shows of one leg. `days` is its age, None when its clock says nothing or the future.

    `answered`: it measured what it is for. `against`: why it does not count; empty when it does. `tracked`: the
    issues of the quarantines that cover what is wrong with it.
    """

    job: str
    os: str
    status: AnyStatus
    reasons: tuple[str, ...]
    answered: bool
    stack: str
    commits: Mapping[str, str]
    run: str
    measured: str
    days: int | None
    against: str
    tracked: str = ""


@dataclass(frozen=True)
class Answer:
    """A condition, judged: `met`, `not met` or `unknown`, the reasons, and all evidence, also what does not count."""

    text: str
    state: str
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def read_conditions(path: Path, matrix: Matrix) -> tuple[Condition, ...]:
    """The conditions of a file. Raises ValueError for an unknown key or job, or one that nothing can show."""
    conditions = []
    for number, row in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["conditions"], 1):
        try:
            condition = Condition.model_validate(row)
        except ValueError as error:
            raise ValueError(f"{path}: condition {number}: {first_problem(error)}") from error
        if absent := [job for job in condition.every_job if job not in matrix.jobs]:
            raise ValueError(f"{path}: condition {number}: there is no job {absent[0]}")
        if not condition.every_job and not condition.unseen:
            raise ValueError(f"{path}: condition {number}: name jobs, or say what is unseen")
        conditions.append(condition)
    return tuple(conditions)


@dataclass(frozen=True)
class Judge:
    """What verdicts are held against today. `trees`: the tree id of each folder that a job uses."""

    matrix: Matrix
    now: datetime
    trees: Mapping[str, str]

    def answers(self, conditions: Iterable[Condition], verdicts: Iterable[Verdict]) -> tuple[Answer, ...]:
        """Every condition by the newest evidence of each leg and stack."""
        evidence = _newest(item for verdict in verdicts for item in self._evidence(verdict))
        return tuple(self._answer(condition, evidence) for condition in conditions)

    def _answer(self, condition: Condition, evidence: Sequence[Evidence]) -> Answer:
        about = tuple(item for item in evidence if item.job in condition.every_job)
        legs = [(job, os) for job in condition.every_job for os in self.matrix.jobs[job].os]
        states = {f"{job}@{os}": self._leg(condition, job, os, about) for job, os in legs}
        if condition.unseen:
            states["nobody measured it"] = "unknown", condition.unseen
        words = [state for state, _ in states.values()]
        worst = next((state for state in ("not met", "unknown") if state in words), "met")
        reasons = tuple(f"{name}: {reason}" for name, (_, reason) in states.items() if reason)
        return Answer(condition.text, worst, reasons, about)

    def _leg(self, condition: Condition, job: str, os: str, evidence: Sequence[Evidence]) -> tuple[str, str]:
        """What is known of a leg on the public stack, and the reason unless that is that it passed."""
        about = [item for item in evidence if (item.job, item.os) == (job, os)]
        newest = next((item for item in about if not item.against), None)
        if newest is None:
            others = ", ".join(f"{item.status} on the {item.stack} stack ({item.against})" for item in about)
            return "unknown", "not measured" + (f"; {others}" if others else "")
        first = f": {newest.reasons[0]}" if newest.reasons else ""
        result = f"{newest.status} on {commits_told(newest.commits)}{first}"
        if job in condition.answered and (newest.days or 0) > LAST_NIGHT:
            return "unknown", f"no answer in the last {LAST_NIGHT} days; {result}"
        if newest.status == "passed":
            return "met", ""
        if newest.tracked and job in condition.tracked and newest.status in ("failed", "timeout"):
            return "met", f"{result}; tracked by {newest.tracked}"
        if job in condition.answered and newest.status == "failed":
            honest = ("met", f"an honest failure: {result}")
            return honest if newest.answered else ("unknown", f"nothing measured: {result}")
        return ("unknown" if STATUSES[newest.status].noticed is None else "not met"), result

    def _evidence(self, verdict: Verdict) -> Iterator[Evidence]:
        """What a verdict shows of each leg of a job that the matrix still has; a leg that left no result included."""
        for leg in verdict.legs:
            if job := self.matrix.jobs.get(leg.result.job):
                result = judged_anew(leg.result, job)
                item = self._item(verdict, result, result.reasons, result.started, result.sources)
                changed = "" if result.row == job.digest else "measured with a different job definition"
                answered, tracked = _answered(job, result.facts), self._tracked(result)
                yield replace(item, answered=answered, against=item.against or changed, tracked=tracked)
        for missing in verdict.missing:
            if job := self.matrix.jobs.get(missing.job):
                sources = [source for source in verdict.sources if source.repo in job.repos]
                yield self._item(verdict, missing, (missing.reason,), verdict.started, sources)

    def _tracked(self, result: LegResult) -> str:
        """The issues of the quarantines that cover all that is wrong with a leg; empty where something is left."""
        rows, today = self.matrix.quarantine_of(result.job), self.now.date()
        covering = [row for row in rows if row.case is None and holds(row, today)]
        if not covering and excused(self.matrix.jobs[result.job], result, rows, today):
            covering = [*held_cases(rows, today)]
        return ", ".join(f"{row.issue} until {row.until}" for row in covering)

    def _item(
        self, verdict: Verdict, leg: LegResult | Missing, reasons: Sequence[str], started: str,
        sources: Iterable[LegSource],
    ) -> Evidence:  # fmt: skip
        commits, days = {source.repo: source.commit for source in sources}, _days(started, self.now)
        return Evidence(
            leg.job, leg.os, leg.status, tuple(reasons[:3]), False, verdict.stack, commits,
            f"{verdict.gate} {verdict.run_id}", started, days, self._against(verdict, commits, days),
        )  # fmt: skip

    def _against(self, verdict: Verdict, commits: Mapping[str, str], days: int | None) -> str:
        """Why a result says nothing of the public stack at its pins; empty when it does."""
        if verdict.stack == "stand-in":
            return "a stand-in shows nothing about the public stack"
        pins = {name: repo.pin for name, repo in self.matrix.repos.items()} | dict(self.trees)
        off = [name for name, commit in commits.items() if pins.get(name) != commit]
        if off or not commits:
            return f"not at the pin: {', '.join(off)}" if off else "on no commit"
        if days is None:
            return "age unknown"
        return f"{days} days old" if days > OLDEST else ""


def _answered(job: Job, facts: Facts) -> bool:
    """Whether a job that failed has measured what it is for: all its figures; without figures, any case."""
    if job.evidence.figures is not None:
        return figures.answered(job, facts)
    return any(suite.counts.executed for suite in facts.suites)


def _days(started: str, now: datetime) -> int | None:
    try:
        days = (now - datetime.strptime(started, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)).days
    except ValueError:
        return None
    return days if days >= 0 else None


def _newest(evidence: Iterable[Evidence]) -> list[Evidence]:
    """The newest of each leg and stack, what counts before what does not."""
    by_age = sorted(evidence, key=lambda item: item.measured)
    newest = {(item.job, item.os, bool(item.against), item.stack): item for item in by_age}
    return [newest[key] for key in sorted(newest)]


def text_of(answers: Sequence[Answer]) -> str:
    """The answers for a terminal."""
    lines = []
    for number, answer in enumerate(answers, 1):
        lines += [f"{number}. {answer.state:<8} {answer.text}", *(f"     {harmless(why)}" for why in answer.reasons)]
        lines += [f"     {row}" for row in table([_cells(item) for item in answer.evidence])] if answer.evidence else []
    return "\n".join([*lines, "", f"{_met(answers)} of {len(answers)} conditions met"])


def page_of(answers: Sequence[Answer]) -> str:
    """The answers as Markdown, to be attached to an issue."""
    rows = [
        (ICONS[item.state], code(item.text), item.state, "<br>".join(code(why, TITLE_LIMIT) for why in item.reasons))
        for item in answers
    ]
    blocks = [
        f"## Definition of done: {_met(answers)} of {len(answers)} conditions met",
        markdown.table(("", "condition", "state", "why"), rows, (":-:", ":--", ":--", ":--")),
        "Only the public stack at the matrix's pins counts; what else was measured is listed.",
    ]
    head = ("job", "status", "stack", "commits", "run", "age", "counts")
    for number, answer in enumerate(answers, 1):
        evidence = [[code(cell, TITLE_LIMIT) for cell in _cells(item)] for item in answer.evidence]
        if evidence:
            blocks.append(Section(f"Evidence for condition {number}", (markdown.table(head, evidence),)).text)
    return "\n\n".join(blocks) + "\n"


def _cells(item: Evidence) -> list[str]:
    age = "age unknown" if item.days is None else f"{item.days} days old"
    counts = f"does not count: {item.against}" if item.against else "counts"
    leg, stack = f"{item.job}@{item.os}", f"{item.stack} stack"
    shown = (leg, item.status, stack, commits_told(item.commits), item.run, age, counts)
    return [harmless(cell, 160) for cell in shown]


def _met(answers: Iterable[Answer]) -> int:
    return sum(answer.state == "met" for answer in answers)


def _verdicts(paths: Sequence[Path], runs: Path) -> Iterator[Verdict]:
    """Those that were named; else those of the runs in this folder, where one that cannot be read is named."""
    if paths:
        yield from (read_verdict(path / "verdict.json" if path.is_dir() else path) for path in paths)
        return
    for path in sorted(runs.glob("*/verdict.json")):
        if not path.parent.is_symlink():
            try:
                yield read_verdict(path)
            except PhdbError as error:
                print(f"passed over: {harmless(error.message)}", file=sys.stderr)


def _trees(matrix: Matrix, home: Path) -> dict[str, str]:
    """Today's tree id of every folder beside the matrix that a job uses; none where git does not know it."""
    trees = {}
    for name in {name for job in matrix.jobs.values() for name in job.repos if is_folder(name)}:
        argv = ["git", "-C", str(home), "rev-parse", "--verify", f"HEAD:{name}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            trees[name] = done.stdout.strip()
    return trees


def main(words: Sequence[str]) -> int:
    """Print the conditions: for people, as Markdown or as JSON. 2 for an option or a file that cannot be used."""
    parser = argparse.ArgumentParser(prog="nox -s dod --", description="The programme's definition of done.")
    parser.add_argument("verdicts", nargs="*", type=Path, help="verdict.json files or run directories")
    parser.add_argument("--matrix", type=Path, default=Path("matrix.toml"))
    parser.add_argument("--conditions", type=Path, default=CONDITIONS)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--markdown", action="store_true", help="to be attached to an issue")
    options: Any = parser.parse_args(words)
    try:
        matrix = load(options.matrix)
        conditions = read_conditions(options.conditions, matrix)
        verdicts = list(_verdicts(options.verdicts, Path(".phdb-ci/runs")))
    except (PhdbError, ValueError, OSError) as error:
        print(f"dod: {error}", file=sys.stderr)
        return 2
    answers = Judge(matrix, datetime.now(UTC), _trees(matrix, options.matrix.resolve().parent)).answers(
        conditions, verdicts
    )
    if options.json:
        record = {"schema_version": 1, "met": _met(answers), "conditions": [asdict(answer) for answer in answers]}
        print(json.dumps(record, indent=1))
    else:
        print(page_of(answers) if options.markdown else text_of(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
