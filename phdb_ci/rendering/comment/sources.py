"""What was tested: every repo with its commit and its origin, every artifact and how it came to be."""

from collections.abc import Mapping

from phdb_ci.base.text import counted, cut, duration, listed
from phdb_ci.models.sources import Origin
from phdb_ci.models.verdict import Verdict, VerdictArtifact, VerdictSource
from phdb_ci.rendering.comment.entries import Shown
from phdb_ci.rendering.markdown import TITLE_LIMIT, Section, code, commit_link, compare_link, first, table, word

ORIGINS: Mapping[Origin, str] = {"pin": "pin", "ref": "override", "tree": "working tree", "folder": "folder"}
MOST, MOST_WARNINGS = 50, 10


def section(shown: Shown) -> Section:
    """Repos and artifacts of the run."""
    verdict = shown.verdict
    since = [_since_when(shown)] if verdict.baseline is not None else []
    rows = [_repo(shown, source) for source in verdict.sources[:MOST]]
    parts = [table(("repository", "commit", "taken from", *since), rows)]
    if verdict.artifacts:
        head = ("artifact", "digest", "how it came", "used by", "called")
        built = map(_artifact, verdict.artifacts[:MOST])
        parts.append(table(head, built, (":--", ":--", ":--", "--:", "--:")))
    return Section(_title(verdict), tuple(parts))


def in_one_line(verdict: Verdict) -> str:
    """The commits alone, for when there is no room for more."""
    commits = [f"{word(source.repo)} `{source.commit[:7]}`" for source in verdict.sources]
    return f"Sources: {listed(commits, 12) or 'none'}"


def warnings(verdict: Verdict) -> list[str]:
    """What a reader must know about the sources even with all sections closed."""
    lost = [
        f"{word(source.repo)} `{source.commit[:7]}` is on no branch, tag or pull request of its repository"
        for source in verdict.sources
        if not source.reachable
    ]
    return [f"⚠️ {line}" for line in (*lost[:MOST_WARNINGS], *first(verdict.notes, MOST_WARNINGS))]


def _title(verdict: Verdict) -> str:
    parts = [counted(len(verdict.sources), "repository", "repositories")]
    off = sum(_off_pin(verdict, source) for source in verdict.sources)
    parts += [f"{off} not at {'its' if off == 1 else 'their'} pin"] if off else []
    if verdict.baseline is not None:
        moved = sum(_before(verdict, source) is not None for source in verdict.sources)
        parts.append(f"{moved} moved since the baseline")
    parts += [f"{_called(artifact)} {artifact.status}" for artifact in verdict.artifacts[:4]]
    return f"Sources: {', '.join(parts)}"


def _since_when(shown: Shown) -> str:
    """`since run 4111`, and where the branch is known: `since the last run of main (4111)`."""
    run = code(shown.verdict.baseline or "", 60)
    branch = code(shown.posting.base or "", 60) if shown.posting else ""
    return f"since the last run of {branch} ({run or 'not known'})" if branch else f"since run {run}"


def _repo(shown: Shown, source: VerdictSource) -> tuple[str, ...]:
    verdict, posting = shown.verdict, shown.posting
    before = _before(verdict, source)
    web = source.web if source.web and (posting is None or posting.is_own(source.web)) else None
    moved = () if verdict.baseline is None else (_since(verdict, source, before, web),)
    name = f"**{word(source.repo)}**" if before else word(source.repo)
    return (name, commit_link(web, source.commit), _origin(verdict, source), *moved)


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
    before = verdict.baseline_commits.get(source.repo)
    return before if before != source.commit else None


def _since(verdict: Verdict, source: VerdictSource, before: str | None, web: str | None) -> str:
    if before is None:
        return "unchanged" if source.repo in verdict.baseline_commits else "not in the baseline"
    return compare_link(web, before, source.commit, f"{before[:7]}…{source.commit[:7]}")


def _called(artifact: VerdictArtifact) -> str:
    return f"{artifact.name} ({artifact.os})" if artifact.os else artifact.name


def _artifact(artifact: VerdictArtifact) -> tuple[str, ...]:
    how = f"built in {duration(artifact.seconds)}" if artifact.status == "built" else artifact.status
    reasons = listed(list(filter(None, map(code, artifact.why))), 3)  # of a failure they have a section
    digest = code(f"sha256:{cut(artifact.digest, 13)}", 40) if artifact.digest else "none"
    how = how if artifact.is_there else f"**{how}**"
    return (
        word(_called(artifact)), digest, f"{how}: {reasons}" if reasons else how,
        counted(len(artifact.used_by), "job"), counted(artifact.calls, "time") if artifact.calls else "",
    )  # fmt: skip
