"""bench-compare against a real Postgres: what it measures, every way to have measured nothing, and what is left behind.

The server is started by the run itself, from this machine's Postgres or else from the wheel.
"""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from phdb_ci.execution.services import Running
from phdb_ci.execution.services.postgres import database
from phdb_ci.execution.services.postgres.address import Address
from phdb_ci.execution.services.postgres.database import serving
from phdb_ci.judging.figures import interval
from phdb_ci.matrix import load
from phdb_ci.models.results import Facts
from tests.helpers import run_context
from tests.integration.gate.bench import ROOT, Ran, Scenario, ask, processes_of, wait_for

pytestmark = pytest.mark.slow

JOB = "bench-compare"
SCRIPT = "scripts/run-db-registry-bench.sh"
RUN = "python3 benchmarks/tier_db_registry/harness/registry_oltp.py"
FILE = "data/latest/tier-db-registry.json"
DEFAULTS = "benchmarks/benchmarks/tier_db_registry/defaults.toml"
HARNESS = "benchmarks/benchmarks/tier_db_registry/harness/registry_oltp.py"
ENGINES = "benchmarks/benchmarks/tier_db_registry/harness/engines.py"
MANIFEST = "benchmarks/benchmarks/tier_db_registry/harness/manifest.py"
WRITE = '    (RESULTS / name).write_text(json.dumps(document, indent=2) + "\\n", encoding="utf-8")\n'
SOFT = (signal.SIGINT, signal.SIGTERM)
SCENARIOS = ("registry_publish", "registry_read_by_name", "registry_read_latest")


def shorten(scenario: Scenario, rounds: int = 6) -> Scenario:
    """As few and as short rounds as the matrix and the rules of evidence allow."""
    scenario.edit("rounds = 6, threshold = 1.2", f"rounds = {rounds}", job=JOB)
    scenario.edit("--least 6 --most 9", f"--least {rounds} --most {rounds}", job=JOB)
    scenario.patch(DEFAULTS, "rounds = 40", "rounds = 20")
    scenario.patch(DEFAULTS, "rounds = 200", "rounds = 21")
    return scenario


@pytest.fixture
def nightly(gate: Scenario) -> Scenario:
    return shorten(gate)


@pytest.fixture
def alone(own: Scenario) -> Scenario:
    """With a cache of its own, so that whatever is left can only be this run's."""
    return shorten(own)


def assert_failed(ran: Ran, *reasons: str) -> None:
    ran.assert_not_green(JOB, "failed", *reasons)


def instead(scenario: Scenario, script: str) -> None:
    """Let the benchmark's script be another one."""
    scenario.write(f"benchmarks/{SCRIPT}", f'cd "$(dirname "$0")/.."\n{script}\n')


def written(scenario: Scenario, change: str) -> None:
    """Let the harness change a document (`document[…] = …`) behind its own back, right before it is written."""
    scenario.patch(HARNESS, "    manifest.check(document)\n", "")
    scenario.patch(HARNESS, WRITE, f"    scenarios = document['scenarios']\n    {change}\n{WRITE}")


def assert_no_cluster_is_left() -> None:
    """A server of root's lies outside of its cache; a folder there that no process knows is left over."""

    def left() -> list[Path]:
        return [path for path in database.FOLDER.glob("phdb-ci-*") if not processes_of(path)]

    assert wait_for(lambda: not left(), 5), left()


# What is measured


def test_ratios_are_measured_over_rounds_and_nothing_is_left(alone: Scenario) -> None:
    ran = alone.run(JOB)

    ran.assert_green()
    facts = ran.leg(JOB).facts
    found = values(facts)
    assert list(found) == list(SCENARIOS)
    for ratios in found.values():
        over = interval(ratios)
        assert over.rounds == 6
        assert 0 < over.low <= over.median <= over.high
        assert over.confidence > 0.95
    # Each round writes each package, its three versions, and nothing of the catalogs; it starts the engine three times.
    assert ran.log(JOB).count("engine opened 3 times, 80 rows written, ") == 1
    assert ran.log(JOB).count("engine opened 3 times, 84 rows written, ") == 6
    # Calls are seen in the witnessed round alone: the timed ones are the engine's own.
    assert [use.calls for use in facts.artifacts] == [3]
    assert [one.problem for one in facts.services] == [None]
    kept = sorted(path.name for path in (ran.folder / f"{JOB}@ubuntu-24.04" / "reports").iterdir())
    assert kept == ["figures.json"]
    assert not processes_of(alone.cache)
    assert not list(alone.cache.glob("work/*/*/services/*"))
    assert_no_cluster_is_left()


def values(facts: Facts) -> dict[str, tuple[float, ...]]:
    assert facts.figures is not None
    return {figure.name: figure.values for figure in facts.figures.figures}


@pytest.fixture
def server(tmp_path: Path, warm: Path) -> Iterator[Running]:
    """A server as a caller might have one."""
    service = load(ROOT / "matrix.toml").services["postgres"]
    caller = {name: value for name, value in os.environ.items() if name != "POSTGRES_URL"}
    context = run_context(warm, caller)
    with serving("postgres", service, context, tmp_path / "server", tmp_path / "server.log") as running:
        yield running


def admin(server: Running) -> str:
    """The server as a caller would name it."""
    return Address.of(server.url, "URL").url("postgres")


def databases(server: Running, cache: Path) -> list[str]:
    return ask(server.url, "SELECT datname FROM pg_database ORDER BY 1", cache).split()


@pytest.mark.long
def test_callers_server_gets_a_database_that_is_gone_afterwards(nightly: Scenario, server: Running, warm: Path) -> None:
    before = databases(server, warm)
    ran = nightly.run(JOB, env={"POSTGRES_URL": admin(server)})

    ran.assert_green()
    assert [one.origin for one in ran.leg(JOB).facts.services] == ["POSTGRES_URL"]
    assert databases(server, warm) == before
    schemas = ask(admin(server), "SELECT count(*) FROM pg_namespace WHERE nspname ~ 'bench'", warm)
    assert schemas == "0"


def test_callers_server_that_does_not_answer_is_an_error(nightly: Scenario) -> None:
    ran = nightly.run(JOB, env={"POSTGRES_URL": "postgresql://postgres@127.0.0.1:1/x"})

    assert (ran.code, ran.leg(JOB).status) == (3, "error")
    assert "the postgres that POSTGRES_URL names does not answer" in ran.leg(JOB).reasons[0]


@pytest.mark.long
def test_password_of_the_callers_server_is_in_no_file_of_the_run(nightly: Scenario, server: Running) -> None:
    password = Address.of(server.url, "URL").password
    assert password
    ran = nightly.run(JOB, env={"POSTGRES_URL": admin(server)})

    ran.assert_green()
    assert not [path for path in ran.folder.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]


# Postgres up, and no ratio that could be believed


def test_without_psycopg_is_failed_as_another_engine_mode(nightly: Scenario) -> None:
    nightly.patch(ENGINES, "            import psycopg\n", "            import psycopg_of_nobody as psycopg\n")

    assert_failed(
        nightly.run(JOB),
        "has status 'unknown', expected pass or fail",
        "the witnessed round: engine_mode is 'lidb_only', expected 'compare'",
        "the witnessed round: registry_publish has status 'unknown', expected green or red",
        "0 of 6 timed rounds were measured",
    )


QUICK = ("no-ratio", "no-scenario", "not-its-own")  # the others by tests/checks/test_ratios.py, and here in `long`
NO_MEASUREMENTS = {
    "nan": ("scenarios[0]['ratio_vs_postgres'] = float('nan')", "is not JSON: NaN is no number"),
    "infinity": ("scenarios[1]['ratio_vs_postgres'] = float('inf')", "is not JSON: Infinity is no number"),
    "text": (
        "scenarios[1]['ratio_vs_postgres'] = '1.0'",
        "registry_read_by_name: ratio_vs_postgres is '1.0', no finite number above zero",
    ),
    "zero": (
        "scenarios[2]['engines']['postgres']['p95_ms'] = 0",
        "registry_read_latest: p95_ms of postgres is 0, no finite number above zero",
    ),
    "no-ratio": ("scenarios[0]['ratio_vs_postgres'] = None", "registry_publish has no ratio_vs_postgres"),
    "no-scenario": ("scenarios[:] = scenarios[:2]", "registry_read_latest is not in the manifest"),
    "mode": ("document['engine_mode'] = 'lidb_only'", "engine_mode is 'lidb_only', expected 'compare'"),
    "no-mode": ("document['engine_mode'] = None", "engine_mode is None, expected 'compare'"),
    "sqlite-mode": (
        "document['engine_mode'] = 'sqlite_fallback'",
        "engine_mode is 'sqlite_fallback', expected 'compare'",
    ),
    "sqlite-backend": (
        "scenarios[0]['engines']['lidb']['backend'] = 'sqlite3'",
        "measured on a fallback: scenarios[0].engines.lidb.backend is 'sqlite3'",
    ),
    "fallback": ("document['fallback'] = True", "measured on a fallback: fallback says True"),
    "old-time": ("document['generated_at'] = '2026-01-31T03:00:00Z'", "generated_at is 2026-01-31T03:00:00Z, "),
    "not-its-own": ("scenarios[0]['ratio_vs_postgres'] = 0.0001", "registry_publish: ratio_vs_postgres is 0.0001"),
    "stub": ("document['status'] = 'stub'", "has status 'stub', expected pass or fail"),
    "scenario-stub": (
        "scenarios[1]['status'] = 'stub'",
        "registry_read_by_name has status 'stub', expected green or red",
    ),
    "other-profile": ("document['profile'] = 'nightly'", "profile is 'nightly', expected 'ci'"),
    "no-time": ("document['generated_at'] = None", "does not say when it was measured"),
    "ratio-a-little-better": (
        "one = scenarios[0]; one['ratio_vs_postgres'] = round(0.985 * one['ratio_vs_postgres'] - 0.001, 3)",
        "registry_publish: ratio_vs_postgres is ",
    ),
    "one-told-twice": (
        "scenarios[2].update({key: scenarios[1][key] for key in ('engines', 'ratio_vs_postgres')})",
        "registry_read_latest: in 7 rounds every figure is that of registry_read_by_name, to the last digit",
    ),
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(*row, id=name, marks=() if name in QUICK else pytest.mark.long)
        for name, row in NO_MEASUREMENTS.items()
    ],
)
def test_manifest_that_is_no_measurement_is_failed(nightly: Scenario, change: str, reason: str) -> None:
    written(nightly, change)

    assert_failed(nightly.run(JOB), reason)


@pytest.mark.long
def test_overflowing_number_is_failed(nightly: Scenario) -> None:
    old = '"ratio_vs_postgres": [0-9.]*'
    instead(nightly, f"{RUN} && sed -i 's/{old}/\"ratio_vs_postgres\": 1e999/' {FILE}")

    assert_failed(nightly.run(JOB), "registry_publish: ratio_vs_postgres is inf, no finite number above zero")


def unanswered(scenario: Scenario, *reads: str) -> None:
    """Let lidb find nothing for these statements, and nobody look."""
    scenario.patch(
        ENGINES,
        "        return [tuple(row.values())",
        f"        if sql.startswith({reads!r}):\n            params = ['nobody']\n        return [tuple(row.values())",
    )
    scenario.patch(HARNESS, '    if rows != [(f"k{n}", f"package {n}")]:\n', "    if False:\n")
    scenario.patch(HARNESS, '    if rows != [(f"0.{VERSIONS}",)]:\n', "    if False:\n")


def test_times_of_empty_answers_are_shown_and_are_no_ratio(nightly: Scenario) -> None:
    unanswered(nightly, "SELECT version")
    ran = nightly.run(JOB)

    empty = "lidb's answers were empty (20 of 20 in the witnessed round)"
    assert_failed(ran, f"not measured: registry_read_latest: {empty}")
    assert len(ran.leg(JOB).reasons) == 1
    assert [len(ratios) for ratios in values(ran.leg(JOB).facts).values()] == [6, 6, 6]
    assert f"not measured: `{empty}`" in (ran.folder / "comment.md").read_text()


@pytest.mark.long
def test_engine_that_gives_back_nothing_has_no_ratio_at_all(nightly: Scenario) -> None:
    unanswered(nightly, "SELECT version", "SELECT id")

    assert_failed(
        nightly.run(JOB),
        "not measured: registry_publish: lidb gave back no row of what it had confirmed in the witnessed round",
        "not measured: registry_read_by_name, registry_read_latest: lidb's answers were empty (20 of 20 in ",
    )


@pytest.mark.long
def test_dead_engine_is_failed(nightly: Scenario) -> None:
    nightly.edit("cd .. && python3", "cd .. && cp /bin/false one && cp /bin/false two && python3", job=JOB)
    nightly.edit(
        "--launcher {embed.lidb_embed} --engine {embed.real.lidb_embed}", "--launcher one --engine two", job=JOB
    )

    assert_failed(nightly.run(JOB), "the witnessed round: engine_mode is 'postgres_only', expected 'compare'")


@pytest.mark.long
def test_too_few_statements_are_failed(nightly: Scenario) -> None:
    nightly.patch(DEFAULTS, "rounds = 20", "rounds = 19")

    assert_failed(
        nightly.run(JOB),
        "registry_read_latest: a P95 over 19 statements (SELECT of package_versions) is none; it takes 20",
    )


@pytest.mark.long
def test_benchmark_over_its_own_threshold_is_measured_and_judged_by_ours(nightly: Scenario) -> None:
    nightly.patch(DEFAULTS, "threshold_ratio_vs_postgres = 1.2", "threshold_ratio_vs_postgres = 0.0001")

    nightly.run(JOB).assert_green()


@pytest.mark.long
def test_checkout_of_the_benchmark_stays_as_it_is(nightly: Scenario) -> None:
    nightly.edit('"cd .. && python3', '"cd .. && cp -r {repos.benchmarks} before && python3', job=JOB)
    nightly.edit(
        "--engine {embed.real.lidb_embed}", "--engine $(realpath --relative-to=. {embed.real.lidb_embed})", job=JOB
    )
    nightly.edit("bench.sh", "bench.sh && diff -r {repos.benchmarks} before", job=JOB)

    nightly.run(JOB).assert_green()


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (f"cp -p old.json {FILE}", "before this round began"),
        (f"cp old.json {FILE}", "generated_at is 2026-01-31T03:00:00Z, "),
        ("true", "the benchmark wrote no tier-db-registry.json"),
    ],
    ids=["file-time", "time-in-it", "none"],
)
def test_stale_manifest_is_failed(nightly: Scenario, command: str, reason: str) -> None:
    nightly.write("benchmarks/old.json", stale('"2026-01-31T03:00:00Z"'))
    os.utime(nightly.repo("benchmarks") / "old.json", (1_700_000_000, 1_700_000_000))
    instead(nightly, f"touch -d @1700000000 old.json; {command}")

    assert_failed(nightly.run(JOB), reason)


@pytest.mark.long
def test_figures_that_are_copied_from_round_to_round_are_failed(nightly: Scenario) -> None:
    nightly.write("benchmarks/old.json", stale('"NOW"'))
    now = "s/NOW/$(date -u +%FT%TZ)/; s/ci/$BENCH_DB_REGISTRY_PROFILE/"
    instead(nightly, f'{RUN} && sed "{now}" old.json > {FILE}')

    assert_failed(
        nightly.run(JOB), "round 1: every figure is that of the witnessed round, to the last digit: not measured again"
    )


@pytest.mark.long
@pytest.mark.parametrize("engine", ["lidb", "postgres"])
def test_figures_of_one_engine_that_are_kept_from_the_first_round_are_failed(nightly: Scenario, engine: str) -> None:
    nightly.patch(
        HARNESS,
        "    document = manifest.build(suite",
        '    kept = manifest.TIER / "kept.txt"\n'
        "    if kept.exists():\n"
        "        old = json.loads(kept.read_text())\n"
        f"        measured = {{s: v | {{{engine!r}: old[s]}} for s, v in measured.items()}}\n"
        f"    kept.write_text(json.dumps({{s: v[{engine!r}] for s, v in measured.items()}}))\n"
        "    document = manifest.build(suite",
    )

    assert_failed(
        nightly.run(JOB),
        f"round 1: every figure of {engine} is that of the witnessed round, to the last digit: not measured again",
    )


def test_engine_that_is_not_started_in_the_timed_rounds_is_failed(nightly: Scenario) -> None:
    """It is called under the witness; in the timed rounds, a dict answers in its name."""
    nightly.patch(
        ENGINES,
        "        try:\n            self._engine = liorm",
        "        if '/real/' in os.environ['LIDB_EMBED']:\n"
        "            self._engine = Answers()\n"
        "            return\n"
        "        try:\n            self._engine = liorm",
    )
    nightly.patch(
        ENGINES,
        "class Lidb:\n",
        "class Answers:\n"
        "    def execute_sql(self, sql, params):\n"
        "        __import__('time').sleep(0.001)\n"
        "        if sql.startswith('SELECT id'):\n"
        "            return [{'id': 'k' + params[0].split()[1], 'name': params[0]}]\n"
        "        return [{'version': '0.3'}] if sql.startswith('SELECT') else []\n"
        "    def close(self): ...\n\n\n"
        "class Lidb:\n",
    )

    assert_failed(
        nightly.run(JOB), "round 1: the engine was never started: the figures are not its own (and in 5 more)"
    )


@pytest.mark.long
def test_night_that_is_replayed_from_the_repository_is_failed(nightly: Scenario) -> None:
    """A manifest per round, copied; a table is made on Postgres; the engine is called three times and told nothing."""
    nightly.write("benchmarks/night.json", stale("null"))
    instead(
        nightly,
        "python3 -c \"import psycopg, os; c = psycopg.connect(os.environ['POSTGRES_URL'], autocommit=True);"
        " c.execute('CREATE TABLE IF NOT EXISTS warm (id int)')\";"
        ' for verb in open migrate session; do "$LIDB_EMBED" $verb "$(mktemp -d)" </dev/null >/dev/null; done;'
        f" cp night.json {FILE}",
    )

    assert_failed(
        nightly.run(JOB),
        f"the witnessed round: benchmarks/{FILE} is a copy of benchmarks/night.json",
        "the witnessed round: by its own count postgres wrote 0 of 1 rows: the figures are not its own",
    )


def test_reads_that_postgres_never_saw_are_failed(nightly: Scenario) -> None:
    nightly.patch(
        ENGINES,
        '        cursor = self._connection.execute(sql.replace("?", "%s"), params)',
        '        if sql.startswith("SELECT id, name"):\n            return [("k" + params[0].split()[1], params[0])]\n'
        '        if sql.startswith("SELECT version"):\n            return [("0.3",)]\n'
        '        cursor = self._connection.execute(sql.replace("?", "%s"), params)',
    )

    assert_failed(nightly.run(JOB), "the witnessed round: by its own count postgres read 0 of 40 rows")


def stale(generated_at: str) -> str:
    """A manifest with nothing wrong in it but that it was not measured now."""
    rows = ", ".join(
        f'{{"id": "{name}", "engines": {{"lidb": {{"p95_ms": {p95}}}, "postgres": {{"p95_ms": {2 * p95}}}}},'
        ' "ratio_vs_postgres": 0.5, "status": "green"}'
        for name, p95 in zip(SCENARIOS, (2.0, 3.0, 4.0), strict=True)
    )
    head = f'"engine_mode": "compare", "profile": "ci", "status": "pass", "generated_at": {generated_at}'
    return f'{{{head}, "scenarios": [{rows}]}}\n'


@pytest.mark.long
def test_figures_that_postgres_has_nothing_to_do_with_are_failed(nightly: Scenario) -> None:
    """A compare that never asks the server: an sqlite database of its own in the place of psycopg."""
    nightly.patch(ENGINES, "            import psycopg\n", "            import standin as psycopg\n")
    nightly.write(
        "benchmarks/benchmarks/tier_db_registry/harness/standin.py",
        "import sqlite3\n"
        "class OperationalError(Exception): ...\n"
        "class connect:\n"
        "    def __init__(self, *a, **k): self.db = sqlite3.connect(':memory:', isolation_level=None)\n"
        "    def execute(self, sql, params=()):\n"
        "        if 'SCHEMA' in sql or 'search_path' in sql: sql = 'SELECT 1'\n"
        "        if sql.count(';') > 1: return self.db.executescript(sql)\n"
        "        return self.db.execute(sql.replace('%s', '?'), params)\n"
        "    def close(self): self.db.close()\n",
    )

    assert_failed(
        nightly.run(JOB),
        "the witnessed round: by its own count postgres wrote 0 of 80 rows: the figures are not its own"
        " (and in 6 more)",
    )


@pytest.mark.long
def test_round_that_fails_is_failed_and_the_missing_ones_are_told(nightly: Scenario) -> None:
    instead(nightly, f'{RUN} && echo >> "$TMPDIR/n" && test $(wc -l < "$TMPDIR/n") -lt 4')

    assert_failed(nightly.run(JOB), "round 3: exit 1: bash scripts", "2 of 6 timed rounds were measured")


@pytest.mark.long
def test_timed_rounds_through_the_witness_are_failed(nightly: Scenario) -> None:
    nightly.edit("--engine {embed.real.lidb_embed}", "--engine {embed.lidb_embed}", job=JOB)
    ran = nightly.run(JOB)

    assert_failed(ran, "exit 1: ")
    assert "--launcher and --engine are one program: timed through the witness" in ran.log(JOB)


@pytest.mark.long
def test_benchmark_that_takes_the_witness_in_the_timed_rounds_is_failed(nightly: Scenario) -> None:
    real = 'export LIDB_EMBED="${LIDB_EMBED%/real/*}/lidb_embed"'
    instead(nightly, f'case "$LIDB_EMBED" in */real/*) {real};; esac\n{RUN}')

    assert_failed(nightly.run(JOB), "round 1: timed through the witness (and in 5 more)")


def test_engine_that_the_witness_never_sees_is_unproven(nightly: Scenario) -> None:
    """A row that hands over a copy of the engine in the place of the launcher."""
    nightly.edit('"cd .. && python3', '"cd .. && cp {embed.real.lidb_embed} copied && python3', job=JOB)
    nightly.edit("--launcher {embed.lidb_embed}", "--launcher copied", job=JOB)

    nightly.run(JOB).assert_not_green(JOB, "unproven", "embed was called 0 times")


@pytest.mark.long
def test_ratio_of_which_the_whole_interval_is_above_the_threshold_is_failed(nightly: Scenario) -> None:
    nightly.edit("rounds = 6", "rounds = 6, threshold = 0.0001", job=JOB)

    assert_failed(nightly.run(JOB), "registry_publish: ratio of P95 ", "over 6 rounds, against 0.0001: all of it above")


@pytest.mark.long
def test_threshold_within_the_interval_decides_nothing(nightly: Scenario) -> None:
    nightly.edit("rounds = 6", "rounds = 6, threshold = 2.0", job=JOB)
    nightly.patch(HARNESS, "    manifest.check(document)\n", "")
    nightly.patch(
        HARNESS,
        WRITE,
        "    import time as t\n    one = document['scenarios'][0]\n    if one['engines']['lidb']['p95_ms']:\n"
        "        odd = 1 + (int(t.time() * 1e6) % 1000) / 1e6 + 2 * (int((RESULTS.parents[2] / 'turn').exists()))\n"
        "        one['engines']['lidb']['p95_ms'] = odd; one['engines']['postgres']['p95_ms'] = 1.0\n"
        "        one['ratio_vs_postgres'] = odd\n" + WRITE,
    )
    instead(nightly, f"{RUN} && if test -e ../turn; then rm ../turn; else touch ../turn; fi")
    ran = nightly.run(JOB)

    ran.assert_green()
    assert any("registry_publish: ratio of P95 2.00 [1.00, 3.00]" in note for note in ran.leg(JOB).notes), ran.told


def night(*values: float) -> str:
    """A document of figures with nothing wrong in it but that nobody measured them."""
    figures = [{"name": name, "values": [value + n for value in values]} for n, name in enumerate(SCENARIOS)]
    return json.dumps({"schema_version": 1, "figures": figures})


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [
        (
            "cp {repos.benchmarks}/night.json figures.json",
            "unproven",
            "ratios/figures.json is a copy of benchmarks/night.json: the job did not write it",
        ),
        ("true", "unproven", "the job wrote no figures.json"),
        (
            f"echo '{night(*[0.5] * 6)}' > figures.json",
            "failed",
            "registry_publish is 0.5 in every round, to the last digit: not measured again",
        ),
        (
            "sed s/0.5/0.25/ {repos.benchmarks}/night.json > figures.json; echo x >> figures.json",
            "failed",
            "ratios/figures.json is not JSON",
        ),
    ],
    ids=["copied", "there before", "one value", "not JSON"],
)
def test_figures_that_nobody_measured_are_not_green(nightly: Scenario, command: str, status: str, reason: str) -> None:
    for file in ("night.json", "results/figures.json"):
        nightly.write(f"benchmarks/{file}", night(0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
    nightly.set_run(JOB, command)

    nightly.run(JOB).assert_not_green(JOB, status, reason)


# The server's end


def postmaster(scenario: Scenario) -> int:
    """The server of a run that is under way."""
    found = []
    for pid, name in processes_of(scenario.cache).items():
        with contextlib.suppress(OSError):
            if name == "postgres" and b"listen_addresses=" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("number", [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.long) for number in SOFT)])
def test_postgres_that_is_stopped_in_the_middle_is_failed(alone: Scenario, number: signal.Signals) -> None:
    alone.patch(DEFAULTS, "rounds = 21", "rounds = 400")
    started = alone.start(JOB)
    started.wait_for(f"{JOB}@ubuntu-24.04", "round 1 of 6, timed")
    segments = memory()
    os.kill(postmaster(alone), number)
    ran = started.finish()

    assert_failed(ran, "postgres did not last as long as the job: ")
    assert not started.left()
    assert memory() <= segments


def memory() -> set[str]:
    """Segments of shared memory that no process uses: a server that was killed would leave one."""
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[6] == "0"}


@pytest.mark.long
def test_callers_server_that_is_stopped_in_the_middle_is_failed(alone: Scenario, server: Running, warm: Path) -> None:
    alone.patch(DEFAULTS, "rounds = 21", "rounds = 400")
    alone.env["POSTGRES_URL"] = admin(server)
    started = alone.start(JOB)
    started.wait_for(f"{JOB}@ubuntu-24.04", "round 1 of 6, timed")
    os.kill(int(ask(admin(server), "SELECT pg_read_file('postmaster.pid')", warm).split()[0]), signal.SIGINT)

    assert_failed(
        started.finish(), "postgres did not last as long as the job: the job's database ", "Connection refused"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
@pytest.mark.parametrize("moment", ["$ cd ", pytest.param("$ venv", marks=pytest.mark.long)])
def test_harness_that_is_ended_leaves_no_server(alone: Scenario, number: signal.Signals, moment: str) -> None:
    started = alone.start(JOB)
    started.wait_for(f"{JOB}@ubuntu-24.04", moment)
    assert postmaster(alone)
    started.send(number)
    started.process.wait(30)

    assert wait_for(lambda: not started.left(), 10), started.left()
    assert not list(alone.cache.glob("work/*/*/services/*/server"))
    assert_no_cluster_is_left()


@pytest.mark.long
def test_killed_harness_leaves_no_database_on_the_callers_server(alone: Scenario, server: Running, warm: Path) -> None:
    before = databases(server, warm)
    alone.env["POSTGRES_URL"] = admin(server)
    started = alone.start(JOB)
    started.wait_for(f"{JOB}@ubuntu-24.04", "$ cd ")
    assert len(databases(server, warm)) == len(before) + 1
    started.send(signal.SIGKILL)
    started.process.wait(30)

    assert wait_for(lambda: databases(server, warm) == before, 10), databases(server, warm)


def test_killed_keeper_takes_its_server_with_it(alone: Scenario) -> None:
    alone.patch(DEFAULTS, "rounds = 21", "rounds = 400")
    started = alone.start(JOB)
    started.wait_for(f"{JOB}@ubuntu-24.04", "round 1 of 6, timed")
    keeper = next(pid for pid in processes_of(alone.cache) if b"keeper.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(keeper, signal.SIGKILL)
    ran = started.finish()

    assert_failed(ran, "postgres did not last as long as the job: ")
    assert not started.left()


@pytest.mark.long
def test_two_jobs_have_a_server_each(nightly: Scenario) -> None:
    text = nightly.matrix.read_text()
    start = text.index(f"[jobs.{JOB}]")
    row = text[start : text.index("[services.postgres]")]
    nightly.matrix.write_text(text[:start] + row.replace(JOB, "bench-again") + text[start:])
    ran = nightly.run(JOB, "bench-again")

    ran.assert_green()


# Pull requests


def test_pull_requests_stay_validate_only(nightly: Scenario) -> None:
    matrix = load(ROOT / "matrix.toml")
    asked = {name for gate in matrix.gates.values() if "pull_request" in gate.on for name in gate.jobs}

    assert "bench-validate" in asked
    assert not [name for name in asked if matrix.jobs[name].services or matrix.jobs[name].evidence.figures]
    nightly.patch(MANIFEST, '"ratio_vs_postgres": ratio', '"ratio_vs_postgres": 1.0')
    nightly.patch(HARNESS, "    manifest.check(document)\n", "")
    nightly.run("bench-validate").assert_not_green("bench-validate", "failed", "a number that was not measured here")


@pytest.mark.long
def test_matrix_as_it_is_measures_every_round(gate: Scenario) -> None:
    ran = gate.run(JOB, timeout=600)

    assert ran.leg(JOB).facts.services, ran.told
    assert ran.leg(JOB).status in ("passed", "failed")
    assert not [reason for reason in ran.leg(JOB).reasons if "all of it above" not in reason], ran.told
