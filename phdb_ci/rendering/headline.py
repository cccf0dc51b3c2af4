"""What stands above and below everything: the headline, the sentence, the footer."""

import re
from collections.abc import Sequence

from phdb_ci.base.text import counted
from phdb_ci.models.posting import Posting
from phdb_ci.models.statuses import STATUSES, AnyStatus, Outcome
from phdb_ci.models.verdict import Verdict, VerdictSource
from phdb_ci.rendering.entries import GREEN, IDLE, Entry
from phdb_ci.rendering.markdown import code, run_link, word
from phdb_ci.rendering.words import listed, spoken, tallied

UNAFFECTED = "⚪"
_GATE = re.compile(r"[a-z0-9][a-z0-9_+-]{0,99}")


def heading(verdict: Verdict, entries: Sequence[Entry]) -> str:
    """`❌ phdb-ci: 2 of 7 jobs failed`: counts alone, so that nothing from a repository can stand in it."""
    stack = "" if verdict.stack == "public" else f" on {_stack(verdict)}"
    sign = UNAFFECTED if is_unaffected(verdict) else STATUSES[judged(verdict, entries)].icon
    return f"{sign} phdb-ci{stack}: {counts(verdict, entries)}"


def counts(verdict: Verdict, entries: Sequence[Entry]) -> str:
    """`2 of 7 jobs failed; 1 quarantined, 1 not run`."""
    if is_unaffected(verdict):
        return "not run, only documentation changed"
    expected = [entry for entry in entries if not _idle(entry)]
    excused = sum(not entry.decides and entry.status != GREEN for entry in expected)
    tail = [f"{excused} quarantined"] if excused else []
    tail += [f"{len(entries) - len(expected)} not run"] if len(expected) < len(entries) else []
    return "; ".join(filter(None, [_count(verdict, expected, excused), ", ".join(tail)]))


def is_unaffected(verdict: Verdict) -> bool:
    """Whether nothing was run by a rule of the matrix: a record that holds a result is no such verdict."""
    return bool(verdict.unaffected and not verdict.legs and not verdict.missing and verdict.outcome == "pass")


def judged(verdict: Verdict, entries: Sequence[Entry]) -> Outcome:
    """The verdict's own outcome, but never green over rows that are not: a record may come from anywhere."""
    deciding = {entry.status for entry in entries if entry.decides and not _idle(entry)}
    doubtful = verdict.outcome == "pass" and deciding != {GREEN} and not is_unaffected(verdict)
    return "incomplete" if doubtful else verdict.outcome


def sentence(verdict: Verdict, entries: Sequence[Entry], posting: Posting | None = None) -> str:
    """Which jobs, for which commits, which run, how long."""
    none_ran = is_unaffected(verdict)
    facts = [
        f"{_unread(verdict) if none_ran else _named(entries)} for {_tested(verdict)}",
        _asked(verdict, entries),
        _run(verdict, posting),
        *([] if none_ran else [spoken(verdict.seconds)]),
    ]
    return " · ".join(facts)


def _run(verdict: Verdict, posting: Posting | None) -> str:
    if posting:
        return f"[run #{posting.run_number}]({posting.run_url}) attempt {posting.attempt}"
    run = run_link(verdict.run_url)
    return f"{run} attempt {verdict.attempt}" if run else f"run {code(verdict.run_id, 60)}"


def _unread(verdict: Verdict) -> str:
    """Why nothing was run."""
    one = verdict.unaffected
    assert one is not None  # noqa: S101 - is_unaffected() has looked
    return f"Not run: no job reads what changed in {word(one.repo)} since `{one.base[:7]}`,"


def stack_warning(verdict: Verdict) -> str | None:
    """What a verdict that is not about the public repositories does not say."""
    if verdict.stack == "stand-in":
        plain = "plain directories, not the public repositories"
        return f"On a **stand-in stack**: {plain}; its green says nothing about them."
    if verdict.stack == "local":
        return "On a **local stack**: at least one repository is a directory of the machine that ran this."
    return None


def footer(verdict: Verdict) -> str:
    """Version, and the command that does the same again."""
    reproduce = code(verdict.reproduce, 600) or "not known"
    return f"<sub>{code(_tool(verdict.tool), 60)} · reproduce: {reproduce}</sub>"


def _tool(tool: str) -> str:
    return tool if tool.startswith("phdb-ci") else f"phdb-ci {tool}"


def _idle(entry: Entry) -> bool:
    return entry.leg is None and entry.status in IDLE


def _count(verdict: Verdict, expected: Sequence[Entry], excused: int) -> str:
    total = len(expected)
    bad = [STATUSES[entry.status].phrase for entry in expected if entry.decides and entry.status != GREEN]
    if bad and len(set(bad)) == 1:
        return f"{len(bad)} of {counted(total, 'job')} {bad[0]}"
    if bad:
        return f"{tallied(bad)} of {counted(total, 'job')}"
    if judged(verdict, expected) != "pass":
        return "nothing that decides was run"
    if excused:
        return f"{total - excused} of {counted(total, 'job')} passed"
    return f"{'all ' if total > 1 else ''}{counted(total, 'job')} passed"


def _asked(verdict: Verdict, entries: Sequence[Entry]) -> str:
    """`gate **pr-gate**`, `jobs **smoke+lint**`: gates and jobs share one set of names."""
    if not _GATE.fullmatch(verdict.gate):
        return f"gate {code(verdict.gate, 100)}"
    names, jobs = set(verdict.gate.split("+")), {entry.job for entry in entries}
    kinds = [kind for kind, own in (("gate", names - jobs), ("job", names & jobs)) if own]
    what = listed([f"{kind}s" for kind in kinds]) if len(names) > 1 else kinds[0]
    return f"{what} **{word(verdict.gate)}**"


def _named(entries: Sequence[Entry]) -> str:
    """`**a** and **b** failed, **c** unproven`: those that decide and are not green."""
    by_status: dict[AnyStatus, list[str]] = {}
    for entry in entries:
        if entry.decides and entry.status != GREEN and not _idle(entry):
            by_status.setdefault(entry.status, []).append(f"**{entry.label}**")
    if by_status:
        return ", ".join(f"{listed(names)} {STATUSES[status].phrase}" for status, names in by_status.items())
    return "Everything that decides passed" if any(entry.decides for entry in entries) else "No job decided"


def _tested(verdict: Verdict) -> str:
    """The commit that the verdict is for, and what else is not at its pin."""
    head = _head(verdict)
    if verdict.stack == "stand-in":
        return head or _stack(verdict)
    others = [
        _source(source)
        for source in verdict.sources
        if source.origin != "pin" and source.commit != verdict.head
    ]
    if not others:
        return head or "the pinned commits"
    return f"{head} with {listed(others)}" if head else listed(others)


def _head(verdict: Verdict) -> str:
    """The commit under test, with its repository where it is one of the sources."""
    name = next((f"{word(source.repo)} " for source in verdict.sources if source.commit == verdict.head), "")
    return f"{name}`{verdict.head[:7]}`" if verdict.head else ""


def _source(source: VerdictSource) -> str:
    dirty = " plus uncommitted changes" if source.dirty else ""
    return f"{word(source.repo)} at `{source.commit[:7]}`{dirty}"


def _stack(verdict: Verdict) -> str:
    return "a stand-in stack" if verdict.stack == "stand-in" else "a local stack"
