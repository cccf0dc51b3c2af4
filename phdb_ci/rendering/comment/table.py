"""The one table: a row per leg that was to run, and what it counted. Why one is not green stands below it."""

from phdb_ci.base.text import DASH, duration, listed, tallied
from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Quarantined
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.markdown import Section, code, issue_link, points, table, word

NUMBERS = ("pass", "fail", "skip", "time")  # short: on a phone there is room for six narrow columns
MOST_QUARANTINES = 5  # of a leg
MOST_IDLE = 4  # names of legs that were not run, in a title


def main_table(shown: Shown, most: int) -> str:
    """The rows of all entries that were to run, or the first ones and a last row that counts the others."""
    entries, posting = shown.expected, shown.posting
    columns = {"": ":-:", "job": ":--", **dict.fromkeys(NUMBERS, "--:")}
    rows = [_row(entry, posting) for entry in entries[:most]]
    if len(entries) > most:
        others = [entry.status for entry in entries[most:]]
        rows.append(("⋯", f"and {len(others)} more: {tallied(others)}", *[""] * (len(columns) - 2)))
    return table(tuple(columns), rows, tuple(columns.values()))


def not_run(shown: Shown) -> Section | None:
    """The legs that were not to run, in one line that opens to the reasons."""
    idle: dict[tuple[str, str], list[str]] = {}
    for entry in shown.idle:
        idle.setdefault((entry.status, entry.reasons[0]), []).append(word(entry.name))
    if not idle:
        return None
    names = listed([entry.name for entry in shown.idle], MOST_IDLE)
    lines = [f"{status}: {listed(legs, 20)}: {code(reason)}" for (status, reason), legs in idle.items()]
    return Section(f"{len(shown.idle)} not run: {names}", (points(lines),))


def still_quarantined(shown: Shown) -> list[str]:
    """A line for each leg that passed and has a quarantine."""
    passed = [entry for entry in shown.entries if entry.is_green]
    return [
        f"{word(entry.name)} passed: {'; '.join(lines)}"
        for entry in passed
        if (lines := quarantines(entry, shown.posting))
    ]


def quarantines(entry: Entry, posting: Posting | None) -> list[str]:
    """What each quarantine of a leg says, and whether it holds."""
    rows = entry.leg.quarantine if entry.leg else ()
    lines = [_quarantined(item, posting) for item in rows[:MOST_QUARANTINES]]
    return lines + ([f"and {len(rows) - len(lines)} more quarantines"] if len(rows) > len(lines) else [])


def _quarantined(item: Quarantined, posting: Posting | None) -> str:
    row = item.row
    linked = posting is None or posting.is_own(row.issue)
    link, owner = issue_link(row.issue, linked=linked), code(row.owner, 60)
    name = f"{code(row.case, 60)} " if row.case else ""
    because = f", because {code(row.reason)}" if code(row.reason) else ""
    if not item.holds:
        return f"{name or 'its '}quarantine ended {row.until} ({link}, {owner}): **decides**{because}"
    return f"{name}quarantined until {row.until} ({link}, {owner}): does not decide{because}"


def _row(entry: Entry, posting: Posting | None) -> tuple[str, ...]:
    result = entry.result
    time = duration(result.seconds).replace(" ", "\N{NO-BREAK SPACE}") if result and result.seconds else ""
    url = posting.job_url(f"{entry.job}@{entry.os}") if posting else None
    label = f"[{word(entry.name)}]({url})" if url else word(entry.name)
    label = f"**{label}**" if entry.is_bad else label
    return (entry.icon, label, *_counts(entry), time)


def _counts(entry: Entry) -> tuple[str, str, str]:
    """Passed, failed and skipped cases; a dash where nothing counts cases, which is not the same as none."""
    result = entry.result
    suites = result.facts.counted_suites if result else ()
    if not suites:
        return (DASH, DASH, DASH) if result else ("", "", "")
    failed = entry.failing
    skipped = sum(suite.counts.left_out for suite in suites)
    return str(sum(suite.counts.passed for suite in suites)), f"**{failed}**" if failed else "0", str(skipped)
