"""When what ran, as a mermaid gantt: plain syntax alone, and labels of which no part can be syntax."""

import re

from phdb_ci.base.text import bounded
from phdb_ci.rendering.comment.entries import Shown
from phdb_ci.rendering.markdown import Section, fenced

MOST = 80
_FOREIGN = re.compile(r"[^A-Za-z0-9 @._-]")


def section(shown: Shown) -> Section | None:
    """The diagram; None when no leg took time. Legs stand in the order in which they started."""
    ran = [(entry, entry.result) for entry in shown.entries if entry.result and entry.result.seconds]
    ran.sort(key=lambda pair: pair[1].offset)
    if not ran:
        return None
    builds = [
        _task(f"build {artifact.name}@{artifact.os or ''}", artifact.is_there, artifact.offset, artifact.seconds)
        for artifact in shown.verdict.artifacts[:MOST]
        if artifact.seconds
    ]
    jobs = [_task(f"job {result.leg}", entry.is_green, result.offset, result.seconds) for entry, result in ran[:MOST]]
    lines = ["gantt", "    dateFormat X", "    axisFormat %M:%S"]
    lines += ["    section builds", *builds] if builds else []
    return Section("Timeline", (fenced([*lines, "    section jobs", *jobs], "mermaid"),))


def label(text: str) -> str:
    """The text without the signs of the diagram's syntax; its words have a meaning only where a line begins."""
    return _FOREIGN.sub("", text)[:60].strip(" @")


def _task(name: str, good: bool, offset: float, took: float) -> str:
    """A task; `name` begins with a word that is none of the syntax: a job may be called `gantt`."""
    start = round(bounded(offset))
    end = max(start + 1, round(bounded(offset) + bounded(took)))
    return f"    {label(name)} :{'done' if good else 'crit'}, {start}, {end}"
