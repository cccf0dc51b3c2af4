"""Counting: every case counts, few are kept. One Tally per report, memory bounded whatever the report holds.

The written rules of a report (named skips, critical checks) are matched here, case by case: nobody sees all
cases again afterwards. What follows from the counts is for evidence.py to say.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from phdb_ci.models.report_kinds import ReportKind
from phdb_ci.models.results import Case, CaseStatus, Counts, Rule, Suite
from phdb_ci.reports.text import detail_text, message_line, name_line

KEPT = 200
KEPT_PASSED = 500
NAMED = 20
REMEMBERED = 2_000  # names; no matrix demands as many tests
EXECUTED = frozenset({"passed", "failed", "error"})


class RawCase(NamedTuple):
    """One case as a report shows it; its texts may still be hostile and long."""

    suite: str
    name: str
    status: CaseStatus
    seconds: float
    message: str
    detail: str


class Patterns:
    """Patterns over case names with their reasons, compiled once; `matched` counts the cases that each one met."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        self.matched = [0] * len(reasons)
        self._each = [re.compile(_regex(pattern), re.DOTALL) for pattern in reasons]
        self._any = re.compile("|".join(map(_regex, reasons)), re.DOTALL) if reasons else None

    def met_by(self, name: str, title: str) -> list[int]:
        """Which patterns match the bare name or the title."""
        if self._any is None or not (self._any.fullmatch(name) or self._any.fullmatch(title)):
            return []
        return [i for i, regex in enumerate(self._each) if regex.fullmatch(name) or regex.fullmatch(title)]

    def count(self, met: Sequence[int]) -> None:
        """Note one more case for each of these patterns."""
        for i in met:
            self.matched[i] += 1

    def rules(self) -> tuple[Rule, ...]:
        """The patterns as a Suite holds them."""
        pairs = zip(self.reasons.items(), self.matched, strict=True)
        return tuple(Rule(pattern=text, reason=reason, matched=count) for (text, reason), count in pairs)


class Tally:
    """The cases of one report as they come in; `skips` are the ones that the matrix names, each with its reason."""

    def __init__(self, kind: ReportKind, skips: Mapping[str, str], critical: Sequence[str]) -> None:
        self.kind = kind
        self.counts: dict[CaseStatus, int] = {"passed": 0, "failed": 0, "error": 0, "skipped": 0, "todo": 0}
        self.seconds = 0.0
        self._skips = Patterns(skips)
        self._critical = Patterns(dict.fromkeys(critical, ""))
        self._watching = bool(critical)
        self._suite = "", ""  # neighbours mostly share it: as it was read, cleaned
        self._bad: list[Case] = []
        self._skipped: list[Case] = []
        self._passed: list[Case] = []
        self._unnamed: list[str] = []
        self._unnamed_count = 0
        self._excused_critical: list[str] = []
        self._doubted: list[str] = []
        self._names: set[int] = set()
        self._repeated = 0

    def add(self, case: RawCase) -> None:
        """Count one case."""
        status = case.status
        self.counts[status] += 1
        if status in EXECUTED:
            self._remember(hash((case.suite, case.name)))
        self.seconds += case.seconds
        if status == "passed" and not self._watching and len(self._passed) >= KEPT_PASSED:
            return
        if case.suite != self._suite[0]:
            self._suite = case.suite, name_line(case.suite) if case.suite else ""
        suite, name = self._suite[1], name_line(case.name)
        self._apply_rules(name, f"{suite} > {name}" if suite else name, status)
        cases, bound = self._place(status)
        if len(cases) < bound:
            message, detail = message_line(case.message), detail_text(case.detail)
            cases.append(
                Case(suite=suite, name=name, status=status, seconds=case.seconds, message=message, detail=detail)
            )

    @property
    def watches(self) -> bool:
        """Whether any check is critical."""
        return self._watching

    def leave_out(self, title: str) -> None:
        """Count one more thing that was not executed and that no rule names."""
        self._unnamed_count += 1
        if len(self._unnamed) < NAMED:
            self._unnamed.append(name_line(title))

    def doubt(self, name: str, line: str) -> None:
        """Note a line that speaks against a case that passed, where the case is critical."""
        if self._critical.met_by(name, name) and len(self._doubted) < NAMED:
            self._doubted.append(f"{name}: {message_line(line)}")

    def finish(self, problem: str | None, notes: Sequence[str]) -> Suite:
        """All that was counted, as a Suite."""
        cases = self._bad + self._skipped[: KEPT - len(self._bad)] + self._passed
        return Suite(
            kind=self.kind, counts=Counts(**self.counts), seconds=round(self.seconds, 6), cases=tuple(cases),
            dropped=sum(self.counts.values()) - len(cases), repeated=self._repeated, problem=problem,
            notes=tuple(notes), unnamed_skips=tuple(self._unnamed), unnamed_skip_count=self._unnamed_count,
            excused_critical=tuple(self._excused_critical), doubted=tuple(self._doubted),
            skip_rules=self._skips.rules(), critical_rules=self._critical.rules(),
        )  # fmt: skip

    def _remember(self, name: int) -> None:
        """See whether an executed case has the name of another one: a loop around one test makes no two of it."""
        if name in self._names:
            self._repeated += 1
        elif len(self._names) < REMEMBERED:
            self._names.add(name)

    def _apply_rules(self, name: str, title: str, status: CaseStatus) -> None:
        critical = self._critical.met_by(name, title)
        named = self._skips.met_by(name, title) if critical or status not in EXECUTED else []
        if critical and named and len(self._excused_critical) < NAMED:
            self._excused_critical.append(title)
        if status in EXECUTED:
            self._critical.count(critical)
            return
        self._skips.count(named)
        # A critical case that was skipped stays an unnamed skip: no skip rule may cover it.
        if critical or not named:
            self.leave_out(title)

    def _place(self, status: CaseStatus) -> tuple[list[Case], int]:
        if status == "passed":
            return self._passed, KEPT_PASSED
        return (self._bad if status in EXECUTED else self._skipped), KEPT


def _regex(pattern: str) -> str:
    """The regular expression that means what `glob_matches` means, without its backtracking.

    The leftmost place for each inner piece is always good enough, so every choice but the last can be atomic:
    time grows with name times stars, whatever the name holds.
    """
    first, *pieces = map(re.escape, pattern.split("*"))
    if not pieces:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in pieces[:-1]) + ".*" + pieces[-1]
