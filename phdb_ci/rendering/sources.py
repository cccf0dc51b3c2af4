"""What was tested: every repo with its commit and its origin, every artifact and how it came to be."""

from dataclasses import dataclass

from phdb_ci.base.text import counted, cut
from phdb_ci.models.posting import Posting
from phdb_ci.models.verdict import Verdict, VerdictArtifact, VerdictSource
from phdb_ci.rendering.markdown import TITLE_LIMIT, cells, code, commit_link, compare_link, word
from phdb_ci.rendering.table import Table
from phdb_ci.rendering.words import clock, listed

ORIGINS = {
    "pin": "pin",
    "ref": "override",
    "tree": "working tree",
    "depends-on": "depends on",
    "folder": "folder",
}
MOST, MOST_WARNINGS = 50, 10


@dataclass(frozen=True)
class SourcesView:
    """The section: title, a table of repos, a table of artifacts (its rows alone: the head is fixed)."""

    title: str
    repos: Table
    artifacts: tuple[tuple[str, ...], ...]


def sources(verdict: Verdict, posting: Posting | None = None) -> SourcesView:
    """Repos and artifacts of the run."""
    since = [_since_when(verdict.baseline, posting)] if verdict.baseline is not None else []
    head = cells("repository", "commit", "taken from", *since)
    rows = tuple(_repo(verdict, source, posting, compared=bool(since)) for source in verdict.sources[:MOST])
    repos = Table(head, tuple(":--" for _ in head), rows)
    return SourcesView(_title(verdict), repos, tuple(map(_artifact, verdict.artifacts[:MOST])))


def in_one_line(verdict: Verdict) -> str:
    """The commits alone, for when there is no room for more."""
    commits = [f"{word(one.repo)} `{one.commit[:7]}`" for one in verdict.sources]
    return f"Sources: {listed(commits, 12) or 'none'}"


def warnings(verdict: Verdict) -> list[str]:
    """What a reader must know about the sources even with all sections closed."""
    notes = [note for note in (code(note) for note in verdict.notes[:MOST_WARNINGS]) if note]
    if len(verdict.notes) > MOST_WARNINGS:
        notes.append(f"and {len(verdict.notes) - MOST_WARNINGS} more")
    lost = [
        f"{word(one.repo)} `{one.commit[:7]}` is on no branch, tag or pull request of its repository"
        for one in verdict.sources
        if not one.reachable
    ]
    return [*lost[:MOST_WARNINGS], *notes]


def _title(verdict: Verdict) -> str:
    parts = [counted(len(verdict.sources), "repository", "repositories")]
    off = sum(_off_pin(verdict, one) for one in verdict.sources)
    parts += [f"{off} not at {'its' if off == 1 else 'their'} pin"] if off else []
    if verdict.baseline is not None:
        parts.append(
            f"{sum(_before(verdict, one) is not None for one in verdict.sources)} moved since the baseline"
        )
    parts += [f"{_called(one)} {one.status}" for one in verdict.artifacts[:4]]
    return f"Sources: {', '.join(parts)}"


def _since_when(baseline: str, posting: Posting | None) -> str:
    """`since run 4111`, and where the branch is known: `since the last green run of main (4111)`."""
    run, branch = code(baseline, 60), code(posting.base or "", 60) if posting else ""
    return f"since the last green run of {branch} ({run or 'not known'})" if branch else f"since run {run}"


def _repo(
    verdict: Verdict, source: VerdictSource, posting: Posting | None, *, compared: bool
) -> tuple[str, ...]:
    before = _before(verdict, source)
    web = source.web if source.web and (posting is None or posting.is_own(source.web)) else None
    moved = (_since(verdict, source, before, web),) if compared else ()
    name = f"**{word(source.repo)}**" if before else word(source.repo)
    return cells(name, commit_link(web, source.commit), _origin(verdict, source), *moved)


def _off_pin(verdict: Verdict, source: VerdictSource) -> bool:
    """Whether a commit is another than its pin; no commit of a stand-in could be one."""
    return verdict.stack != "stand-in" and source.pin not in (None, source.commit)


def _origin(verdict: Verdict, source: VerdictSource) -> str:
    words = [ORIGINS[source.origin]]
    if source.origin != "pin":
        words[0] = f"{words[0]} {code(source.via, TITLE_LIMIT)}".rstrip()
    if source.dirty:
        words.append("**with uncommitted changes**")
    if source.pin and _off_pin(verdict, source):
        words.append(f"the pin is `{source.pin[:7]}`")
    if not source.reachable:
        words.append("⚠️ on no branch, tag or pull request of its repository")
    return ", ".join([*words, *filter(None, (code(note, TITLE_LIMIT) for note in source.notes[:3]))])


def _before(verdict: Verdict, source: VerdictSource) -> str | None:
    """The baseline's commit of a repo that has moved."""
    before = verdict.baseline_commits.get(source.repo)
    return before if before != source.commit else None


def _since(verdict: Verdict, source: VerdictSource, before: str | None, web: str | None) -> str:
    if before is None:
        return "unchanged" if source.repo in verdict.baseline_commits else "not in the baseline"
    text = f"{before[:7]}…{source.commit[:7]}"
    return compare_link(web, before, source.commit, text)


def _called(artifact: VerdictArtifact) -> str:
    """`embed`, or `embed (macos-15)` where one run has it for several runners."""
    return f"{artifact.name} ({artifact.os})" if artifact.os else artifact.name


def _artifact(artifact: VerdictArtifact) -> tuple[str, ...]:
    how = f"built in {clock(artifact.seconds)}" if artifact.status == "built" else artifact.status
    why = listed([told for told in map(code, (*artifact.reasons, *artifact.why)) if told], 3)
    digest = code(f"sha256:{cut(artifact.digest, 13)}", 40) if artifact.digest else "none"
    return cells(
        word(_called(artifact)), digest, (how if artifact.is_there else f"**{how}**") + (f": {why}" if why else ""),
        counted(len(artifact.used_by), "job"), counted(artifact.calls, "time") if artifact.calls else "",
    )  # fmt: skip
