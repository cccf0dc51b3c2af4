"""The one table: a row per leg, what it counted, and in its last column why it is green or why it is not."""

from phdb_ci.base.text import DASH, duration, tallied
from phdb_ci.models.posting import Posting
from phdb_ci.models.results import LegResult
from phdb_ci.models.verdict import Quarantined
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.comment.evidence_section import in_short
from phdb_ci.rendering.markdown import TITLE_LIMIT, code, issue_link, table, word

NUMBERS = ("passed", "failed", "skipped", "time")
MOST_QUARANTINES = 5  # of a leg, in its row


def main_table(shown: Shown, most: int) -> str:
    """The rows of all entries, or the first ones and a last row that counts the others."""
    entries, posting = shown.entries, shown.posting
    columns = {"": ":-:", "job": ":--", **dict.fromkeys(NUMBERS, "--:"), "result": ":--"}
    rows = [_row(entry, posting) for entry in entries[:most]]
    if len(entries) > most:
        others = [entry.status for entry in entries[most:]]
        rows.append(("⋯", f"and {len(others)} more: {tallied(others)}", *[""] * (len(columns) - 2)))
    return table(tuple(columns), rows, tuple(columns.values()))


def failures(result: LegResult | None) -> int:
    """How many cases of a leg failed, those that ended in an error included."""
    return sum(suite.counts.failing for suite in result.facts.suites) if result else 0


def _row(entry: Entry, posting: Posting | None) -> tuple[str, ...]:
    result = entry.result
    time = duration(result.seconds) if result and result.seconds else ""
    url = posting.job_url(f"{entry.job}@{entry.os}") if posting else None
    label = f"[{word(entry.name)}]({url})" if url else word(entry.name)
    label = f"**{label}**" if entry.is_bad else label
    return (entry.icon, label, *_counts(entry), time, _outcome(entry, posting))


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


def _outcome(entry: Entry, posting: Posting | None) -> str:
    text = in_short(entry.result) if entry.result and entry.is_green else _why(entry)
    rows = entry.leg.quarantine if entry.leg else ()
    if rows:
        return " · ".join([text, *(_quarantined(item, posting) for item in rows[:MOST_QUARANTINES])])
    return text if entry.decides or entry.is_idle else f"{text} · does not decide"


def _why(entry: Entry) -> str:
    status = entry.status if entry.is_idle else f"**{entry.status}**"
    if not entry.reasons:
        return f"{status}: no reason given"
    more = f" and {len(entry.reasons) - 1} more" if len(entry.reasons) > 1 else ""
    return f"{status}: {code(entry.reasons[0], TITLE_LIMIT)}{more}"


def _quarantined(item: Quarantined, posting: Posting | None) -> str:
    row = item.row
    linked = posting is None or posting.is_own(row.issue)
    link, owner = issue_link(row.issue, linked=linked), code(row.owner, 60)
    name = f"{code(row.case, 60)} " if row.case else ""
    if not item.holds:
        return f"{name or 'its '}quarantine ended {row.until} ({link}, {owner}): **decides**"
    return f"{name}quarantined until {row.until} ({link}, {owner}): does not decide"
