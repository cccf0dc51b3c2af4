"""Rules about placeholders: each one in a command or a variable has a value when the job runs."""

from collections.abc import Iterator

from phdb_ci.matrix.locate import Path
from phdb_ci.matrix.problems import Problem
from phdb_ci.matrix.table import Table
from phdb_ci.models.matrix import is_folder
from phdb_ci.models.placeholders import placeholders

JOB_WORDS = ("data", "tmp", "home", "cpus")
BUILD_WORDS = ("build", "cpus")


def in_builds(root: Table) -> Iterator[Problem]:
    """The build commands of an artifact."""
    for artifact in root.tables("artifacts"):
        for path, text in artifact.texts("build"):
            needed = [output for name in artifact.words("needs") for output in _outputs(name, root)]
            yield from _unknown(path, text, (*BUILD_WORDS, *needed), {})


def in_faults(root: Table) -> Iterator[Problem]:
    """The commands that make broken variants: of an artifact's outputs, of a repo's tree."""
    for artifact in root.tables("artifacts"):
        outputs = artifact.words("outputs") or ("",)  # without any, which is a problem of its own, each may be meant
        known = tuple(f"{word}.{output}" for output in outputs for word in ("real", "out"))
        for path, text in artifact.texts("faults"):
            yield from _unknown(path, text, known, {})
    for repo in root.tables("repos"):
        for path, text in repo.texts("faults"):
            yield from _unknown(path, text, ("tree",), {})


def in_jobs(root: Table) -> Iterator[Problem]:
    """The environment, set-up and run commands of a job."""
    for job in root.tables("jobs"):
        services = [f"services.{name}" for name in job.words("services")]
        known = (*_repos(job, root), *_artifacts(job, root), *services, *JOB_WORDS)
        for path, text in job.texts("env", "setup", "run"):
            yield from _unknown(path, text, known, _advice(root))


def _repos(job: Table, root: Table) -> list[str]:
    """The job's repos. When it names one that is not there, any may be meant: that is one problem, not many."""
    used = tuple(name for name in job.words("repo", "with") if not is_folder(name))
    names = root.keys("repos")
    return [f"repos.{name}" for name in (used if set(used) <= set(names) else used + names)]


def _artifacts(job: Table, root: Table) -> list[str]:
    """Outputs and build directories of the job's artifacts; for one whose outputs are unknown, `NAME.`."""
    used, names = job.words("artifacts"), root.keys("artifacts")
    if not set(used) <= set(names):
        used += names
    builds = [f"{name}.build" for name in job.words("builds")]
    return builds + [output for name in used for output in _outputs(name, root) or [f"{name}."]]


def _outputs(artifact: str, root: Table) -> list[str]:
    outputs = root.table("artifacts").table(artifact).words("outputs")
    return [f"{artifact}.{kind}{output}" for output in outputs for kind in ("", "real.")]


def _advice(root: Table) -> dict[str, str]:
    """Placeholders that some job may have, and how this one would get them."""
    advice = {}
    for repo in root.keys("repos"):
        advice[f"repos.{repo}"] = f'repo {repo} is not in this job\'s workspace; add `with = ["{repo}"]`'
    for service in root.keys("services"):
        advice[f"services.{service}"] = f'the job uses no {service}; add `services = ["{service}"]`'
    for artifact in root.keys("artifacts"):
        use = f'the job does not use artifact {artifact}; add `artifacts = ["{artifact}"]`'
        advice |= dict.fromkeys(_outputs(artifact, root), use)
        advice[f"{artifact}.build"] = f'only a job that builds {artifact} has it; add `builds = ["{artifact}"]`'
    return advice


def _unknown(path: Path, text: str, known: tuple[str, ...], advice: dict[str, str]) -> Iterator[Problem]:
    loose = tuple(name for name in known if name.endswith("."))
    for name in dict.fromkeys(placeholders(text)):
        if name in known or name.startswith(loose):
            continue
        if name in advice:
            yield Problem(path, f"{{{name}}} has no value here: {advice[name]}")
            continue
        shown = f"{{{name[:60]}}}"
        message = f"there is no placeholder {shown}; braces that are plain text are written {{{shown}}}"
        yield Problem(path, message, got=f"{{{name}}}", near=tuple(f"{{{other}}}" for other in known))
