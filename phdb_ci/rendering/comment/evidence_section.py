"""The evidence for a result: cases or the exit code alone, calls of the artifact, network, named skips."""

from collections import Counter
from collections.abc import Sequence

from phdb_ci.base.text import DASH, TIMES, counted, duration
from phdb_ci.models.results import Command, LegResult
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.comment.size_budget import Level
from phdb_ci.rendering.figures import in_words
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, points, table, word

HEAD = ("", "job", "what a pass shows", "executed", "calls", "network", "skipped by name")
ALIGN = (":-:", ":--", ":--", ":--", ":--", ":--", "--:")
MOST_SKIPS, MOST_LISTED, MOST_ARTIFACTS = 60, 500, 4
Row = tuple[str, ...]


def section(shown: Shown, level: Level) -> Section | None:
    """The section for all legs that ran, or for those alone that did not pass; None when there is none."""
    entries = shown.entries[: level.rows]
    ran = [entry for entry in entries if _ran(entry.result) and (level.passed or not entry.is_green)]
    if not ran:
        return None
    skips = [line for entry in ran for line in _skips(entry)]
    if len(skips) > MOST_SKIPS:
        skips = [*skips[:MOST_SKIPS], f"and {len(skips) - MOST_SKIPS} more"]
    parts = [table(HEAD, [_row(entry, entry.result) for entry in ran if entry.result], ALIGN)]
    parts += ["**Tests skipped by name**", points(skips)] if skips else []
    return Section(_title([entry.result for entry in entries if entry.result]), tuple(parts))


def lists(shown: Shown, level: Level) -> list[Section]:
    """The complete lists: skipped tests and notes of each leg, and the commands of one that is not green."""
    made = [_lists(entry, entry.result) for entry in shown.entries[: level.blocks] if entry.result]
    return [section for section in made if section.parts]


def _lists(entry: Entry, result: LegResult) -> Section:
    commands = () if entry.is_green else result.facts.commands
    skipped = [
        (code(case.title, TITLE_LIMIT), case.status, code(case.message))
        for suite in result.facts.suites
        for case in suite.cases
        if case.status in ("skipped", "todo")
    ]
    notes = dict.fromkeys([*result.notes, *(note for suite in result.facts.suites for note in suite.notes)])
    lines = list(filter(None, map(code, list(notes)[:MOST_LISTED])))
    listed = [(len(commands), "command"), (len(skipped), "skipped test"), (len(lines), "note")]
    columns = ("phase", "command", "exit", "time", "network", "")
    parts = [
        table(columns, map(_command, commands[:MOST_LISTED])) if commands else "",
        table(("not executed", "", "why"), skipped[:MOST_LISTED]) if skipped else "",
        points(lines),
    ]
    counts = ", ".join(counted(number, name) for number, name in listed if number)
    return Section(f"Complete lists: {entry.name}, {counts}", tuple(filter(None, parts)))


def _title(results: Sequence[LegResult]) -> str:
    parts = _calls(results)[:MOST_ARTIFACTS]
    bare = sum(
        bool(result.facts.commands) and not result.facts.counted_suites and not _beside(result) for result in results
    )
    parts += [f"{counted(bare, 'job')} on the exit code only"] if bare else []
    named = sum(map(_named, results))
    parts += [f"{counted(named, 'test')} skipped by name"] if named else []
    return f"Evidence: {', '.join(parts)}" if parts else "Evidence"


def _ran(result: LegResult | None) -> bool:
    """Whether a leg ran a command, or left cases: of another there is no evidence to show."""
    return result is not None and bool(result.facts.commands or result.facts.suites)


def _calls(results: Sequence[LegResult]) -> list[str]:
    """`app called 76 times by 5 jobs`, for each artifact."""
    calls: dict[str, Counter[str]] = {}
    for result in results:
        for use in result.facts.artifacts:
            calls.setdefault(use.name, Counter())[result.job] += use.calls
    return [
        f"{name} called {counted(by_job.total(), 'time')} by {counted(len(+by_job), 'job')}"
        for name, by_job in calls.items()
        if by_job.total()
    ]


def _row(entry: Entry, result: LegResult) -> Row:
    named, network = _named(result), _network(result)
    claimed = entry.leg.claimed if entry.leg and entry.leg.claimed != "claims none" else ""
    shown = "; ".join(filter(None, (code(result.summary, TITLE_LIMIT), code(claimed))))
    uses = [
        f"{word(use.name)} {use.calls}{TIMES}" + (", built again by the job" if use.rebuilt else "")
        for use in result.facts.artifacts[:MOST_ARTIFACTS]
        if use.calls or use.rebuilt
    ]
    return (
        entry.icon, word(entry.name), shown, _executed(result), ", ".join(uses),
        f"**{network}**" if network == "unenforced" else network, str(named) if named else "",
    )  # fmt: skip


def _executed(result: LegResult) -> str:
    words = []
    for suite in result.facts.counted_suites:
        critical = sum(rule.matched for rule in suite.critical_rules)
        many = f" ({critical} critical)" if critical else ""
        words.append(f"{suite.counts.executed} {suite.kind}{many}")
    if not words:
        words = ["exit code" if result.facts.commands else "nothing ran"]
    return ", ".join(filter(None, [*words, _manifest(result), in_words(result)]))


def _skips(entry: Entry) -> list[str]:
    """One line per rule that a report met; one that is met no more is shown, because it can go."""
    lines = []
    for suite in entry.result.facts.suites if entry.result else ():
        for rule in suite.skip_rules:
            name = f"{word(entry.name)}: {code(rule.pattern, TITLE_LIMIT)}"
            reason = f": {code(rule.reason)}" if code(rule.reason) else ""
            if rule.matched:
                lines.append(f"{name} {rule.matched}{TIMES}{reason}")
            elif suite.counts.executed:
                lines.append(f"{name} **no longer happens**{reason}")
    return lines


def _command(command: Command) -> Row:
    ends = [
        "timed out" if command.timed_out else "",
        "cancelled" if command.cancelled else "",
        f"left {counted(len(command.leftovers), 'process', 'processes')}" if command.leftovers else "",
        code(command.problem or "", TITLE_LIMIT),
    ]
    return (
        command.phase, code(command.text), str(command.exit_code), duration(command.seconds), command.network,
        ", ".join(filter(None, ends)),
    )  # fmt: skip


def _beside(result: LegResult) -> list[str]:
    words = [f"{word(use.name)} called {use.calls}{TIMES}" for use in result.facts.artifacts if use.calls]
    return [*words, *filter(None, [_manifest(result)])]


def _network(result: LegResult) -> str:
    """`isolated`, `unenforced` or `open`: the weakest of the run commands that should have been cut off."""
    kinds = {command.network for command in result.facts.commands if command.phase == "run"}
    return next((kind for kind in ("unenforced", "open", "isolated") if kind in kinds), DASH)


def _named(result: LegResult) -> int:
    return sum(rule.matched for suite in result.facts.suites for rule in suite.skip_rules)


def _manifest(result: LegResult) -> str:
    fact = result.facts.manifest
    status = code(fact.status or "", 40) if fact else ""
    return f"manifest {status}" if status else ""
