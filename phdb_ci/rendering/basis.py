"""What a result rests on: cases or the exit code alone, calls of the engine, network, named skips."""

from collections.abc import Sequence
from dataclasses import dataclass

from phdb_ci.base.text import counted
from phdb_ci.models.results import Command, LegResult, Rule
from phdb_ci.models.statuses import STATUSES
from phdb_ci.rendering.entries import GREEN, Entry
from phdb_ci.rendering.markdown import TITLE_LIMIT, cells, code, word
from phdb_ci.rendering.measured import in_words
from phdb_ci.rendering.words import DASH, TIMES, clock

Row = tuple[str, ...]
MOST_SKIPS = 60


@dataclass(frozen=True)
class Basis:
    """The section: its title, one row per leg that ran, one line per named skip."""

    title: str
    rows: tuple[Row, ...]
    skips: tuple[str, ...]


@dataclass(frozen=True)
class Lists:
    """The summary's complete lists of one leg."""

    title: str
    commands: tuple[Row, ...]
    skipped: tuple[Row, ...]
    notes: tuple[str, ...]


def rests_on(result: LegResult) -> str:
    """In a few words, for the table, beside its counts of tests: `embed called 41 times`, `manifest stub`."""
    words = _more(result)
    if not words:
        words = [f"{'tests' if result.facts.counted_suites else 'exit code'} alone, no artifact called"]
    if network(result) == "unenforced":
        words.append("network **not** cut off")
    return ", ".join(words)


def _more(result: LegResult) -> list[str]:
    """What there is beside tests and the exit code."""
    words = [f"{word(use.name)} called {use.calls}{TIMES}" for use in result.facts.artifacts if use.calls]
    return [*words, f"manifest {_manifest(result)}"] if _manifest(result) else words


def basis(entries: Sequence[Entry], *, passed: bool) -> Basis | None:
    """The section for all legs that ran, or for those alone that did not pass; None when there is none."""
    ran = [entry for entry in entries if entry.result and (passed or entry.status != GREEN)]
    if not ran:
        return None
    skips = [line for entry in ran for line in _skips(entry)]
    if len(skips) > MOST_SKIPS:
        skips = [*skips[:MOST_SKIPS], f"and {len(skips) - MOST_SKIPS} more"]
    return Basis(_title(entries), tuple(_row(entry) for entry in ran), tuple(skips))


def lists(entry: Entry, most: int) -> Lists | None:
    """Skipped tests and notes of one leg; its commands too where it is not green."""
    result = entry.result
    if result is None:
        return None
    ran = result.facts.commands if entry.status != GREEN else ()
    commands = tuple(_command(command) for command in ran[:most])
    skipped = [
        cells(code(case.title, TITLE_LIMIT), case.status, code(case.message))
        for suite in result.facts.suites
        for case in suite.cases
        if case.status in ("skipped", "todo")
    ]
    notes = [*result.notes, *(note for suite in result.facts.suites for note in suite.notes)]
    shown = tuple(filter(None, (code(note) for note in dict.fromkeys(notes[:most]))))
    parts = [(len(ran), "command"), (len(skipped), "skipped test"), (len(shown), "note")]
    told = [counted(number, one) for number, one in parts if number]
    if not told:
        return None
    title = f"Complete lists: {entry.name}, {', '.join(told)}"
    return Lists(title, commands, tuple(skipped[:most]), shown)


def network(result: LegResult) -> str:
    """`isolated`, `unenforced` or `open`: the weakest of the run commands that should have been cut off."""
    seen = {command.network for command in result.facts.commands if command.phase == "run"}
    return next((word for word in ("unenforced", "open", "isolated") if word in seen), DASH)


def _title(entries: Sequence[Entry]) -> str:
    results = [entry.result for entry in entries if entry.result]
    parts = _calls(results)[:4]
    bare = sum(
        bool(one.facts.commands) and not one.facts.counted_suites and not _more(one) for one in results
    )
    parts += [f"{counted(bare, 'job')} on the exit code only"] if bare else []
    named = sum(rule.matched for result in results for rule in _rules(result))
    parts.append(f"{counted(named, 'test')} skipped by name")
    return f"What this rests on: {', '.join(parts)}"


def _calls(results: Sequence[LegResult]) -> list[str]:
    """`embed called 76 times by 5 jobs`, for each artifact."""
    calls: dict[str, int] = {}
    callers: dict[str, set[str]] = {}
    for result in results:
        for use in result.facts.artifacts:
            calls[use.name] = calls.get(use.name, 0) + use.calls
            callers.setdefault(use.name, set()).update([result.job] if use.calls else [])
    return [
        f"{name} called {counted(total, 'time')} by {counted(len(callers[name]), 'job')}"
        for name, total in calls.items()
        if total
    ]


def _row(entry: Entry) -> Row:
    result = entry.result
    assert result is not None  # noqa: S101 - basis() keeps those that ran
    named = sum(rule.matched for rule in _rules(result))
    cut_off = network(result)
    return cells(
        STATUSES[entry.status].icon, entry.label, _shown(entry, result),
        _results(result), _engine(result),
        f"**{cut_off}**" if cut_off == "unenforced" else cut_off, str(named) if named else "",
    )  # fmt: skip


def _shown(entry: Entry, result: LegResult) -> str:
    """What a pass shows, and which faults of the engine the job is known to notice."""
    claimed = entry.leg.claimed if entry.leg else ""
    told = code(claimed) if claimed and claimed != "claims none" else ""
    return "; ".join(filter(None, (code(result.summary, TITLE_LIMIT), told)))


def _results(result: LegResult) -> str:
    """How many cases were executed, by kind of report."""
    words = []
    for suite in result.facts.counted_suites:
        critical = sum(rule.matched for rule in suite.critical_rules)
        words.append(
            f"{suite.counts.executed} {suite.kind}" + (f" ({critical} critical)" if critical else "")
        )
    if _manifest(result):
        words.append(f"manifest {_manifest(result)}")
    if figures := in_words(result):
        words.append(figures)
    if not result.facts.counted_suites:
        words.insert(0, "exit code" if result.facts.commands else "nothing ran")
    return ", ".join(words)


def _engine(result: LegResult) -> str:
    return ", ".join(
        f"{word(use.name)} {use.calls}{TIMES}" + (", built again by the job" if use.rebuilt else "")
        for use in result.facts.artifacts[:4]
        if use.calls or use.rebuilt
    )


def _skips(entry: Entry) -> list[str]:
    """One line per rule that a report met; one that is met no more is shown, because it can go."""
    result = entry.result
    lines = []
    for suite in result.facts.suites if result else ():
        for rule in suite.skip_rules:
            told = f"{entry.label}: {code(rule.pattern, TITLE_LIMIT)}"
            why = f": {code(rule.reason)}" if code(rule.reason) else ""
            if rule.matched:
                lines.append(f"{told} {rule.matched}{TIMES}{why}")
            elif suite.counts.executed:
                lines.append(f"{told} **no longer happens**{why}")
    return lines


def _command(command: Command) -> Row:
    ends = [
        "timed out" if command.timed_out else "",
        "cancelled" if command.cancelled else "",
        f"left {counted(len(command.leftovers), 'process', 'processes')}" if command.leftovers else "",
        code(command.problem or "", TITLE_LIMIT),
    ]
    return cells(
        command.phase, code(command.text), str(command.exit_code), clock(command.seconds), command.network,
        ", ".join(filter(None, ends)),
    )  # fmt: skip


def _rules(result: LegResult) -> list[Rule]:
    return [rule for suite in result.facts.suites for rule in suite.skip_rules]


def _manifest(result: LegResult) -> str:
    fact = result.facts.manifest
    return code(fact.status or "", 40) if fact else ""
