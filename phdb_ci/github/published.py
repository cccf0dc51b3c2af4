"""Artifacts that a repository's own workflow has published: taken when the key is the same; any other is built.

What makes one trustworthy: it comes from a run of that very workflow (`phdb-<artifact>.yml`), started by a push to the
tracked branch of the repository itself, by its clock or by hand, never by a pull request or from a fork; and its
manifest has this run's key; and GitHub attests that this workflow has made exactly these bytes. Whatever goes wrong
here is a note, and the artifact is built.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from phdb_ci.artifacts.bundle import LARGEST, SUFFIX, unpack
from phdb_ci.artifacts.store import load
from phdb_ci.base.files import write_whole
from phdb_ci.base.github_url import repository_of
from phdb_ci.errors import ArtifactError, PhdbError, ResultsError
from phdb_ci.github.archive import file_in
from phdb_ci.github.client import QUICK, Client, api_of
from phdb_ci.github.download import Expired, fetch
from phdb_ci.github.provenance import Builder, verify
from phdb_ci.github.runs import Run, artifacts_of, run_of
from phdb_ci.models.hosting import published_name
from phdb_ci.models.inventory import Stored
from phdb_ci.models.matrix import Matrix
from phdb_ci.models.plan import ArtifactNode, Plan

EVENTS = ("push", "schedule", "workflow_dispatch")  # that start the workflow that publishes
MOST = 10  # of one key that are looked at


def with_published(plan: Plan, matrix: Matrix, cache: Path, environ: Mapping[str, str]) -> Plan:
    """The plan, its builds replaced by what their repositories have published under the same key."""
    nodes, notes = [], list(plan.notes)
    for node in plan.artifacts:
        published = None
        if node.action == "build":
            try:
                published = _published(node, matrix, cache, environ)
            except PhdbError as error:
                notes.append(f"{node.name}: nothing that was published is taken: {error.message}")
        nodes.append(published or node)
    return plan.model_copy(update={"artifacts": tuple(nodes), "notes": tuple(notes)})


def _published(node: ArtifactNode, matrix: Matrix, cache: Path, environ: Mapping[str, str]) -> ArtifactNode | None:
    """The node with the newest of what was published that can be taken. Raises the first error when all have one."""
    repo = matrix.repos[matrix.artifacts[node.name].repo]
    repository, token = repository_of(repo.url), environ.get("GITHUB_TOKEN", "")
    if repository is None or not token:
        return None
    client = Client(api_of(environ), token, repository, QUICK)
    builder = Builder(repository, _workflow(node), repo.track)
    errors = []
    with client.asking(f"artifacts of {repository}", "actions: read"):
        for run, artifact in _candidates(client, node, builder):
            try:
                file = _fetched(client, artifact, node, cache / "given")
                verify(file, builder, environ)
                stored = _unpacked(file, node)
            except Expired:
                continue
            except (ArtifactError, ResultsError) as error:
                errors.append(error)
                continue
            reason = f"published by {repository}, run {run.id}, under the same key"
            return node.model_copy(update={"action": "published", "stored": stored, "why": (reason,)})
    if errors:
        raise errors[0]
    return None


def _workflow(node: ArtifactNode) -> str:
    return f".github/workflows/phdb-{node.name}.yml"


def _candidates(client: Client, node: ArtifactNode, builder: Builder) -> Iterator[tuple[Run, int]]:
    name = published_name(node.name, node.key)
    # By the workflow that publishes, on the tracked branch of the repository itself.
    right = (builder.workflow, builder.branch, client.name, "success")
    runs = {artifact.id: artifact.workflow_run.id for artifact in artifacts_of(client, name) if artifact.workflow_run}
    for artifact in sorted(runs, reverse=True)[:MOST]:
        run = run_of(client, runs[artifact])
        if run.event in EVENTS and (run.path, run.branch, run.home, run.conclusion) == right:
            yield run, artifact


def _fetched(client: Client, artifact: int, node: ArtifactNode, folder: Path) -> Path:
    """The file that was published, byte by byte: what is verified is what is handed on."""
    archive = fetch(client, artifact, limit=LARGEST)
    data = file_in(archive, name=f"{node.name}{SUFFIX}", limit=LARGEST)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{node.name}-{hashlib.sha256(data).hexdigest()[:32]}{SUFFIX}"
    write_whole(file, data)
    return file


def _unpacked(file: Path, node: ArtifactNode) -> Stored:
    stored = load(unpack(file, file.parent))
    if stored.key != node.key or stored.artifact != node.name:
        raise ArtifactError(f"it has another key than its name says: {stored.key[:12]}, not {node.key[:12]}")
    return stored.model_copy(update={"bundle": file})
