"""What is not green, artifact by artifact and job by job, in words of its own, and how to see it again."""

from collections.abc import Sequence

from phdb_ci.base.text import counted, listed
from phdb_ci.models.labels import unbuilt
from phdb_ci.models.results import Case, LegResult
from phdb_ci.models.statuses import STATUSES
from phdb_ci.models.verdict import VerdictArtifact
from phdb_ci.rendering import failure_words
from phdb_ci.rendering.comment.entries import Entry, Shown
from phdb_ci.rendering.comment.size_budget import Level
from phdb_ci.rendering.comment.table import quarantines
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, excerpt, fenced, first, one_line, points, word

MOST_REASONS = 10
COMMAND = 600  # characters of a command that repeats a leg


def sections(shown: Shown, level: Level) -> list[Section]:
    """A section for each artifact and each leg that is not green; the first one is open. Blocked legs share a line."""
    unbuilt_ones = [artifact for artifact in shown.verdict.artifacts if not artifact.is_there]
    red = [entry for entry in shown.expected if not entry.is_green and entry.status != "blocked"]
    made = [_artifact(artifact, level) for artifact in unbuilt_ones[: level.blocks]]
    made += [_leg(shown, entry, level) for entry in red[: level.blocks]]
    blocked = _blocked(shown)
    lines = [Section("", (points(blocked),))] if blocked and level.blocks else []
    if not made and not lines:
        return []
    opened = [Section(made[0].title, made[0].parts, opened=True), *made[1:]] if made else []
    return [Section("", ("**Not green**",)), *opened, *lines]


def _artifact(artifact: VerdictArtifact, level: Level) -> Section:
    name = unbuilt(artifact.name, artifact.status) + (f" on {artifact.os}" if artifact.os else "")
    log = code(f"{artifact.name}/log.txt", TITLE_LIMIT)
    head, rest = artifact.words[:1], artifact.words[1:]  # the compiler's error folds on a narrow page
    parts = [points(first((*artifact.reasons, *head), MOST_REASONS)), _fenced(rest, level)]
    parts.append(points(_repeat(f"log {log}", artifact.repeat)))
    return Section(f"{STATUSES[artifact.status].icon} {name}", tuple(filter(None, parts)))


def _blocked(shown: Shown) -> list[str]:
    """The legs that an artifact blocks, one line for each reason."""
    shown_above = {unbuilt(artifact.name, artifact.status) for artifact in shown.verdict.artifacts}
    alone = sum(not artifact.is_there for artifact in shown.verdict.artifacts) == 1
    legs: dict[tuple[str, str], list[str]] = {}
    for entry in shown.expected:
        if entry.status == "blocked":
            reason = "".join(entry.reasons[:1])
            reason = "" if alone and reason in shown_above else reason
            legs.setdefault((entry.icon, reason), []).append(word(entry.name))
    return [
        f"{icon} blocked: {listed(names, 20)}{f', because {code(reason)}' if reason else ''}"
        for (icon, reason), names in legs.items()
    ]


def _leg(shown: Shown, entry: Entry, level: Level) -> Section:
    result = entry.result
    parts = [points(_reasons(shown, entry))]
    if result:
        parts += [*_tests(result, level), _fenced(failure_words.own(result), level)]
    parts.append(points(_repeat(_where(shown, entry), entry.repeat)))
    return Section(_title(entry), tuple(filter(None, parts)))


def _title(entry: Entry) -> str:
    count = entry.failing
    parts = [f"{counted(count, 'test')} failed"] if count else []
    if entry.status != "failed" or not count:
        parts.insert(0, STATUSES[entry.status].phrase)
    if entry.is_quarantined:
        parts.append("quarantined")
    return f"{entry.icon} {entry.name}: {', '.join(parts)}"


def _reasons(shown: Shown, entry: Entry) -> list[str]:
    lines = first(failure_words.reasons(entry.result) if entry.result else entry.reasons, MOST_REASONS)
    return lines + quarantines(entry, shown.posting)


def _tests(result: LegResult, level: Level) -> list[str]:
    """The first failing tests with the end of their traceback, the others in a line each."""
    failing = result.facts.failing
    tests = failing[: level.tests]
    hidden = max(result.facts.failing_count, len(failing)) - len(tests)
    long = [case for case in tests if case.detail.strip()][: level.excerpts]
    lines = [_in_one_line(case) for case in tests if case not in long]
    lines += [f"and {counted(hidden, 'more failing test')}"] if hidden and tests else []
    return [*(_in_full(case, level.lines) for case in long), points(lines)]


def _in_full(case: Case, count: int) -> str:
    lines = (f"    {line}" for line in failure_words.told(case, count))
    return fenced([one_line(case.title, TITLE_LIMIT) or "?", *lines])


def _in_one_line(case: Case) -> str:
    message = code(case.message.strip() or case.detail.strip().rpartition("\n")[2])
    place = f" at {code(case.place, TITLE_LIMIT)}" if case.place else ""
    return f"{code(case.title, TITLE_LIMIT) or '`?`'}{place}{f': {message}' if message else ''}"


def _fenced(texts: Sequence[str], level: Level) -> str:
    """The words of a program, or fewer of them: their end."""
    lines = excerpt("\n".join(texts), level.lines)
    return fenced(lines) if lines else ""


def _where(shown: Shown, entry: Entry) -> str:
    """Where there is more to see: the job's page, or the log in the run directory; the kept workspace."""
    leg = f"{entry.job}@{entry.os}"
    url = shown.posting.job_url(leg) if shown.posting else None
    if entry.result is None:
        return f"[its job]({url})" if url else ""
    log = f"[log]({url})" if url else f"log {code(f'{leg}/log.txt', TITLE_LIMIT)}"
    workspace = "" if shown.posting else code(entry.result.workspace or "", COMMAND)
    return f"{log}, workspace {workspace}" if workspace else log


def _repeat(where: str, command: str) -> list[str]:
    shown = code(command, COMMAND)
    return list(filter(None, [where, f"repeat: {shown}" if shown else ""]))
