"""A build of another commit, to be put where the artifact was: does anybody notice that it is not the one?

The other commit is the newest ancestor whose build differs. A repo that has no such ancestor (a plain directory has one
commit) gets one of its own: the same tree with a line more in one source, so that the compiler makes another file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from phdb_ci.artifacts.store import measure
from phdb_ci.base.locks import locked
from phdb_ci.errors import Interrupted
from phdb_ci.execution.artifact import BuildError, compile_at
from phdb_ci.execution.context import Context
from phdb_ci.execution.process import Log
from phdb_ci.execution.workspace import BuildPlace
from phdb_ci.models.matrix import Artifact
from phdb_ci.models.plan import ArtifactNode
from phdb_ci.models.sources import Source
from phdb_ci.sources.git import ancestors, commit_with, files_of

SOURCES = (".c", ".cc", ".cpp", ".cxx")
LINE = b'\n__attribute__((used)) static const char phdb_ci_other_commit[] = "another commit";\n'
MOST = 5  # builds that are tried


def build_other(
    context: Context, name: str, sound: Mapping[str, str]
) -> tuple[str, Mapping[str, Path]] | None:
    """A commit and the outputs of its build, by name; None when none differs from `sound` (sha256 by output)."""
    artifact = context.matrix.artifacts[name]
    source = context.plan.sources.repos[artifact.repo]
    node = next(node for node in context.plan.artifacts if node.name == name)
    folder = context.out / f"{name}-of-another-commit"
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder / "log.txt", context.masked)
    try:
        for commit in _others(source, artifact):
            place = _built(context, node, source, commit, log)
            if (
                place
                and (found := measure(place.build, artifact.outputs)) != sound
                and "missing" not in found.values()
            ):
                return commit, {output: place.build / output for output in artifact.outputs}
    finally:
        log.close()
    return None


def _others(source: Source, artifact: Artifact) -> Iterator[str]:
    yield from ancestors(source.objects, source.commit, artifact.inputs, MOST)
    files = files_of(source.objects, source.commit, artifact.inputs)
    file = next((name for name in files if name.endswith(SOURCES)), None)
    if file:
        yield commit_with(source.objects, source.commit, file, LINE)


def _built(context: Context, node: ArtifactNode, source: Source, commit: str, log: Log) -> BuildPlace | None:
    """Build that commit in a place of its own in the cache, unless an earlier run has; None when it does not build."""
    place = BuildPlace.of(context.cache, f"{node.name}-other", commit)
    other = source.model_copy(update={"commit": commit})
    sources = context.plan.sources.model_copy(
        update={"repos": {**context.plan.sources.repos, source.repo: other}}
    )
    own = replace(context, plan=context.plan.model_copy(update={"sources": sources}))
    with locked(place.lock, context.waiting, context.interrupted) as held:
        if place.ready.exists():
            return place
        try:
            compile_at(own, node, place, held, log)
        except BuildError as error:
            log.line(str(error))
            if context.interrupted():
                raise Interrupted("interrupted while another commit was built") from error
            return None
        place.ready.touch()
    return place
