"""What the test runners of a job load by themselves: a plugin for pytest, a preload and a reporter for node.

The files beside this one run in a job's processes, with nothing but what the runner brings, and never here: they are
copied into the job's own folder. Each run of tests leaves one file of records there; reports/runs.py reads them.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
FILES = ("sitecustomize.py", "phdb_ci_hook.py", "phdb_ci_recorder.py", "preload.cjs", "reporter.mjs")
RECORDS = "PHDB_CI_RECORDS"
SEPARATORS = {"PYTHONPATH": ":", "NODE_OPTIONS": " ", "PYTEST_ADDOPTS": " "}


def put(folder: Path, records: Path) -> None:
    """Copy the runners' files into a job's folder, and make the folder of its records."""
    folder.mkdir()
    records.mkdir()
    for name in FILES:
        shutil.copyfile(HERE / name, folder / name)


def put_into_venv(folder: Path, venv: Path) -> None:
    """Let every Python of a virtual environment load the hook, whatever PYTHONPATH says."""
    from phdb_ci.execution.runners.phdb_ci_hook import LINE, pth

    for site_packages in venv.glob("lib/python3*/site-packages"):
        (site_packages / LINE).write_text(pth(str(folder)), encoding="utf-8")


def variables(folder: Path, records: Path) -> dict[str, str]:
    """The variables that make Python and node load them."""
    return {
        RECORDS: str(records),
        "PYTHONPATH": str(folder),
        "NODE_OPTIONS": f"--require={quoted(folder / 'preload.cjs')}",
    }


def quoted(path: Path) -> str:
    """A path in double quotes, as every shell-like reader of a variable takes them (pytest and node do)."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def joined(env: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """The environment with more variables; what the job's row says in one that is a list stays behind ours."""
    both = {
        name: f"{more[name]}{separator}{env[name]}"
        for name, separator in SEPARATORS.items()
        if env.get(name) and name in more
    }
    return {**env, **more, **both}
