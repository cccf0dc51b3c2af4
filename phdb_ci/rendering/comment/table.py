"""The one table: a row per leg, what it counted, and in its last column why it is green or why it is not."""

from phdb_ci.base.text import DASH, counted, duration, tallied
from phdb_ci.models.matrix import Quarantine
from phdb_ci.models.posting import Posting
from phdb_ci.models.results import LegResult
from phdb_ci.models.statuses import STATUSES
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.comment.evidence_section import in_short
from phdb_ci.rendering.markdown import TITLE_LIMIT, code, issue_link, table, word

NUMBERS = ("passed", "failed", "skipped", "time")


def main_table(shown: Shown, most: int) -> str:
    """The rows of all entries, or the first ones and a last row that counts the others."""
    entries, posting = shown.entries, shown.posting
    compared = shown.verdict.baseline is not None
    against = code(posting.base, 60) if posting and posting.base else ""
    versus = {f"vs {against or 'baseline'}": ":--"} if compared else {}
    columns = {"": ":-:", "job": ":--", **dict.fromkeys(NUMBERS, "--:"), **versus, "result": ":--"}
    rows = [_row(entry, posting, compared=compared) for entry in entries[:most]]
    if len(entries) > most:
        others = [entry.status for entry in entries[most:]]
        rows.append(("⋯", f"and {len(others)} more: {tallied(others)}", *[""] * (len(columns) - 2)))
    return table(tuple(columns), rows, tuple(columns.values()))


def failures(result: LegResult | None) -> int:
    """How many cases of a leg failed, those that ended in an error included."""
    return sum(suite.counts.failing for suite in result.facts.suites) if result else 0


def _row(entry: Entry, posting: Posting | None, *, compared: bool) -> tuple[str, ...]:
    result = entry.result
    versus = (_versus(entry),) if compared else ()
    time = duration(result.seconds) if result and result.seconds else ""
    url = posting.job_url(f"{entry.job}@{entry.os}") if posting else None
    label = f"[{word(entry.name)}]({url})" if url else word(entry.name)
    label = f"**{label}**" if entry.is_bad else label
    return (STATUSES[entry.status].icon, label, *_counts(entry), time, *versus, _outcome(entry, posting))


def _counts(entry: Entry) -> tuple[str, str, str]:
    """Passed, failed and skipped cases; a dash where nothing counts cases, which is not the same as none."""
    result = entry.result
    suites = result.facts.counted_suites if result else ()
    if not suites:
        passed = "exit code only" if entry.is_green else DASH
        return (passed, DASH, DASH) if result else ("", "", "")
    failed = failures(result)
    skipped = sum(suite.counts.left_out for suite in suites)
    return str(sum(suite.counts.passed for suite in suites)), f"**{failed}**" if failed else "0", str(skipped)


def _versus(entry: Entry) -> str:
    if entry.leg is None:
        return ""
    new, fewer = entry.leg.new_failures, entry.leg.fewer_tests
    less = f"{counted(fewer, 'test')} fewer" if fewer else ""
    if not failures(entry.result):
        return less
    if new is None:
        return "not in the baseline"
    return ", ".join(filter(None, [counted(new, "new failure") if new else "no new failure", less]))


def _outcome(entry: Entry, posting: Posting | None) -> str:
    text = in_short(entry.result) if entry.result and entry.is_green else _why(entry)
    quarantine = entry.result.quarantine if entry.result else None
    if quarantine:
        return f"{text} · {_quarantined(quarantine, posting, decides=entry.decides)}"
    return text if entry.decides or entry.is_idle else f"{text} · does not decide"


def _why(entry: Entry) -> str:
    status = entry.status if entry.is_idle else f"**{entry.status}**"
    if not entry.reasons:
        return f"{status}: no reason given"
    more = f" and {len(entry.reasons) - 1} more" if len(entry.reasons) > 1 else ""
    return f"{status}: {code(entry.reasons[0], TITLE_LIMIT)}{more}"


def _quarantined(quarantine: Quarantine, posting: Posting | None, *, decides: bool) -> str:
    linked = posting is None or posting.is_own(quarantine.issue)
    link, owner = issue_link(quarantine.issue, linked=linked), code(quarantine.owner, 60)
    if decides:
        return f"its quarantine ended {quarantine.until} ({link}, {owner}): **decides**"
    return f"quarantined until {quarantine.until} ({link}, {owner}): does not decide"
