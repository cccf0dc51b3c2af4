"""When what ran, as a mermaid gantt: plain syntax alone, and labels of which no part can be syntax."""

import re
from collections.abc import Sequence

from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.entries import GREEN, Entry
from phdb_ci.rendering.words import seconds

MOST = 80
_FOREIGN = re.compile(r"[^A-Za-z0-9 @._-]")
# A line that begins like this is no task to the diagram's parser, whatever follows: a job may be called `gantt`.
_WORDS = re.compile(
    r"[0-9]|gantt|dateformat|axisformat|tickinterval|inclusiveenddates|topaxis|includes|excludes|todaymarker"
    r"|weekday|weekend|title|acctitle|accdescr|section|click|call|href",
    re.IGNORECASE,
)


def timeline(verdict: Verdict, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The lines of the diagram; none when no leg took time. Legs stand in the order in which they started."""
    built = [one for one in verdict.artifacts[:MOST] if one.seconds]
    ran = [(entry, entry.result) for entry in entries if entry.result and entry.result.seconds]
    ran.sort(key=lambda pair: pair[1].offset)
    if not ran:
        return ()
    lines = ["gantt", "    dateFormat X", "    axisFormat %M:%S"]
    if built:
        lines.append("    section builds")
    for one in built:
        place = f"@{one.os}" if one.os else ""
        lines.append(
            _task(f"build {one.name}{place}", "done" if one.is_there else "crit", one.offset, one.seconds)
        )
    lines.append("    section jobs")
    for entry, result in ran[:MOST]:
        tag = "done" if entry.status == GREEN else "crit"
        lines.append(_task(f"{entry.job}@{entry.os}", tag, result.offset, result.seconds))
    return tuple(lines)


def label(text: str) -> str:
    """The text without what the diagram's syntax could take for its own: its signs, its words where a line begins."""
    plain = _FOREIGN.sub("", text)[:60].strip() or "unnamed"
    return f"job {plain}" if _WORDS.match(plain) else plain


def _task(name: str, tag: str, offset: float, took: float) -> str:
    start = round(seconds(offset))
    return f"    {label(name)} :{tag}, {start}, {max(start + 1, round(seconds(offset) + seconds(took)))}"
