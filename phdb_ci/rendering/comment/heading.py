"""What stands above and below everything: the heading, the sentence, the footer; and the commit status beside it."""

import re
from typing import Literal

from phdb_ci.base.text import counted, cut, duration, listed, tallied
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.posting import CommitStatus, Posting
from phdb_ci.models.statuses import STATUSES, AnyStatus
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.comment.entries import Shown, shown
from phdb_ci.rendering.markdown import code, run_link, word

_GATE = re.compile(r"[a-z0-9][a-z0-9_+-]{0,99}")
_STACKS = {"stand-in": "a stand-in stack", "local": "a local stack"}
_PLAIN = "plain directories, not the public repositories"
# What a verdict that is not about the public repositories does not say.
WARNINGS = {
    "stand-in": f"On a **stand-in stack**: {_PLAIN}; its green says nothing about them.",
    "local": "On a **local stack**: at least one repository is a directory of the machine that ran this.",
}
_DESCRIPTION = 140  # characters of a commit status; GitHub takes no more


def heading(view: Shown) -> str:
    """`❌ phdb-ci: 2 of 7 jobs failed`: counts alone, so that nothing from a repository can stand in it."""
    stack = _STACKS.get(view.verdict.stack)
    sign = STATUSES["skipped" if view.unaffected else view.outcome].icon
    return f"{sign} phdb-ci{f' on {stack}' if stack else ''}: {_counts(view)}"


def commit_status(verdict: Verdict, posting: Posting | None = None) -> CommitStatus:
    """The same in one word for GitHub and one line for people; incomplete is GitHub's `error`, which is red, too."""
    view = shown(verdict, posting)
    states: dict[str, Literal["success", "failure", "error"]] = {"pass": "success", "fail": "failure"}
    stack = "" if verdict.stack == "public" else "not the public stack: "
    return CommitStatus(
        state=states.get(view.outcome, "error"), description=cut(f"{stack}{_counts(view)}", _DESCRIPTION),
        target_url=posting.run_url if posting else None,
    )  # fmt: skip


def sentence(view: Shown) -> str:
    """Which jobs, for which commits, which run, how long."""
    verdict, changed = view.verdict, view.unaffected
    jobs = _named(view)
    if changed:
        jobs = f"Not run: no job reads what changed in {word(changed.repo)} since `{changed.base[:7]}`,"
    facts = [f"{jobs} for {_tested(verdict)}", _asked(view), _run(view)]
    return " · ".join(facts if changed else [*facts, f"took {duration(verdict.seconds)}"])


def footer(verdict: Verdict) -> str:
    """Version, and the command that does the same again."""
    tool = verdict.tool if verdict.tool.startswith("phdb-ci") else f"phdb-ci {verdict.tool}"
    return f"<sub>{code(tool, 60)} · reproduce: {code(verdict.reproduce, 600) or 'not known'}</sub>"


def _counts(view: Shown) -> str:
    """`engine does not build; 2 of 7 jobs blocked; 1 quarantined, 1 not run`."""
    if view.unaffected:
        return "not run, only documentation changed"
    excused = sum(entry.is_quarantined for entry in view.expected)
    idle = len(view.entries) - len(view.expected)
    tail = [f"{excused} quarantined"] if excused else []
    tail += [f"{idle} not run"] if idle else []
    built = ", ".join(_unbuilt(view))
    return "; ".join(filter(None, [built, _count(view, excused), ", ".join(tail)]))


def _unbuilt(view: Shown) -> list[str]:
    """`engine does not build`: what the jobs that are blocked wait for."""
    return [unbuilt(artifact.name, artifact.status) for artifact in view.verdict.artifacts if not artifact.is_there]


def _count(view: Shown, excused: int) -> str:
    total = len(view.expected)
    bad = [STATUSES[entry.status].phrase for entry in view.entries if entry.is_bad]
    if bad and len(set(bad)) == 1:
        return f"{len(bad)} of {counted(total, 'job')} {bad[0]}"
    if bad:
        return f"{tallied(bad)} of {counted(total, 'job')}"
    if view.outcome != "pass":
        return "nothing that decides was run"
    return f"{f'{total - excused} of ' if excused else 'all ' if total > 1 else ''}{counted(total, 'job')} passed"


def _named(view: Shown) -> str:
    """`**a** and **b** failed, **c** unproven`: those that decide and are not green."""
    by_status: dict[AnyStatus, list[str]] = {}
    for entry in view.entries:
        if entry.is_bad and not (entry.status == "blocked" and _unbuilt(view)):
            by_status.setdefault(entry.status, []).append(f"**{word(entry.name)}**")
    parts = [unbuilt(f"**{word(item.name)}**", item.status) for item in view.verdict.artifacts if not item.is_there]
    parts += [f"{listed(names)} {STATUSES[status].phrase}" for status, names in by_status.items()]
    if parts:
        return ", ".join(parts)
    decided = any(entry.decides for entry in view.entries)
    return "Everything that decides passed" if decided else "No job decided"


def _run(view: Shown) -> str:
    posting, verdict = view.posting, view.verdict
    if posting:
        return f"[run #{posting.run_number}]({posting.run_url}) attempt {posting.attempt}"
    run = run_link(verdict.run_url)
    return f"{run} attempt {verdict.attempt}" if run else f"run {code(verdict.run_id, 60)}"


def _asked(view: Shown) -> str:
    """`gate **all**`, `jobs **smoke+lint**`: gates and jobs share one set of names."""
    gate = view.verdict.gate
    if not _GATE.fullmatch(gate):
        return f"gate {code(gate, 100)}"
    names, jobs = set(gate.split("+")), {entry.job for entry in view.entries}
    kinds = [kind for kind, those in (("gate", names - jobs), ("job", names & jobs)) if those]
    what = listed([f"{kind}s" for kind in kinds]) if len(names) > 1 else kinds[0]
    return f"{what} **{word(gate)}**"


def _tested(verdict: Verdict) -> str:
    """The commit that the verdict is for, and what else is not at its pin."""
    head = ""
    if verdict.head:
        name = next((f"{word(source.repo)} " for source in verdict.sources if source.commit == verdict.head), "")
        head = f"{name}`{verdict.head[:7]}`"
    if verdict.stack == "stand-in":
        return head or _STACKS["stand-in"]
    others = [
        f"{word(source.repo)} at `{source.commit[:7]}`{' plus uncommitted changes' if source.dirty else ''}"
        for source in verdict.sources
        if source.origin != "pin" and source.commit != verdict.head
    ]
    return " with ".join(filter(None, [head, listed(others)])) or "the pinned commits"
