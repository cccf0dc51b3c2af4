"""What act said, as records: jobs, their steps, results, outputs and logs. Reads the lines of `act --json --verbose`.

Only the fields `jobResult` and `stepResult` are believed: the sentence "Job failed" stands below a green leg, too,
when a sibling of its matrix has failed. Skipped jobs and steps are told at the level of debugging alone.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TOLD = ("error", "warning", "notice")  # workflow commands that are part of a step's log


@dataclass
class Step:
    """One step's main stage. The outcome is what it was before `continue-on-error`."""

    id: str
    name: str
    outcome: str = ""
    seconds: float = 0.0
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "\n".join(self.lines)


@dataclass
class Job:
    """One job; of a matrix, one leg. The label is act's: `workflow/job` or, when called, `caller/workflow/job`."""

    id: str
    label: str
    result: str = ""
    steps: dict[str, Step] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> str:
        """All that its steps printed, and act's own words between."""
        return "\n".join(self.lines)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps.values())

    @property
    def outcomes(self) -> dict[str, str]:
        """Step name → success, failure or skipped, in the order of the file."""
        return {step.name: step.outcome for step in self.steps.values()}

    def step(self, name: str) -> Step:
        """A step by its id or its name."""
        found = [step for step in self.steps.values() if name in (step.id, step.name)]
        assert len(found) == 1, f"{name!r} names {len(found)} steps of {list(self.outcomes)}"
        return found[0]


def jobs_of(lines: Iterable[str]) -> dict[str, Job]:
    """Label → job, in the order in which they began or were skipped."""
    jobs: dict[str, Job] = {}
    for line in lines:
        entry = _entry(line)
        if "job" in entry:
            label = entry["job"].strip()
            _add(jobs.setdefault(label, Job(entry["jobID"], label)), entry)
    return {label: job for label, job in jobs.items() if job.result or job.steps or job.lines}


def _entry(line: str) -> dict[str, Any]:
    """One line of the log; a line that is no JSON (a panic, say) has no job."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _add(job: Job, entry: dict[str, Any]) -> None:
    text = entry["msg"].rstrip("\r\n\x04")  # the last is act's own, to end the terminal's input
    spoken = entry["level"] != "debug"
    if spoken:
        job.lines.append(text)
    if "jobResult" in entry:
        job.result = entry["jobResult"]
    if entry.get("stage") == "Main":
        step = job.steps.setdefault(entry["stepID"][0], Step(entry["stepID"][0], entry["step"]))
        _add_to_step(step, entry, text if spoken else None)


def _add_to_step(step: Step, entry: dict[str, Any], text: str | None) -> None:
    command = entry.get("command")
    if "stepResult" in entry:
        step.outcome = entry["stepResult"]
        if step.lines and not step.lines[-1]:
            step.lines.pop()  # act adds it now and then when it ends a terminal
        step.seconds = entry.get("executionTime", 0) / 1e9
    elif command == "set-output":
        step.outputs[entry["name"]] = entry["arg"]
    elif command == "summary":
        step.summary += entry["content"]
    elif text is not None and (entry.get("raw_output") or command in TOLD):
        step.lines.append(text)
