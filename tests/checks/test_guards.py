"""Each guard holds on the stand-in stack, fails with file and line where it is broken, and lets what is honest through."""

# ruff: noqa: E501 - one broken or honest file per row reads better than its pieces

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from checks.guards import probes, rules
from checks.guards.manifests import green_without_measurement
from tests.integration.gate.bench import JUNK, STACK

SUITE = Path(rules.__file__).parent
STATIC = {rule.guard for rule in rules.rules()} | {"no-green-without-measurement"}
CI = "li-cursor-agents/.github/workflows/e2e.yml"
JOB = "on: push\njobs:\n  e2e:\n    runs-on: ubuntu-24.04\n    steps:\n"
ENGINE = "      - run: npm run test:e2e:lidb-engine\n"
CLIENT = "li-cursor-agents/src/db/client.ts"
LIC = "ghcr.io/li-langverse/lic-ci"
ROWS = "benchmarks/data/rows.json"
MANIFEST = "benchmarks/data/latest/tier-db-registry.json"
Files = Mapping[str, str | tuple[str, str]]

# It answers as the engine does and keeps nothing: these tests are about what the programs load and open.
ENGINE_PROGRAM = """\
#!/bin/sh
case "$1" in
  open) mkdir -p "$2/.lidb"; echo heap > "$2/.lidb/catalog.heap"; echo "open ok wal_lsn=1";;
  migrate) echo "migrate ok";;
  exec-json) cat >/dev/null; echo '{"rows":[],"affected":0}';;
esac
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Files], Path]:
    """Copies the stand-in stack, with these files written or a piece of them replaced, and gives its folder."""

    def written(files: Files) -> Path:
        for repo in rules.REPOS:
            shutil.copytree(STACK / repo, tmp_path / repo, ignore=JUNK)
            monkeypatch.setenv(f"GUARDS_{repo.upper().replace('-', '_')}", str(tmp_path / repo))
        for name, text in {"engine": ENGINE_PROGRAM, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.read_text().replace(*text, 1) if isinstance(text, tuple) else text)
        (tmp_path / "engine").chmod(0o755)
        for variable in ("GUARDS_EMBED", "GUARDS_EMBED_BINARY"):
            monkeypatch.setenv(variable, str(tmp_path / "engine"))
        return tmp_path

    return written


def breaches() -> dict[str, list[str]]:
    """What each guard finds in the files, without running anything."""
    found = {guard: rules.breaches(guard) for guard in STATIC}
    found["no-green-without-measurement"] += green_without_measurement("benchmarks")
    return {guard: lines for guard, lines in found.items() if lines}


def step(text: str) -> str:
    return JOB + f"      - {text}\n"


def manifest(scenario: Mapping[str, object] = {}, **changes: object) -> str:
    """A nightly manifest, measured, with changes."""
    engines = {"lidb": {"p95_ms": 1.0}, "postgres": {"p95_ms": 1.1}}
    row = {"id": "registry_publish", "status": "green", "engines": engines, "ratio_vs_postgres": 0.9091, **scenario}
    whole = {
        "tier": "tier_db_registry",
        "profile": "nightly",
        "engine_mode": "compare",
        "status": "pass",
        "scenarios": [row],
    }
    return json.dumps({**whole, **changes}, indent=1)


BROKEN = [
    # guard, file, text, line
    ("no-sqlite", "lis/requirements.txt", "psycopg\naiosqlite==0.20\n", 2),
    ("no-sqlite", "lis/package.json", '{\n "dependencies": {\n  "better-sqlite3": "^9"\n }\n}\n', 3),
    ("no-sqlite", "lis/pyproject.toml", ("dependencies = []", 'dependencies = [\n  "aiosqlite>=1",\n]'), 11),
    ("no-sqlite", "lis/docker/Dockerfile", "FROM debian\nRUN apt-get update && \\\n    apt-get install -y libsqlite3-dev\n", 2),
    ("no-sqlite", "lidb/.github/workflows/ci.yml", JOB + "      - run: |\n          true\n          sudo apt-get install -y sqlite3\n", 8),
    ("no-tcp-in-registry-min", "lis/docker/Dockerfile.supervisor", "FROM debian\nEXPOSE 54321\n", 2),
    ("no-tcp-in-registry-min", "lis/docker-compose.ph-db.yml", 'services:\n  lis-db:\n    environment: { LI_PROFILE: registry-min }\n    ports: ["5432:5432"]\n', 4),
    ("engine-e2e-not-silent", CI, JOB + ENGINE + "        continue-on-error: true\n", 7),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", "    continue-on-error: ${{ inputs.let_it_fail }}\n    steps") + ENGINE, 5),
    ("engine-e2e-not-silent", CI, JOB + ENGINE + "        if: false\n", 7),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", "    if: ${{ false }}\n    steps") + ENGINE, 5),
    ("engine-e2e-not-silent", CI, JOB + ENGINE + "        if: vars.RUN_ENGINE == '1'\n", 7),
    ("engine-e2e-not-silent", CI, step("run: npm run test:e2e:lidb-engine || true"), 6),
    ("engine-e2e-not-silent", CI, step("run: 'LI_E2E_LIDB_ENGINE=1 node --test tests/e2e || :'"), 6),
    ("engine-e2e-not-silent", CI, step("run: |\n          npm run test:e2e:lidb-engine \\\n            -- --only || echo failed"), 7),
    ("engine-e2e-not-silent", CI, step("run: |\n          set +e\n          npm run test:e2e:lidb-engine\n          echo done"), 7),
    ("engine-e2e-not-silent", CI, step("run: |\n          if ! npm run test:e2e:lidb-engine; then\n            echo '::warning::e2e'\n          fi"), 7),
    ("engine-e2e-not-silent", CI, step("run: npm run test:e2e:lidb-engine | tee log"), 6),
    ("engine-e2e-not-silent", CI, step("run: nox -s e2e-engine\n        continue-on-error: true # later"), 7),
    ("engine-e2e-not-silent", CI, step("run: export LI_LIDB_MOCK=1") + ENGINE, 6),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", '    env:\n      LI_LIDB_MOCK: "1"\n    steps') + ENGINE, 6),
    ("engine-e2e-not-silent", CI, "env: {LI_LIDB_MOCK: 1}\n" + JOB + ENGINE, 1),
    ("engine-e2e-not-silent", CI, "jobs:\n  a: {\n", None),
    ("engine-e2e-not-silent", "li-cursor-agents/.github/actions/e2e/action.yml", "runs:\n  using: composite\n  steps:\n    - run: npm run test:e2e:lidb-engine || true\n", 4),
    ("engine-e2e-not-silent", "li-cursor-agents/package.json", ('"test:e2e:lidb-engine": "', '"test:e2e:lidb-engine": "true || '), 12),
    ("engine-e2e-not-silent", "li-cursor-agents/scripts/e2e.sh", "set -e\nnpm run test:e2e:lidb-engine || true\n", 2),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", f"docker build -t {LIC}:latest .\n", 1),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", f"docker tag all {LIC}\n", 1),
    ("lic-ci-not-replaced", "lis/.github/workflows/i.yml", step(f"uses: docker/build-push-action@v6\n        with:\n          tags: |\n            {LIC}:ubuntu24"), 9),
    ("lic-ci-not-replaced", "lis/compose.yml", f"services:\n  ci:\n    build: .\n    image: {LIC}\n", 4),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ubuntu:24.04 AS lic-ci\n", 1),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ghcr.io/li-langverse/everything:1\n", 1),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ubuntu:24.04\nRUN apt-get install -y llvm-22\nCOPY lidb/ /opt/lidb\nCOPY lis/ /opt/lis\n", 2),
    ("no-green-without-measurement", "benchmarks/dashboard/tiers.json", ('"unknown"', '"pass"'), 5),
    ("no-green-without-measurement", ROWS, '{\n "tier_db_memory": {\n  "status": "green"\n }\n}\n', 3),
    ("no-green-without-measurement", ROWS, '{\n "tier_db_memory": "ok"\n}\n', 2),
    ("no-green-without-measurement", "benchmarks/data/rows.toml", '[[tiers]]\nid = "tier_db_registry"\nstatus = "green"\n', 3),
    ("no-green-without-measurement", MANIFEST, manifest({"ratio_vs_postgres": None}), 5),
    ("no-green-without-measurement", MANIFEST, manifest({"ratio_vs_postgres": 17.35, "engines": {"lidb": {"p95_ms": 17.35}, "postgres": {"p95_ms": 1}}}, threshold_ratio_vs_postgres=100), 5),
    ("no-green-without-measurement", MANIFEST, manifest({"engines": {"lidb": {"p95_ms": 1}, "postgres": {"p95_ms": None}}}), 5),
    ("no-green-without-measurement", MANIFEST, manifest({"engines": {"lidb": {"p95_ms": 1}, "postgres": {"p95_ms": 9}}}), 5),
    ("no-green-without-measurement", MANIFEST, manifest(engine_mode="lidb_only"), 5),
    ("no-green-without-measurement", MANIFEST, manifest(profile="ci"), 5),
    ("no-green-without-measurement", MANIFEST, manifest(scenarios=[]), 5),
    ("no-green-without-measurement", MANIFEST, "{", None),
    ("no-lip-v2-claim", "lidb/README.md", "# lidb\n\nThe lip registry v2 now runs on lidb.\n", 3),
    ("no-lip-v2-claim", "li-cursor-agents/README.md", "lidb powers the lip registry.\n", 1),
    ("no-wire-listener-claim", "lidb/README.md", "# lidb\n\nA database.\nIt speaks the Postgres wire protocol.\n", 4),
    ("no-wire-listener-claim", "lis/README.md", "## Status\n\n| what | state |\n|---|---|\n| PG wire listener | yes |\n", 5),
    ("no-wire-listener-claim", "lis/README.md", "## Features\n\n* Postgres wire protocol\n", 3),
    ("no-wire-listener-claim", "li-cursor-agents/package.json", ("Keeps the runs of agents in a control-plane store.", "A Postgres wire-compatible store."), 4),
    ("no-replication-claim", "lidb/README.md", "# lidb\n\nFast. And there\nis no lag: lidb supports streaming replication.\n", 4),
    ("no-replication-claim", "lidb/README.md", "The WAL is replicated\nto every host.\n", 1),
    ("no-replication-claim", "lidb/package.json", '{\n "keywords": ["db", "replication"]\n}\n', 2),
]  # fmt: skip

HONEST: list[tuple[str, str | tuple[str, str]]] = [
    ("lidb/README.md", "No sqlite3: it was removed. Install no sqlite3.\n"),
    ("lidb/.github/workflows/ci.yml", step("name: Assert no sqlite3\n        run: bash scripts/check_no_sqlite.sh")),
    ("lis/docker/Dockerfile", "FROM debian\n# EXPOSE 5432, install sqlite3: not here\nRUN apt-get install -y cmake\n"),
    ("lis/docker-compose.ph-db.yml", 'services:\n  lis-db:\n    environment: { LI_PROFILE: registry-min }\n  postgres-oracle:\n    ports: ["5432:5432"]\n'),
    (CI, JOB + ENGINE + "        # https://github.com/li-langverse/li-cursor-agents/issues/12\n        continue-on-error: true\n"),
    (CI, JOB + ENGINE + "        continue-on-error: true # https://github.com/x/y/issues/12\n"),
    (CI, JOB + ENGINE + "        continue-on-error: false\n        if: always()\n"),
    (CI, JOB + ENGINE + "      - run: rm x || true\n        continue-on-error: true\n"),
    (CI, JOB + ENGINE + "  mock:\n    runs-on: x\n    env: { LI_LIDB_MOCK: 1 }\n    continue-on-error: true\n    steps:\n      - run: npm run test:e2e:lidb\n"),
    (CI, step("run: npm run test:e2e:lidb-engine\n        env: { LI_CONTROL_PLANE_STORE: lidb, LI_LIDB_MOCK: '' }")),
    (CI, step("run: |\n          set -o pipefail\n          npm run test:e2e:lidb-engine | tee log")),
    (CI, step("run: |\n          set +e\n          npm run test:e2e:lidb-engine\n          code=$?\n          exit $code")),
    (CI, step("run: |\n          if ! npm run test:e2e:lidb-engine; then\n            exit 1\n          fi")),
    (CI, step("run: npm run test:e2e:lidb-engine || exit 1")),
    ("lidb/docker/Dockerfile", f"FROM {LIC}:1\nRUN apt-get install -y llvm-22\nCOPY lidb/ lis/ /opt/\n"),
    ("lidb/docker/Dockerfile.embed", "FROM ubuntu:24.04 AS build\nRUN apt-get install -y cmake g++\nCOPY lidb/ /opt/lidb\nFROM python:3.12\nCOPY lis/ /opt/lis\n"),
    ("lidb/scripts/i.sh", f"docker build -t x/lidb-ci --build-arg BASE={LIC} .\ndocker tag {LIC}:1 base\ndocker pull {LIC}\ndocker run {LIC} build -t x\n"),
    ("lidb/.github/workflows/i.yml", JOB.replace("    steps", f"    container: {LIC}:1\n    steps") + "      - run: docker build -t x/lidb-ci .\n"),
    (ROWS, '[{"id": "tier_db_registry", "status": "unknown"}, {"id": "tier_smoke", "status": "pass"}]\n'),
    (MANIFEST, manifest(scenarios=[{"id": "a", "status": "stub"}], status="stub")),
    (MANIFEST, manifest()),
    ("benchmarks/tests/fixtures/tier-db-registry.json", manifest(scenarios=[])),
    ("lidb/README.md", "Part of the **PH-DB** program for registry v2 and the lean **lidb + lis** bundle.\n"),
    ("lidb/README.md", "lidb does not speak the Postgres wire protocol. Replication is planned.\n\nThe lip registry v2 ships on lidb only after PH-DB-4.\n"),
    ("lidb/README.md", "## Not in scope\n\n- Streaming replication\n- PG wire listener\n"),
    ("lidb/README.md", "| Area | Status |\n|---|---|\n| TCP wire | Not implemented |\n| Replication | planned |\n| PG wire listener | ❌ |\n"),
    ("lidb/README.md", "# x\n\n<!-- It speaks the Postgres\nwire protocol. -->\n\n```\nlidb supports streaming replication\n```\n"),
    ("li-cursor-agents/package.json", ('"scripts": {', '"scripts": {\n    "db:replication-probe": "node probe.js",')),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "file", "text", "line"), BROKEN)
def test_guard_fails_with_file_and_line(
    write: Callable[[Files], Path], guard: str, file: str, text: str | tuple[str, str], line: int | None
) -> None:
    write({file: text})
    found = breaches()
    if line is None:  # the file cannot be read: every guard that reads it cannot tell
        assert all(lines[0].startswith(f"{file}: cannot tell") for lines in found.values())
        assert guard in found
    else:
        assert list(found) == [guard]
        assert found[guard][0].startswith(f"{file}:{line}: ")


@pytest.mark.parametrize(("file", "text"), HONEST)
def test_guards_hold_for_an_honest_file(write: Callable[[Files], Path], file: str, text: str | tuple[str, str]) -> None:
    write({file: text})
    assert breaches() == {}


def test_green_row_stands_on_a_nightly_manifest(write: Callable[[Files], Path]) -> None:
    write({ROWS: '[{"id": "tier_db_registry", "status": "pass"}]', MANIFEST: manifest()})
    assert breaches() == {}


def test_exception_excuses_its_file_alone(write: Callable[[Files], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    rule = rules.Rule(
        guard="g", message="m", files=("*.txt",), pattern="x", repos=("lis",),
        exceptions=({"file": "lis/a.txt", "reason": "r"},),
    )  # fmt: skip
    monkeypatch.setattr(rules, "rules", lambda: (rule,))
    write({"lis/a.txt": "x", "lis/b.txt": "x"})
    assert rules.breaches("g") == ["lis/b.txt:1: m: x"]


@pytest.mark.parametrize(
    ("file", "text", "stores"),
    [
        (CLIENT, (": 'supabase';", ": 'lidb';"), ("lidb", "lidb")),
        (CLIENT, (": 'supabase';", ": process.env.NODE_ENV === 'production' ? 'lidb' : 'supabase';"), ("supabase", "lidb")),
        (CLIENT, "export const other = 1;\n", ("cannot tell, src/db/client.ts does not run",) * 2),
        (CLIENT, "import { x } from 'not-installed';\nexport function configuredStore(): Store {\n  if (process.env.LI_CONTROL_PLANE_STORE === 'lidb') return 'lidb';\n  return 'supabase';\n}\n", ("supabase",) * 2),
        (CLIENT, "export function configuredStore(): 'lidb' | 'disk' {\n  return 'lidb';\n}\n", ("lidb",) * 2),
        (CLIENT, None, ("cannot tell, there is no src/db/client.ts",) * 2),
    ],
)  # fmt: skip
def test_default_store_is_what_the_agents_answer(
    write: Callable[[Files], Path], file: str, text: str | tuple[str, str] | None, stores: tuple[str, str]
) -> None:
    stack = write({} if text is None else {file: text})
    if text is None:
        (stack / file).unlink()
    answers = [probes.default_store(production=production) for production in (False, True)]
    assert all(answer.startswith(store) for answer, store in zip(answers, stores, strict=True)), answers


def test_sqlite_is_found_where_it_is_used(write: Callable[[Files], Path], tmp_path: Path) -> None:
    library = tmp_path / "libsqlite3.so.0"
    subprocess.run(["cc", "-shared", "-x", "c", "-o", library, os.devnull], check=True)
    write(
        {
            "lidb/liorm/fallback.py": "import os\nimport sqlite3\n",
            "lis/lis/supervisor.py": ("def start(self)", f"def extra(self):\n        import ctypes; ctypes.CDLL('{library}')\n\n    def start(self)"),
            "lis/lis/cli.py": ("document: dict[str, Any] = ", "supervisor.extra()\n        document: dict[str, Any] = "),
            "engine": ENGINE_PROGRAM.replace("migrate)", f"migrate) printf 'SQLite format 3\\0' > $2/x.db; LD_PRELOAD={library} /bin/true;"),
        }
    )  # fmt: skip
    (tmp_path / "work").mkdir()
    seen = probes.work(tmp_path / "work")
    assert (seen.listeners, seen.untold) == ([], [])
    for breach in (
        "lidb/liorm/fallback.py:2: imports sqlite3", f"lis/lis/supervisor.py:40: loads {library}",
        f"/bin/true maps {library}", "x.db holds sqlite",
    ):  # fmt: skip
        assert any(line.startswith(breach) for line in seen.sqlite), (breach, seen.sqlite)


def test_listener_is_found_in_the_program_and_in_what_it_leaves_running(
    write: Callable[[Files], Path], tmp_path: Path
) -> None:
    listen = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(60)"
    write({"lis/lis/supervisor.py": ("engine = self._open()", f'import subprocess, sys\n        subprocess.Popen([sys.executable, "-c", "{listen}"])\n        import socket\n        socket.create_server(("127.0.0.1", 0))\n        engine = self._open()')})  # fmt: skip
    (tmp_path / "work").mkdir()
    seen = probes.work(tmp_path / "work")
    assert (seen.sqlite, seen.untold) == ([], [])
    assert any(line.startswith("lis/lis/supervisor.py:46: binds 127.0.0.1:0") for line in seen.listeners)
    assert any("socket.create_server" in line and ": listens on port " in line for line in seen.listeners)
    assert not any(b"time.sleep(60)" in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path) in path.read_text(errors="replace"))  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "breach"),
    [
        ('warning: slow disk\n{"checks": {"tcp_listen": "off"}}\nstarted\n', ""),
        ('{"checks": {"tcp_listen": "ok"}}', "'ok'"),
        ('{"checks": {"tcp_listen": false}}', "'False'"),
        ('{"checks": {}, "tcp_listen": false}', "None"),
        ('["off"]', "None"),
        ("started", "None"),
        ("{", "None"),
    ],
)
def test_port_is_off_by_the_word_of_lis_alone(tmp_path: Path, answer: str, breach: str) -> None:
    (tmp_path / "output.txt").write_text(answer)
    said = f"lis db start --json: checks.tcp_listen is {breach}, expected 'off'"
    assert list(probes._announced(tmp_path / "output.txt")) == ([said] if breach else [])


def test_lis_that_says_that_it_listens_is_a_finding(write: Callable[[Files], Path], tmp_path: Path) -> None:
    write({"lis/lis/supervisor.py": ('"tcp_listen": "off"', '"tcp_listen": "ok"')})
    (tmp_path / "work").mkdir()
    seen = probes.work(tmp_path / "work")
    assert (seen.sqlite, seen.untold) == ([], [])
    assert seen.listeners == ["lis db start --json: checks.tcp_listen is 'ok', expected 'off'"]


def suite(report: Path) -> dict[str, str]:
    """Run the suite as the job does; gives the cases of its report with their messages."""
    argv = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", f"--basetemp={report.with_suffix('')}"]
    subprocess.run(argv, cwd=SUITE, capture_output=True, check=False)
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest's own
    return {case.get("name", ""): next((str(result.get("message")) for result in case), "") for case in cases}


def test_suite_holds_on_the_stand_in_stack(write: Callable[[Files], Path], tmp_path: Path) -> None:
    write({})
    assert suite(tmp_path / "report.xml") == dict.fromkeys({*STATIC, "default-store-supabase"}, "")


def test_suite_passes_on_nothing_that_did_not_run(write: Callable[[Files], Path], tmp_path: Path) -> None:
    write({"engine": "#!/bin/sh\nexit 1\n", CLIENT: (": 'supabase';", ": 'lidb';")})
    failed = {name: message for name, message in suite(tmp_path / "report.xml").items() if message}
    assert set(failed) == {"no-sqlite", "no-tcp-in-registry-min", "default-store-supabase"}
    assert "cannot tell, -m lis.cli db: exit 1" in failed["no-sqlite"]
    assert "the default store is lidb" in failed["default-store-supabase"]


@pytest.mark.parametrize("repo", rules.REPOS)
def test_missing_checkout_is_no_pass(
    write: Callable[[Files], Path], monkeypatch: pytest.MonkeyPatch, repo: str
) -> None:
    write({})
    monkeypatch.delenv(f"GUARDS_{repo.upper().replace('-', '_')}")
    with pytest.raises(RuntimeError, match=f"names no checkout of {repo}"):
        rules.breaches("no-replication-claim")


@pytest.mark.parametrize("length", range(rules.QUOTE - 3, rules.QUOTE + 2))
def test_long_value_is_found_in_its_line_wherever_its_text_is_cut(length: int) -> None:
    value = "x" * length + "-.-"
    assert rules.line_of(json.dumps({"a": 1, "key": value}, indent=1), "key", value) == 3
