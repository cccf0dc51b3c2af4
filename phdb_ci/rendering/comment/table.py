"""The one table: a row per leg that was to run, and what it counted. Why one is not green stands below it."""

from phdb_ci.base.text import DASH, counted, duration, listed, tallied
from phdb_ci.models.matrix import Quarantine
from phdb_ci.models.posting import Posting
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.failure_words import count_failing
from phdb_ci.rendering.markdown import Section, code, issue_link, points, table, word

NUMBERS = ("pass", "fail", "skip", "time")  # short: on a phone there is room for six narrow columns
MOST_IDLE = 4  # names of legs that were not run, in a title


def main_table(shown: Shown, most: int) -> str:
    """The rows of all entries that were to run, or the first ones and a last row that counts the others."""
    entries, posting = shown.expected, shown.posting
    compared = shown.verdict.baseline is not None
    against = code(posting.base, 60) if posting and posting.base else ""
    versus = {f"vs {against or 'baseline'}": ":--"} if compared else {}
    columns = {"": ":-:", "job": ":--", **dict.fromkeys(NUMBERS, "--:"), **versus}
    rows = [_row(entry, posting, compared=compared) for entry in entries[:most]]
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
    """A line for each leg that passed and is in quarantine."""
    return [
        f"{word(entry.name)} passed, {quarantined(entry.result.quarantine, shown.posting, decides=entry.decides)}"
        for entry in shown.entries
        if entry.is_green and entry.result and entry.result.quarantine
    ]


def quarantined(quarantine: Quarantine, posting: Posting | None, *, decides: bool) -> str:
    """What a quarantine says, and whether it holds."""
    linked = posting is None or posting.is_own(quarantine.issue)
    link, owner = issue_link(quarantine.issue, linked=linked), code(quarantine.owner, 60)
    if decides:
        return f"its quarantine ended {quarantine.until} ({link}, {owner}): **decides**"
    return f"quarantined until {quarantine.until} ({link}, {owner}): does not decide"


def _row(entry: Entry, posting: Posting | None, *, compared: bool) -> tuple[str, ...]:
    result = entry.result
    versus = (_versus(entry),) if compared else ()
    time = duration(result.seconds).replace(" ", "\N{NO-BREAK SPACE}") if result and result.seconds else ""
    url = posting.job_url(f"{entry.job}@{entry.os}") if posting else None
    label = f"[{word(entry.name)}]({url})" if url else word(entry.name)
    label = f"**{label}**" if entry.is_bad else label
    return (entry.icon, label, *_counts(entry), time, *versus)


def _counts(entry: Entry) -> tuple[str, str, str]:
    """Passed, failed and skipped cases; a dash where nothing counts cases, which is not the same as none."""
    result = entry.result
    suites = result.facts.counted_suites if result else ()
    if not suites:
        return (DASH, DASH, DASH) if result else ("", "", "")
    failed = count_failing(result)
    skipped = sum(suite.counts.left_out for suite in suites)
    return str(sum(suite.counts.passed for suite in suites)), f"**{failed}**" if failed else "0", str(skipped)


def _versus(entry: Entry) -> str:
    if entry.leg is None:
        return ""
    new, fewer = entry.leg.new_failures, entry.leg.fewer_tests
    less = f"{counted(fewer, 'test')} fewer" if fewer else ""
    if not count_failing(entry.result):
        return less
    if new is None:
        return "not in the baseline"
    return ", ".join(filter(None, [counted(new, "new failure") if new else "no new failure", less]))
