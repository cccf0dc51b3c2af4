"""The linters that others wrote: each runs once over all files, and its JSON becomes findings.

Only those of this Python's own environment are used, so that their versions are the pinned ones; one that is not there
is an error. None reaches a network: each is told so, gets no token, and a proxy that does not exist.
"""

import json
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.linting.workflow import Finding

HERE = Path(sysconfig.get_path("scripts"))
CONFIG = Path(__file__).with_name("jactionlint.yaml")
NOWHERE = "http://127.0.0.1:9"
ENV = {
    "PATH": f"{HERE}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
    "http_proxy": NOWHERE, "https_proxy": NOWHERE, "HTTPS_PROXY": NOWHERE,
}  # fmt: skip
AUDITED = re.compile(r"completed (?:\./)?(\S+)$", re.MULTILINE)

Run = Callable[[Path, Sequence[str]], Iterator[Finding]]


def check(root: Path, files: Sequence[str]) -> list[Finding]:
    """Everything that the tools find in these files below `root`."""
    with ThreadPoolExecutor() as pool:
        return sorted(found for one in pool.map(lambda tool: list(tool(root, files)), TOOLS) for found in one)


def program(name: str) -> str:
    """Where a tool is. Raises FileNotFoundError: a linter that is absent has checked nothing."""
    place = HERE / name
    if not place.is_file():
        raise FileNotFoundError(f"{name} is not in {HERE}: `nox -s lint` installs it")
    return str(place)


def zizmor(root: Path, files: Sequence[str]) -> Iterator[Finding]:
    """Security, as strictly as it can. It passes over a file that it cannot read: that is a finding here."""
    options = ("--offline", "--no-config", "--no-progress", "--persona=auditor", "--no-exit-codes", "--format=json")
    done = _run(root, [program("zizmor"), *options, "--collect=all", "."], codes=(0,))
    for row in json.loads(done.stdout):
        places = row["locations"]
        place = next((one for one in places if one["symbolic"]["kind"] == "Primary"), places[0])
        file = place["symbolic"]["key"]["Local"]["verbatim_path"].removeprefix("./")
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        text = f"{row['desc']}: {place['symbolic']['annotation']}"
        yield Finding("zizmor", row["ident"], file, line, text)
    audited = set(AUDITED.findall(done.stderr))
    for file in files:
        if file not in audited:
            yield Finding("zizmor", "not-audited", file, 1, "it could not be read")


def actionlint(root: Path, files: Sequence[str]) -> Iterator[Finding]:
    """Syntax, expressions, and shellcheck over every script."""
    argv = [program("actionlint"), "-shellcheck", program("shellcheck"), "-pyflakes", "", "-format", "{{json .}}"]
    for row in json.loads(_run(root, [*argv, *files]).stdout):
        yield Finding("actionlint", row["kind"], row["filepath"], row["line"], row["message"])


def jactionlint(root: Path, files: Sequence[str]) -> Iterator[Finding]:
    """Syntax, expressions and security in one."""
    program("shellcheck")
    options = ("--no-online", f"--config-file={CONFIG}", "--format=json")
    for row in json.loads(_run(root, [program("jactionlint"), *options, *files]).stdout):
        yield Finding("jactionlint", row["id"], row["filepath"], row["line"], row["message"])


def schema(root: Path, files: Sequence[str]) -> Iterator[Finding]:
    """SchemaStore's schema of workflows, as check-jsonschema brings it along. It names no lines."""
    options = ("--builtin-schema", "vendor.github-workflows", "--output-format", "json")
    told: dict[str, Any] = json.loads(_run(root, [program("check-jsonschema"), *options, *files]).stdout)
    for row in told["errors"]:
        worst = row.get("best_deep_match", row)
        yield Finding("schema", "shape", row["filename"], 0, f"{worst['path']}: {worst['message']}")
    for row in told.get("parse_errors", ()):
        yield Finding("schema", "syntax", row["filename"], 0, row["message"])


TOOLS: tuple[Run, ...] = (zizmor, actionlint, jactionlint, schema)


def _run(root: Path, argv: Sequence[str], codes: Sequence[int] = (0, 1)) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        argv, cwd=root, env=ENV, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )
    if done.returncode not in codes:
        raise RuntimeError(f"{Path(argv[0]).name} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"[:4000])
    return done
