"""The front door: `nox -l` lists the sessions, `nox -s NAME -- OPTIONS` runs one.

One session per gate and per job of matrix.toml, generated; and those below. Each installs the project into the
session's own environment and calls `phdb-ci` with what stands behind `--`. What runs when is phdb-ci's business.
"""

import hashlib
import signal
import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

try:
    import tomllib
except ModuleNotFoundError:
    sys.exit(
        f"phdb-ci needs Python 3.11 or newer, and nox runs on {sys.version.split()[0]}: install nox for a newer one"
    )

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]

MATRIX = tomllib.loads(Path("matrix.toml").read_text(encoding="utf-8"))
PYPROJECT = nox.project.load_toml("pyproject.toml")
PASSED_ON = (2, 3, 130)  # exit codes: usage, machine, interrupted; they concern more than one session

signal.signal(signal.SIGTERM, signal.default_int_handler)  # else nox dies of it and leaves what it started behind


def _install(session: nox.Session, *groups: str, editable: bool = True) -> None:
    """Install the project and its dependency groups; nothing when pyproject.toml has not changed.

    Nothing either with `--no-venv`, as on GitHub: there requirements.lock has installed all that phdb-ci needs.
    """
    if session.venv_backend == "none":
        return
    stamp = Path(session.virtualenv.location) / f"phdb-ci-{'-'.join(groups) or 'run'}.stamp"
    digest = hashlib.sha256(Path("pyproject.toml").read_bytes() + Path("noxfile.py").read_bytes()).hexdigest()
    if editable and stamp.exists() and stamp.read_text() == digest and Path(session.bin, "phdb-ci").exists():
        return
    wanted = nox.project.dependency_groups(PYPROJECT, *groups)
    session.install(*(["-e", "."] if editable else _compiled(session)), *wanted)
    stamp.write_text(digest)


def _compiled(session: nox.Session) -> list[str]:
    """The project as users have it, with its bytecode, and anew each time; pip does both by itself."""
    options = ["--compile-bytecode", "--reinstall-package=phdb-ci"] if session.venv_backend == "uv" else []
    return [*options, "."]


def _phdb(session: nox.Session, *arguments: str) -> None:
    """Run phdb-ci. It gets half a minute to end its jobs and write a verdict when nox is interrupted."""
    _install(session)
    try:
        session.run("python", "-m", "phdb_ci", *arguments, *session.posargs, terminate_timeout=30)
    except CommandFailed as failed:
        code = getattr(failed, "return_code", None)  # not in every version of nox that will do
        if code not in PASSED_ON:
            raise
        raise SystemExit(code) from failed


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
for _name in MATRIX.get("artifacts", {}):
    _runs(_name, f"artifact: build it, or take it from the store; `--out DIR` leaves DIR/{_name}/{_name}.tar")


@nox.session
def render(session: nox.Session) -> None:
    """Render the workflow files from matrix.toml: `-- --check` compares, `-- --to lis=DIR` fills a checkout."""
    _phdb(session, "render")


@nox.session
def verdict(session: nox.Session) -> None:
    """Give the verdict over results of other machines: `-- RESULTS_DIR --gate pr-gate`."""
    _phdb(session, "verdict")


@nox.session
def publish(session: nox.Session) -> None:
    """Publish a verdict on GitHub: the pull request's one comment and two commit statuses; `-- --dry-run` shows it."""
    _phdb(session, "publish")


@nox.session
def prove(session: nox.Session) -> None:
    """What does each job notice? `-- smoke --check`; `-- --write proofs.json --page docs/proofs.md` keeps it."""
    _phdb(session, "prove")


@nox.session
def dod(session: nox.Session) -> None:
    """The programme's definition of done, and the evidence for each answer; `-- --markdown` for an issue."""
    _install(session)
    session.run("python", "-P", "checks/definition_of_done.py", *session.posargs)


@nox.session(name="contracts-diff", venv_backend="none")
def contracts_diff(session: nox.Session) -> None:
    """What the programs of two runs answer, compared: `-- OLD NEW`, each a run directory or a record."""
    session.run(sys.executable, "checks/contracts/diff.py", *session.posargs)


@nox.session
def bump(session: nox.Session) -> None:
    """Move pins to their tracked branch: `-- lidb`, `-- self`, `-- --actions --check`."""
    _phdb(session, "bump")


@nox.session
def demo(session: nox.Session) -> None:
    """Run pr-gate on the stand-in stack: a real engine, supervisor, bridge and benchmark of our own."""
    _phdb(session, "run", "pr-gate", "--stack", "tests/stack")


@nox.session
def plan(session: nox.Session) -> None:
    """Show what would run, on which commits, and why: `nox -s plan -- pr-gate`."""
    _phdb(session, "plan")


@nox.session
def cache(session: nox.Session) -> None:
    """Show what the cache holds: `nox -s cache -- --prune` shrinks it."""
    _phdb(session, "cache")


@nox.session
def doctor(session: nox.Session) -> None:
    """Whether this machine has what the matrix needs."""
    _phdb(session, "doctor")


@nox.session
def unit(session: nox.Session) -> None:
    """The quick tests: functions of records, rules, pages; no job runs."""
    _install(session, "tests")
    session.run("pytest", "-n", "auto", "tests/unit", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests of the project but those of its workflows (`lint`, `act`)."""
    _install(session, "tests")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def long(session: nox.Session) -> None:
    """Tests that hold a promise of `tests` or `act` in more ways, each by a whole run."""
    _install(session, "act", "tests")
    places = ("tests/act", "tests/integration")
    session.run("pytest", "-n", "auto", "-m", "long", *places, *session.posargs, env={"PHDB_CI_ACT": "1"})


@nox.session
def breaks(session: nox.Session) -> None:
    """Can each case of the contracts fail? The stand-in stack broken in one place, some fifty times."""
    _install(session, "tests")
    session.run("pytest", "-n", "auto", "-m", "breaks", "tests/checks", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style with ruff, types with strict mypy, and the rendered workflows with every linter and our own rules."""
    _install(session, "lint", "tests")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("pytest", "tests/linting")


@nox.session
def act(session: nox.Session) -> None:
    """Run the rendered workflows for real, on the stand-in stack, in the place of GitHub."""
    _install(session, "act", "tests")
    session.run("pytest", "tests/act", "-n", "auto", *session.posargs, env={"PHDB_CI_ACT": "1"})


@nox.session
def fakegreen(session: nox.Session) -> None:
    """Known ways to look green without having tested: caught, missed, false alarms, and what a plain CI says."""
    _install(session, "tests")
    session.run("python", "-m", "tests.fakegreen", *session.posargs)


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure this tool against the bare commands and its peers, side by side; prints ratios first."""
    _install(session, "benchmark", editable=False)
    session.run("python", "-m", "tests.benchmark", *session.posargs)
