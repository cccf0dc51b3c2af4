"""The stand-in stack answers as the public programs do: the same fields, types, words, exit codes and names, both ways.

What they answer stands in tests/shapes, made from their own output. Where the stand-in promises more: its README.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from checks.contracts.answers import schema
from tests.integration.gate.bench import JUNK, ROOT, STACK

SHAPES: dict[str, dict[str, dict[str, Any]]] = {
    path.stem: tomllib.loads(path.read_text()) for path in sorted((ROOT / "tests" / "shapes").glob("*.toml"))
}
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
RUN = '{"run_id": "r-1", "agent_id": "a-1", "status": "running", "started_at": "2026-05-26T00:00:00Z"}'
# One call after the other on one data directory, by the name that its answer has in tests/shapes.
LIS = (
    ("status before start", "status"), ("migrate", "migrate"), ("start", "start"), ("status", "status"),
    ("stop", "stop"), ("status after stop", "status"), ("start control-plane-min", "start"),
)  # fmt: skip
BRIDGE = (
    ("probe", "probe"),
    ("upsert_agent_run", "upsert_agent_run", RUN), ("upsert_agent_run again", "upsert_agent_run", RUN),
    ("exec_sql", "exec_sql", "SELECT id, agent_id, status FROM agent_runs WHERE id = ?", '["r-1"]'),
    ("read_liq", "read_liq", "read agent_runs limit 50"),
    ("read_liq columns", "read_liq", "read agent_runs { id, agent_id, status }"),
    ("read_liq no such table", "read_liq", "read no_such { id }"),
    ("upsert_agent_run nothing", "upsert_agent_run", "{}"), ("no such command", "nope"), ("no command",),
    ("probe without engine", "probe"),
)  # fmt: skip
EXEC_JSON = (
    ("insert", "INSERT INTO packages (id, name) VALUES ('k1','demo')", "[]"),
    ("select", "SELECT id, name FROM packages", "[]"),
    ("select with a parameter", "SELECT name FROM packages WHERE id = ?", '["k1"]'),
)
CONTRACTS = {
    "start": "lis-start", "status": "lis-status", "migrate": "lis-migrate", "stop": "lis-stop",
    "compare": "tier-db-registry",
}  # fmt: skip


@dataclass(frozen=True)
class Programs:
    """The stand-in's programs over one data directory."""

    folder: Path
    env: Mapping[str, str]

    def call(self, *argv: str | Path, stdin: str = "", **variables: str) -> "subprocess.CompletedProcess[str]":
        """One call, to its end."""
        env = {**self.env, **variables}
        return subprocess.run(argv, cwd=self.folder, env=env, input=stdin, capture_output=True, text=True, check=False)

    def embed(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """`lidb_embed`, its data directory behind the verb."""
        verb, *values = arguments
        return self.call(self.env["LIDB_EMBED"], verb, self.env["LI_DATA_DIR"], *values, stdin=stdin)


@pytest.fixture
def programs(tmp_path: Path, engine: Path) -> Programs:
    """On a fresh data directory."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LI_", "LIDB_", "PYTEST_"))}
    env |= {"LIDB_REPO": f"{STACK}/lidb", "LI_LIDB_REPO": f"{STACK}/lidb", "LIDB_EMBED": str(engine)}
    env |= {"LI_DATA_DIR": f"{tmp_path}/data", "PYTHONPATH": f"{STACK}/lis", "PYTHONDONTWRITEBYTECODE": "1"}
    return Programs(tmp_path, env)


def test_lis_answers_as_the_public_one(programs: Programs) -> None:
    def call(name: str, command: str) -> "subprocess.CompletedProcess[str]":
        profile = "control-plane-min" if "control-plane" in name else "registry-min"
        return programs.call(sys.executable, "-m", "lis.cli", "db", command, "--json", LI_PROFILE=profile)

    assert_same("lis", ((name, call(name, command)) for name, command in LIS))


def test_bridge_answers_as_the_public_one(programs: Programs) -> None:
    script = STACK / "li-cursor-agents" / "scripts" / "lidb-liorm-bridge.py"

    def call(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        engine = {"LIDB_EMBED": "/bin/false"} if name == "probe without engine" else {}
        return programs.call(sys.executable, script, *arguments, **engine)

    assert_same("bridge", ((name, call(name, *arguments)) for name, *arguments in BRIDGE))


def test_exec_json_answers_as_the_public_one(programs: Programs) -> None:
    programs.embed("migrate")
    calls = ((name, programs.embed("exec-json", sql, stdin=stdin)) for name, sql, stdin in EXEC_JSON)
    assert_same("exec-json", calls)


def test_engine_says_what_the_public_one_says(programs: Programs) -> None:
    opened, migrated = programs.embed("open"), programs.embed("migrate")
    catalog = re.escape(f"{programs.folder}/data/.lidb/catalog.heap")
    assert re.fullmatch(rf'open ok wal_lsn=\d+ catalog="{catalog}" backend=native\n', opened.stdout)
    assert migrated.stdout == "migrate ok\n"
    failed, unknown = programs.embed("exec-json", "NOT SQL"), programs.embed("nope")
    assert (failed.returncode, failed.stdout, failed.stderr[:11]) == (1, "", "exec failed")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert re.match(r"lidb_embed open\|migrate\|exec\|exec-json\b.* <data-dir> \[sql\]\n", unknown.stderr)


def test_manifest_is_written_as_the_public_one(tmp_path: Path) -> None:
    copytree(STACK / "benchmarks", tmp_path / "benchmarks", ignore=JUNK)
    manifest = tmp_path / "benchmarks" / "data" / "latest" / "tier-db-registry.json"
    expected, tracked = SHAPES["manifest"]["validate-only"], json.loads(manifest.read_text())
    env = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["bash", "scripts/run-db-registry-bench.sh"], cwd=tmp_path / "benchmarks", env=env, check=True)
    written = json.loads(manifest.read_text())
    assert differences(expected, tracked) == differences(expected, written) == []
    assert written["generated_at"] > tracked["generated_at"]


def test_measured_manifest_is_written_as_the_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_DB_REGISTRY_THRESHOLD", "1000000")
    path = STACK / "benchmarks" / "benchmarks" / "tier_db_registry" / "harness" / "manifest.py"
    found = importlib.util.spec_from_file_location("stand_in_manifest", path)
    assert found is not None
    assert found.loader is not None
    harness: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(harness)
    times = {"lidb": {"p50_ms": 18.5, "p95_ms": 29.5}, "postgres": {"p50_ms": 1.5, "p95_ms": 1.75}}
    measured = dict.fromkeys(harness.SCENARIOS, times)
    manifest = harness.build(harness.load_suite(), "ci", "compare", measured)
    harness.check(manifest)
    assert differences(SHAPES["manifest"]["compare"], manifest) == []


def test_suites_of_the_agents_have_the_public_names(programs: Programs) -> None:
    agents = programs.folder / "li-cursor-agents"
    copytree(STACK / "li-cursor-agents", agents, ignore=JUNK)
    report = programs.folder / "report.xml"
    options = f"--test-reporter=junit --test-reporter-destination={report}"
    done = programs.call(
        "npm", "--prefix", str(agents), "run", "test:e2e:lidb-engine", NODE_OPTIONS=options, TMPDIR=str(programs.folder)
    )
    assert done.returncode == 0, done.stdout
    suites = {}
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - as above
        names: dict[bool, list[str | None]] = {True: [], False: []}
        for case in suite.iter("testcase"):
            names[case.find("skipped") is not None].append(case.get("name"))
        suites[suite.get("name")] = {"cases": names[False], "todo": names[True]}
    assert suites == SHAPES["e2e"]


@pytest.mark.parametrize("name", [*SHAPES["lis"], "compare"])
def test_schema_knows_what_is_answered_and_wants_no_more(name: str) -> None:
    answered = SHAPES["lis" if name in SHAPES["lis"] else "manifest"][name].keys() - {"exit"}
    known = dict(walk_schema(schema(CONTRACTS[name.split(maxsplit=1)[0]]), "$"))
    wanted = {path for path, must in known.items() if must and path.rpartition(".")[0] in answered}
    assert wanted <= answered
    assert {path for path in answered if not path.endswith(("[]", "$"))} <= known.keys()


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda answer: answer.pop("b"), '$.b: "x" expected, got nothing'),
        (lambda answer: answer.update(d=1), "$.d: nothing expected, got integer"),
        (lambda answer: answer.update(a="1"), "$.a: integer expected, got string"),
        (lambda answer: answer.update(b="y"), '$.b: "x" expected, got "y"'),
        (lambda answer: answer["c"][1].pop("e"), "$.c[].e: boolean expected, got boolean, not in every one"),
    ],
    ids=["missing", "extra", "type", "word", "missing in one"],
)  # fmt: skip
def test_difference_is_named(change: Callable[[dict[str, Any]], object], difference: str) -> None:
    expected = {"$": "object", "$.a": "integer", "$.b": '"x"', "$.c": "array", "$.c[]": "object", "$.c[].e": "boolean"}
    answer: dict[str, Any] = {"a": 5, "b": "x", "c": [{"e": True}, {"e": False}]}
    assert differences(expected, answer) == []
    change(answer)
    assert differences(expected, answer) == [difference]


def assert_same(program: str, calls: Iterator[tuple[str, "subprocess.CompletedProcess[str]"]]) -> None:
    """Every answer of a program has its shape and its exit code, and every shape an answer."""
    names = []
    for name, done in calls:
        names.append(name)
        expected = SHAPES[program][name]
        assert done.returncode == expected["exit"], f"{name}: {done.stdout}{done.stderr}"
        assert differences(expected, json.loads(done.stdout)) == [], name
    assert sorted(names) == sorted(SHAPES[program])


def differences(expected: Mapping[str, Any], answer: Any) -> list[str]:
    """Where an answer is not of a shape, a line per field."""
    given = shape(answer)
    fields = {path: str(value) for path, value in expected.items() if path != "exit"}
    lines = []
    for path in sorted(fields.keys() | given.keys()):
        wanted, kinds = fields.get(path, "nothing"), given.get(path, {"nothing": "nothing"})
        words = set(wanted.split(" | "))
        is_word = not words <= {*KINDS.values(), "null", "nothing"}
        got = " | ".join(sorted(set(kinds if is_word else kinds.values())))
        if got != wanted:
            lines.append(f"{path}: {wanted} expected, got {got}")
    return lines


def shape(answer: Any) -> dict[str, dict[str, str]]:
    """Per path every value as JSON, with its type; what is not in every item of a list says so."""
    seen: dict[str, dict[str, str]] = {}
    times: Counter[str] = Counter()
    for path, value in walk(answer, "$"):
        kind = KINDS.get(type(value), "null")
        seen.setdefault(path, {})[kind if isinstance(value, dict | list) else json.dumps(value)] = kind
        times[path] += 1
    for path, kinds in seen.items():
        parent = path.rpartition(".")[0]
        if parent and not path.endswith("[]") and times[path] < times[parent]:
            seen[path] = {word: f"{kind}, not in every one" for word, kind in kinds.items()}
    return seen


def walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value by its path."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, f"{path}[]")


def walk_schema(part: Mapping[str, Any], path: str) -> Iterator[tuple[str, bool]]:
    """Every field that a schema knows, and whether it must be there where its object is."""
    for branch in part.get("oneOf", ()):
        yield from walk_schema(branch, path)
    for name, inner in part.get("properties", {}).items():
        yield f"{path}.{name}", name in part.get("required", ())
        yield from walk_schema(inner, f"{path}.{name}")
    if "items" in part:
        yield from walk_schema(part["items"], f"{path}[]")
