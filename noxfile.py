"""The front door: `nox -l` lists the sessions, `nox -s NAME -- OPTIONS` runs one.

One session per gate and per job of matrix.toml, generated; and those below. Each installs the project into the
session's own environment and calls `phdb-ci` with what stands behind `--`. What runs when is phdb-ci's business.
"""

import hashlib
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]

MATRIX = tomllib.loads(Path("matrix.toml").read_text(encoding="utf-8"))
PYPROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, *groups: str, editable: bool = True) -> None:
    """Install the project and its dependency groups; nothing when pyproject.toml has not changed."""
    stamp = Path(session.create_tmp()).parent / f"phdb-ci-{'-'.join(groups) or 'run'}.stamp"
    digest = hashlib.sha256(Path("pyproject.toml").read_bytes() + Path("noxfile.py").read_bytes()).hexdigest()
    if editable and stamp.exists() and stamp.read_text() == digest and Path(session.bin, "phdb-ci").exists():
        return
    wanted = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install(*(["-e"] if editable else ["--reinstall" if session.venv_backend == "uv" else "--force-reinstall"]),
                    ".", *wanted)  # fmt: skip
    stamp.write_text(digest)


def _phdb(session: nox.Session, *arguments: str) -> None:
    _install(session)
    session.run("phdb-ci", *arguments, *session.posargs)


def _runs(name: str, summary: str) -> None:
    """Make the session of one gate or job; its name keeps the hyphens that a function's name cannot have."""

    def session(session: nox.Session) -> None:
        _phdb(session, "run", name)

    session.__doc__ = summary
    nox.session(name=name)(session)


for _name, _gate in MATRIX["gates"].items():
    _runs(_name, f"gate: {_gate.get('summary', '')}")
for _name, _job in MATRIX["jobs"].items():
    _runs(_name, f"job: {_job['summary']}")


@nox.session
def demo(session: nox.Session) -> None:
    """Run pr-gate on the stand-in stack: a real engine, supervisor, bridge and benchmark of our own."""
    _phdb(session, "run", "pr-gate", "--stack", "tests/stack")


@nox.session
def doctor(session: nox.Session) -> None:
    """Whether this machine has what the matrix needs."""
    _phdb(session, "doctor")


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests: `nox -s tests -- -m "not slow"` for the quick ones."""
    _install(session, "tests")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style with ruff and types with strict mypy."""
    _install(session, "lint", "tests")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure this tool against the bare commands and its peers, side by side; prints ratios first."""
    _install(session, "benchmark", editable=False)
    session.run("python", "-m", "tests.benchmark", *session.posargs)
