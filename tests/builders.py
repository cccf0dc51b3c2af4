"""Records for tests, each with sane defaults: say only what the test is about.

`case` → `suite` → `leg` → `verdict`. Counts follow from the cases, the outcome from the legs.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from phdb_ci.judging.verdict import outcome
from phdb_ci.models.matrix import Quarantine
from phdb_ci.models.plan import IdleLeg
from phdb_ci.models.report_kinds import REPORT_KINDS, ReportKind
from phdb_ci.models.results import ArtifactUse, Case, CaseStatus, Command, Counts, Facts, LegResult, Rule, Suite
from phdb_ci.models.runs import Run
from phdb_ci.models.statuses import Status
from phdb_ci.models.verdict import Missing, Quarantined, Regression, Verdict, VerdictArtifact, VerdictLeg, VerdictSource

DIGEST = "89ea00d6" + "0" * 56
HEAD = "9f2c1e0" + "0" * 33
RUN_URL = "https://github.com/acme/lis/actions/runs/4242"


def sha(start: str) -> str:
    """A commit id that begins like this."""
    return start.ljust(40, "0")


def case(name: str = "test_it", status: CaseStatus = "passed", **fields: Any) -> Case:
    return Case(name=name, status=status, **fields)


def suite(*cases: Case, kind: ReportKind = "pytest", passed: int = 0, **fields: Any) -> Suite:
    """A report with these cases and `passed` more that are counted and not kept."""
    found = [one.status for one in cases]
    counts = Counts(
        passed=found.count("passed") + passed, failed=found.count("failed"), error=found.count("error"),
        skipped=found.count("skipped"), todo=found.count("todo"),
    )  # fmt: skip
    return Suite(kind=kind, cases=cases, **{"dropped": passed, "counts": counts} | fields)


def runs(*suites: Suite) -> tuple[Run, ...]:
    """What the runners of these suites recorded of themselves: one run each, nothing to say against it."""
    kinds = [suite.kind for suite in suites if REPORT_KINDS[suite.kind].place == "asked"]
    return tuple(Run.model_validate({"runner": kind, "command": kind, "report": "asked"}) for kind in kinds)


def exit_only() -> Suite:
    return Suite(kind="exit")


def rule(pattern: str, reason: str = "a reason", matched: int = 1) -> Rule:
    return Rule(pattern=pattern, reason=reason, matched=matched)


def command(text: str = "python3 -m pytest", exit_code: int = 0, **fields: Any) -> Command:
    return Command(text=text, exit_code=exit_code, **{"phase": "run", "seconds": 3.0} | fields)


def use(calls: int = 1, name: str = "embed", **fields: Any) -> ArtifactUse:
    """An artifact as a job met it, unchanged."""
    return ArtifactUse(name=name, key="k1", digest=DIGEST, before=DIGEST, after=DIGEST, calls=calls, **fields)


def quarantine(until: date = date(2027, 1, 31), **fields: Any) -> Quarantine:
    """A row of the matrix; of the whole job unless a `case` is given."""
    told = {
        "job": "smoke",
        "issue": "https://github.com/acme/lidb/issues/42",
        "owner": "@acme/db",
        "reason": "the WAL replay test is flaky on slow disks",
    }
    return Quarantine(until=until, **told | fields)


def result(job: str = "smoke", status: Status = "passed", *suites: Suite, **fields: Any) -> LegResult:
    """A leg's result. `calls`, `commands` and any other fact may be given beside the record's own fields."""
    facts = {name: fields.pop(name) for name in list(fields) if name in Facts.model_fields}
    calls = fields.pop("calls", None)
    left = facts.get("suites", suites or (suite(passed=4),))
    given = {"commands": (command(),), "suites": left, "runs": runs(*left)}
    if calls is not None:
        given["artifacts"] = (use(calls),)
    told = {
        "gate": "pr-gate", "os": "ubuntu-24.04", "summary": f"what {job} shows", "run_id": "4242",
        "head": HEAD, "started": "2026-11-25T03:00:00+00:00", "seconds": 38.0,
        "reasons": () if status == "passed" else (f"a reason for {status}",),
    }  # fmt: skip
    return LegResult(job=job, status=status, facts=Facts(**given | facts), **told | fields)


def leg(
    job: str = "smoke", status: Status = "passed", *suites: Suite, decides: bool = True, excused: bool = False,
    quarantine: Quarantine | None = None, **fields: Any,
) -> VerdictLeg:  # fmt: skip
    """A leg of a verdict; its quarantine holds where it does not decide or is excused. The rest as for `result`."""
    met = (Quarantined(row=quarantine, holds=excused or not decides),) if quarantine else ()
    made = result(job, status, *suites, **fields)
    return VerdictLeg(result=made, decides=decides, excused=excused, quarantine=met)


def worse(text: str = "test_it", job: str = "smoke", os: str = "ubuntu-24.04", **fields: Any) -> Regression:
    """Something that is worse than on the base."""
    return Regression(job=job, os=os, text=text, **{"kind": "new failure"} | fields)


def missing(job: str = "smoke", os: str = "ubuntu-24.04", reason: str = "left no result", **fields: Any) -> Missing:
    return Missing(job=job, os=os, reason=reason, **fields)


def idle(job: str = "smoke", os: str = "macos-15", **fields: Any) -> IdleLeg:
    told = {"summary": f"what {job} shows", "kind": "elsewhere", "reason": "runs on macos, this is ubuntu"}
    return IdleLeg(job=job, os=os, **told | fields)


def source(repo: str = "lidb", commit: str = sha("5ab0d77"), **fields: Any) -> VerdictSource:
    told = {
        "origin": "pin", "via": "matrix.toml", "where": f"https://github.com/acme/{repo}.git",
        "web": f"https://github.com/acme/{repo}", "pin": commit,
    }  # fmt: skip
    return VerdictSource(repo=repo, commit=commit, **told | fields)


def artifact(name: str = "embed", **fields: Any) -> VerdictArtifact:
    told = {"key": "k1", "status": "built", "digest": DIGEST, "seconds": 212.0, "used_by": ("smoke",), "calls": 4}
    return VerdictArtifact(name=name, **told | fields)


def verdict(*legs: VerdictLeg, missing: Sequence[Missing] = (), idle: Sequence[IdleLeg] = (), **fields: Any) -> Verdict:
    """A verdict over these legs; its outcome follows from them."""
    found = outcome(legs, missing)
    told = {
        "tool": "phdb-ci 0.1.0", "gate": "pr-gate", "lead": None, "outcome": found, "headline": f"a {found}",
        "run_id": "4242", "head": HEAD, "platform": "linux x86_64 glibc-2.36",
        "started": "2026-11-25T03:00:00+00:00", "seconds": 522.0, "stack": "public",
        "sources": (source(),), "artifacts": (artifact(),),
        "reproduce": "nox -s pr-gate",
    }  # fmt: skip
    return Verdict(legs=legs, missing=tuple(missing), idle=tuple(idle), **told | fields)
