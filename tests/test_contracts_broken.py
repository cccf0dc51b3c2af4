"""Stacks that are broken in one place: each is caught by the case that is for it.

The checks run by hand here, only those that a break needs; tests/gate/test_contracts.py runs the whole job.
"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import NamedTuple

import pytest

from tests.gate.bench import JUNK, ROOT, STACK, once

pytestmark = pytest.mark.slow

BRIDGE = "li-cursor-agents/scripts/lidb-liorm-bridge.py"
LIS, LIS_CLI = "lis/lis/supervisor.py", "lis/lis/cli.py"
PLANS, BENCH = "lidb/liorm/plans.py", "benchmarks/tier_db_registry/registry_oltp.py"
MAIN, SQL = "lidb/src/main.cpp", "lidb/sql/executor.cpp"
DATABASE, DATABASE_H = "lidb/engine/database.cpp", "lidb/engine/database.hpp"


class Edit(NamedTuple):
    """A text of a file of the stack, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Break:
    """Edits, the case that must fail, what its message must say, and the checks that come before it."""

    case: str
    says: str
    edits: tuple[Edit, ...]
    before: tuple[str, ...] = ()


RUN = ("embed/migrate", "bridge/upsert_agent_run")  # checks that leave a run of an agent
ROW = ("embed/migrate", "exec-json/shape")  # and a row of the engine
READ_LIQ = '        plan = f"bridge.{source}"\n'
WRITES = "        liorm.execute(plan, row, self.engine())\n        return"
RAW = "        rows = self._raw(sql, json.loads(params))\n"
REQUIRE = "    require(profile, Capability.RAW_SQL, AuditLog(engine.data_dir), sql)"
START = "        engine = self._open()\n        plans = self._register_plans()\n"
PROBE = """\
        try:
            self._liorm.execute(plan_id, {}, engine)
        except self._liorm.LiormError as error:
            raise LisError(str(error)) from error
"""
UPDATED = "    database_.commit(changes);\n    return changed(changes.size());\n  }\n\n  Result operator()(const Delete"
# A lock that is taken only where the engine has not said that it wants none.
UNLOCKED = (
    Edit(DATABASE, "  if (!lock_within(", "  if (!database.unlocked && !lock_within("),
    Edit(
        DATABASE_H, "  void commit(const std::vector<Change>& changes);\n",
        "  void commit(const std::vector<Change>& changes);\n  bool unlocked = false;\n",
    ),
)  # fmt: skip
SESSION_UNLOCKED = (*UNLOCKED, Edit(
    MAIN, "  std::string line;\n  for (int c",
    "  database.unlocked = true;\n  { const Database::Operation first(database); }\n"
    "  std::string line;\n  for (int c",
), Edit(
    DATABASE, "    if (!current) database.load();",
    "    if (!current && !(database.unlocked && database.wal_)) database.load();",
))  # fmt: skip

BREAKS = {
    # What the contracts name
    "lis: field retyped": Break(
        "lis-status/shape", "$.tcp_port: 'integer' expected, got 'string'",
        (Edit(
            LIS, '"tcp_port": self.profile.tcp_port',
            '"tcp_port": str(self.profile.tcp_port)',
        ),),
    ),
    "lis: nested field renamed": Break(
        "lis-start/shape", "$.checks.tcp_listen: 'boolean' expected, got nothing; was it renamed to 'tcp_listening'?",
        (Edit(
            LIS, '"tcp_listen": self.profile.tcp_port == 0,',
            '"tcp_listening": self.profile.tcp_port == 0,',
        ),),
    ),
    "lis: engine is null": Break(
        "lis-status/shape", "$.engine: 'string' expected, got null",
        (Edit(
            LIS, '"engine": "lidb_embed",',
            '"engine": None,',
        ),),
    ),
    "lis: version became a number": Break(
        "lis-start/shape", "$.protocol_version: 'string' expected, got 'integer': this is the contract of version 1",
        (Edit(
            LIS, 'PROTOCOL_VERSION = "1"',
            "PROTOCOL_VERSION = 1",
        ),),
    ),
    "lis: version raised": Break(
        "lis-start/shape", "this is the contract of version 1",
        (Edit(
            LIS, 'PROTOCOL_VERSION = "1"',
            'PROTOCOL_VERSION = "2"',
        ),),
    ),
    "lis: ready without engine": Break(
        "lis-status/not-ready-without-engine", "exit 0 although the engine cannot run",
        (Edit(
            LIS, 'answered=probe == "ok")',
            "answered=True)",
        ),), ("lis-start/shape",),
    ),
    "lis: exit 0 when not ready": Break(
        "lis-status/not-ready-before-start", "exit 0 although nothing was started",
        (Edit(
            LIS_CLI, 'return 0 if document.get("ready", True) else 1',
            "return 0",
        ),),
    ),
    "lis: stop drops the heap": Break(
        "lis-stop/keeps-heap", ".lidb/catalog.heap is gone after stop",
        (Edit(
            LIS, "        was_started = self.state_file.exists()\n",
            "        was_started = self.state_file.exists()\n"
            "        self.catalog.unlink(missing_ok=True)\n",
        ),), ("lis-start/shape",),
    ),
    "lis: start begins anew": Break(
        "lis-start/finds-data-again", "$.rows: the row of before stop expected, got []",
        (Edit(
            LIS, '        """Migrate, register the plans, check that the engine answers, and write that down."""\n',
            "        import shutil\n"
            "\n"
            "        shutil.rmtree(self.data_dir / '.lidb', ignore_errors=True)\n",
        ),), ("lis-start/shape", *ROW),
    ),
    "lis: a server listens": Break(
        "mode/tcp", "$.tcp_listen: false expected",
        (Edit(
            LIS, '"tcp_listen": False,',
            '"tcp_listen": True,',
        ),),
    ),
    "bridge: field renamed": Break(
        "bridge/upsert_agent_run", "'row_count'",
        (Edit(
            BRIDGE, "rows = liorm.execute(plan, json.loads(params), self.engine())\n"
            '        return {"ok": True, "rows": rows, "row_count": len(rows)}',
            "rows = liorm.execute(plan, json.loads(params), self.engine())\n"
            '        return {"ok": True, "rows": rows, "rowcount": len(rows)}',
        ),), ("embed/migrate",),
    ),
    "bridge: version removed": Break(
        "bridge/probe", "$.protocol_version: 'integer' expected, got nothing",
        (Edit(
            BRIDGE, '"engine": rows == [{"ok": 1}], "protocol_version": PROTOCOL_VERSION}',
            '"engine": rows == [{"ok": 1}]}',
        ),),
    ),
    "bridge: engine that is not there": Break(
        "bridge/probe-without-engine", "$.engine: false expected although the engine cannot run, got true",
        (Edit(
            BRIDGE, '"engine": rows == [{"ok": 1}]',
            '"engine": True',
        ),),
    ),
    "bridge: talks before its answer": Break(
        "bridge/probe", "$: one line of JSON expected, got 2 lines",
        (Edit(
            BRIDGE, "        print(json.dumps(answer))\n",
            '        print("bridge ready")\n'
            "        print(json.dumps(answer))\n",
        ),),
    ),
    "bridge: exit 0 for an error": Break(
        "bridge/error", "exit 0 although it had to fail",
        (Edit(
            BRIDGE, 'return 0 if answer["ok"] else 1',
            "return 0",
        ),),
    ),
    "bridge: an engine start per call of a session": Break(
        "bridge/session-saves-starts", "engine starts in 12 calls of one session, 0 expected",
        (Edit(
            BRIDGE, "bridge = Bridge(session=serving)",
            "bridge = Bridge(session=False)",
        ),), ("embed/migrate",),
    ),
    "bridge: read_liq takes writes": Break(
        "rawsql/read_liq-takes-no-sql", "exit 0 although it had to fail",
        (Edit(
            BRIDGE, '["kind"] != "read"',
            '["kind"] == "nothing"',
        ),), ROW,
    ),
    "engine: failure is exit 0": Break(
        "exec-json/failure", "exit 1 expected for what is no SQL, got exit 0",
        (Edit(
            MAIN, '    std::fprintf(stderr, "lidb_embed: %s\\n", error.what());\n'
            "    return 1;",
            '    std::fprintf(stderr, "lidb_embed: %s\\n", error.what());\n'
            "    return 0;",
        ),),
    ),
    # The bridge
    "a write that failed is ok": Break(
        "bridge/error-of-a-write", "upsert_agent_run of what the engine cannot write",
        (Edit(
            BRIDGE, WRITES,
            "        try:\n            liorm.execute(plan, row, self.engine())\n"
            "        except liorm.EngineError:\n            pass\n        return",
        ),), RUN,
    ),
    "exec_sql that failed is ok": Break(
        "bridge/error", "exit 0 although it had to fail",
        (Edit(
            BRIDGE, RAW,
            "        try:\n            rows = self._raw(sql, json.loads(params))\n"
            "        except liorm.EngineError:\n            rows = []\n",
        ),), RUN,
    ),
    "a session gives its first answer again": Break(
        "bridge/session", "'status': 'done'}] expected of a session, got",
        (Edit(
            BRIDGE, '        print(json.dumps(bridge.answer(request["cmd"], request["args"])), flush=True)\n',
            "        if line not in MEMO:\n"
            '            MEMO[line] = json.dumps(bridge.answer(request["cmd"], request["args"]))\n'
            "        print(MEMO[line], flush=True)\n",
        ), Edit(BRIDGE, "PROTOCOL_VERSION = 1\n", "PROTOCOL_VERSION = 1\nMEMO = {}\n")), RUN,
    ),
    "a session reads nothing": Break(
        "bridge/session", "$.row_count: 0 expected, got 7",
        (Edit(
            BRIDGE, READ_LIQ,
            '        if self._session and "where" not in source and "no_such" not in source:\n'
            '            return {"ok": True, "rows": [], "row_count": 7}\n' + READ_LIQ,
        ),), RUN,
    ),
    "a session runs no SQL": Break(
        "bridge/session", "$.engine: true expected in a session",
        (Edit(
            BRIDGE, '            rows = self._raw("SELECT 1 AS ok", [])\n',
            '            rows = [] if self._session else self._raw("SELECT 1 AS ok", [])\n',
        ),), RUN,
    ),
    "runs are read from a file beside the heap": Break(
        "one-store/bridge", "of exec-json expected among",
        (Edit(
            BRIDGE, READ_LIQ,
            '        cache = Path(os.environ["LI_DATA_DIR"]) / ".lidb" / "runs.json"\n'
            '        if source.startswith("read agent_runs") and "where" not in source and cache.exists():\n'
            '            columns = [c.strip() for c in source.split("{")[1].split("}")[0].split(",")]\n'
            "            rows = [{c: r.get(c) for c in columns} for r in json.loads(cache.read_text()).values()]\n"
            '            return {"ok": True, "rows": rows, "row_count": len(rows)}\n' + READ_LIQ,
        ), Edit(
            BRIDGE, WRITES,
            '        cache = Path(os.environ["LI_DATA_DIR"]) / ".lidb" / "runs.json"\n'
            "        known = json.loads(cache.read_text()) if cache.exists() else {}\n"
            "        cache.write_text(json.dumps(known | {run_id: row}))\n" + WRITES,
        )), (*ROW, "bridge/upsert_agent_run"),
    ),
    "exec_sql counts wrong": Break(
        "bridge/exec_sql", "$.row_count: 1 expected, got 99",
        (Edit(
            BRIDGE, RAW + '        return {"ok": True, "rows": rows, "row_count": len(rows)}',
            RAW + '        return {"ok": True, "rows": rows, "row_count": 99}',
        ),), RUN,
    ),
    "exec_sql takes its parameters in another order": Break(
        "bridge/exec_sql", "expected, got []", (Edit(BRIDGE, RAW, RAW.replace("(params)", "(params)[::-1]")),), RUN,
    ),
    "read_liq takes no parameters": Break(
        "bridge/read_liq", "exit 0 expected, got exit 1",
        (Edit(
            BRIDGE, '        answer = bridge.answer(argv[0] if argv else "", argv[1:])',
            '        answer = bridge.answer(argv[0] if argv else "", argv[1:2])',
        ),), RUN,
    ),
    "upsert loses a column": Break(
        "bridge/text-unchanged", "the run as it was given expected of read_liq",
        (Edit(BRIDGE, '| {"id": run_id}', '| {"id": run_id, "agent": "?"}'),), RUN,
    ),
    "upsert cuts a text": Break(
        "bridge/text-unchanged", "the run as it was given expected of read_liq",
        (Edit(BRIDGE, '| {"id": run_id}', '| {"id": run_id, "agent": run["agent"][:16]}'),), RUN,
    ),
    "whole numbers have a fraction": Break(
        "bridge/probe", "$.protocol_version: 'integer' expected, got 'number'",
        (Edit(BRIDGE, "PROTOCOL_VERSION = 1\n", "PROTOCOL_VERSION = 1.0\n"),),
    ),
    "one call acknowledges before it writes": Break(
        "crash/one-shot-runs-survive", "4 of 4 acknowledged runs are gone",
        (Edit(
            BRIDGE,
            '        answer = bridge.answer(argv[0] if argv else "", argv[1:])\n        print(json.dumps(answer))',
            '        if argv[:1] == ["upsert_agent_run"]:\n            import time\n\n'
            '            print(json.dumps({"ok": True, "run_id": json.loads(argv[1])["id"]}), flush=True)\n'
            "            time.sleep(0.5)\n"
            '        answer = bridge.answer(argv[0] if argv else "", argv[1:])\n        print(json.dumps(answer))',
        ),), ("embed/migrate",),
    ),
    # Raw SQL
    "agents may select": Break(
        "rawsql/refused-in-agent-profile", "allowed for: agent: SELECT id FROM packages",
        (Edit(
            PLANS, REQUIRE, f'    if not sql.lstrip().lower().startswith("select"):\n    {REQUIRE}',
        ),), ROW,
    ),
    "agents may update": Break(
        "rawsql/refused-in-agent-profile", "allowed for: agent: UPDATE packages SET name = 'raw'",
        (Edit(
            PLANS, REQUIRE, f'    if not sql.startswith("UPDATE"):\n    {REQUIRE}',
        ),), ROW,
    ),
    "agents may what begins with a comment": Break(
        "rawsql/refused-in-agent-profile", "allowed for: agent: -- a comment",
        (Edit(PLANS, REQUIRE, f'    if not sql.startswith("--"):\n    {REQUIRE}'),), ROW,
    ),
    "read_liq takes SQL in small letters": Break(
        "rawsql/read_liq-takes-no-sql", "exit 0 although it had to fail: select id from packages",
        (Edit(
            BRIDGE, READ_LIQ,
            '        if source.startswith("select "):\n            return self.exec_sql(source, "[]")\n' + READ_LIQ,
        ),), ROW,
    ),
    # lis
    "migrate deletes the heap": Break(
        "lis-migrate/keeps-rows", "migrate: exit 0 expected, got exit 1",
        (Edit(
            LIS, "        engine = self._open()\n        return {",
            '        self.catalog.unlink(missing_ok=True)\n        raise LisError("no")\n        return {',
        ),),
    ),
    "migrate begins anew": Break(
        "lis-migrate/keeps-rows", "expected after migrate, got []",
        (Edit(
            LIS, "        engine = self._open()\n        return {",
            "        import shutil\n\n        shutil.rmtree(self.data_dir / '.lidb', ignore_errors=True)\n"
            "        engine = self._open()\n        return {",
        ),),
    ),
    "any engine that ends well is one": Break(
        "lis-status/not-ready-without-engine", "exit 0 although the engine answers nothing",
        (Edit(
            LIS, PROBE,
            '        import subprocess\n\n        argv = [str(engine.binary), "open", str(self.data_dir)]\n'
            "        if subprocess.run(argv, capture_output=True, check=False).returncode:\n"
            '            raise LisError("the engine does not start")\n',
        ),), ("lis-start/shape",),
    ),
    "not ready has another shape": Break(
        "lis-status/not-ready-before-start", "$.error: 'string' or 'null' expected, got 'object'",
        (Edit(
            LIS_CLI, "    _show(document, as_json=args.json)\n",
            '    if document.get("ready") is False:\n        document |= {"error": {"code": 7}}\n'
            "    _show(document, as_json=args.json)\n",
        ),),
    ),
    "start leaves a server": Break(
        "lis-start/shape", "it left a program running: ",
        (Edit(
            LIS, START,
            "        import subprocess\n        import sys\n\n"
            '        argv = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]\n'
            "        quiet = dict.fromkeys(('stdin', 'stdout', 'stderr'), subprocess.DEVNULL)\n"
            "        subprocess.Popen(argv, start_new_session=True, **quiet)\n" + START,
        ),),
    ),
    "start says that it listens": Break(
        "mode/tcp", "$.tcp_listen: false expected of start",
        (Edit(
            LIS, "        fresh.replace(self.state_file)\n        return document",
            '        fresh.replace(self.state_file)\n        return document | {"tcp_listen": True, "tcp_port": 54321}',
        ),), ("lis-start/shape",),
    ),
    "start with an engine that says nothing": Break(
        "lis-start/refused-without-engine", "exit 0 although the engine answers nothing",
        (
            Edit(LIS, PROBE, ""), Edit(LIS, "            engine.open_and_migrate()\n", ""),
            Edit(LIS, "started_at is not None and all(checks.values())", "started_at is not None"),
        ),
    ),
    "stop erases the audit log": Break(
        "lis-stop/keeps-heap", ".lidb/audit.jsonl is gone after stop",
        (Edit(
            LIS, "        self.state_file.unlink(missing_ok=True)\n",
            "        self.state_file.unlink(missing_ok=True)\n"
            '        (self.data_dir / ".lidb" / "audit.jsonl").unlink(missing_ok=True)\n',
        ),), (*ROW, "lis-start/shape", "bridge/probe"),
    ),
    **{
        f"{field} is invented": Break(
            "lis-status/values-are-true", says, (Edit(LIS, f'            "{field}": {old},\n            "{after}"',
            f'            "{field}": {new},\n            "{after}"'),), ("lis-start/shape",),
        )
        for field, after, old, new, says in (
            ("profile", "data_dir", "self.profile.name", '""', "$.profile of start: a name expected"),
            ("lidb_repo", "catalog", "str(self._lidb_repo)", '""', "$.lidb_repo of start: "),
            ("catalog", "migrated", "str(self.catalog)", '""', "$.catalog of start: "),
            ("embed_binary", "plans_registered", "binary", '"/bin/true"', "$.embed_binary of start: "),
            ("plans_registered", "checks", "plans", '["nobody.knows"]', "no profile knows ['nobody.knows']"),
        )
    },
    "started_at is no time": Break(
        "lis-status/values-are-true", "$.started_at of start: a time expected, got ''",
        (Edit(LIS, '"started_at": started_at,\n', '"started_at": "",\n'),), ("lis-start/shape",),
    ),
    "started_at is the time of another start": Break(
        "lis-status/values-are-true", "$.started_at of start: the time of these checks expected",
        (Edit(LIS, '"started_at": started_at,\n', '"started_at": "2020-01-01T00:00:00+00:00",\n'),),
        ("lis-start/shape",),
    ),
    # The benchmark
    "the manifest has one scenario": Break(
        "manifest/shape", "registry_publish, registry_read_by_name, registry_read_latest expected, got another",
        (Edit(
            BENCH, "json.dumps(document, indent=2)",
            'json.dumps(document | {"scenarios": [document["scenarios"][0] | {"id": "another"}]}, indent=2)',
        ),),
    ),
    # The engine
    "errors of execution are success": Break(
        "exec-json/failure-in-execution", "exit 1 expected for an INSERT of a key that is there, got exit 0",
        (Edit(
            MAIN, "  print_line(to_json(run(database, text, parameters)));\n}",
            "  sql::Result done;\n  sql::parse(text);\n  try {\n    done = run(database, text, parameters);\n"
            "  } catch (const Error&) {\n  }\n  print_line(to_json(done));\n}",
        ),), ROW,
    ),
    "INSERT overwrites": Break(
        "exec-json/failure-in-execution", "exit 1 expected for an INSERT of a key that is there, got exit 0",
        (Edit(SQL, "    if (table.rows.contains(row[table.key])) throw", "    if (false) throw"),), ROW,
    ),
    "UPDATE counts nothing": Break(
        "exec-json/changes", "$.affected: 1 expected of UPDATE of 1 rows, got 0",
        (Edit(SQL, UPDATED, UPDATED.replace("changes.size()", "0")),), ("embed/migrate",),
    ),
    "an UPDATE is written at the end": Break(
        "crash/updates-survive", "acknowledged rows are gone or as they were before",
        (Edit(
            DATABASE_H, "  void commit(const std::vector<Change>& changes);\n",
            "  void commit(const std::vector<Change>& changes);\n  std::vector<Change> late;\n"
            "  ~Database() { if (!late.empty()) commit(late); }\n"
            "  void defer(const std::vector<Change>& changes) {\n"
            "    for (const auto& change : changes) { apply(change); late.push_back(change); }\n  }\n",
        ), Edit(SQL, UPDATED, UPDATED.replace("commit(", "defer("))),
    ),
    "a checkpoint loses rows": Break(
        "crash/checkpoint-keeps-rows", "of 24 acknowledged rows are gone",
        (Edit(
            DATABASE, "    for (const auto& [key, row] : table.rows) encode(",
            "    std::size_t at = 0;\n    for (const auto& [key, row] : table.rows)\n"
            "      if (table.rows.size() < 3 || ++at % 2) encode(",
        ),),
    ),
    "a checkpoint clears the log first": Break(
        "crash/checkpoint-keeps-rows", "acknowledged rows are gone or as they were before, small-",
        (Edit(
            DATABASE, "  replace_file(heap_path_, bytes + guarded);\n  wal_->clear();",
            "  wal_->clear();\n  replace_file(heap_path_, bytes + guarded);",
        ),),
    ),
    "a session locks nothing": Break(
        "single-writer/session-beside-others", "acknowledged rows are gone", SESSION_UNLOCKED,
    ),
    "a session of the bridge locks nothing": Break(
        "one-store/all-write-at-once", "acknowledged runs are gone", SESSION_UNLOCKED, ("embed/migrate",),
    ),
    "migrate makes a checkpoint without a lock": Break(
        "single-writer/migration-held", "acknowledged rows are gone",
        (*UNLOCKED, Edit(
            MAIN, "void migrate(Database& database) {\n",
            "void migrate(Database& database) {\n  database.unlocked = true;\n",
        ), Edit(MAIN, '  print_line("migrate ok");', '  database.checkpoint();\n  print_line("migrate ok");')),
    ),
    "only an INSERT locks": Break(
        "single-writer/*", "acknowledged rows are gone",
        (*UNLOCKED, Edit(
            MAIN, "  const Database::Operation operation(database);\n  return sql::execute",
            "  database.unlocked = std::get_if<sql::Insert>(&statement.what) == nullptr;\n"
            "  const Database::Operation operation(database);\n  return sql::execute",
        )),
    ),
}  # fmt: skip


def build(lidb: Path, folder: Path) -> Path:
    """The engine of a checkout; quickly made, not a quick one."""
    target = ["--target", "lidb_embed", "-j", "2"]
    for command in (
        ["cmake", "-S", str(lidb), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Debug"],
        ["cmake", "--build", str(folder), *target],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "lidb_embed"


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine of the stack as it is."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    return (
        once(shared, "honest", lambda folder: void(build(STACK / "lidb", folder / "build")))
        / "build"
        / "lidb_embed"
    )


def void(_: object) -> None:
    """Nothing."""


def checks(root: Path, engine: Path, *names: str) -> dict[str, str]:
    """The lines of these checks, by name, on the stack in root."""
    argv = [sys.executable, "-P", "-m", "phdb_ci.contracts", "run", "--embed", str(engine)]
    for option, repo in (
        ("lidb", "lidb"),
        ("lis", "lis"),
        ("agents", "li-cursor-agents"),
        ("benchmarks", "benchmarks"),
    ):
        argv += [f"--{option}", str(root / repo)]
    argv += ["--data", str(root / "data"), "--junit", str(root / "c.xml")]
    argv += [word for name in names for word in ("--only", name)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    return {line.split()[1]: line for line in lines}


@pytest.mark.parametrize("name", BREAKS)
def test_break_is_caught_by_its_case(tmp_path: Path, honest: Path, name: str) -> None:
    broken = BREAKS[name]
    copytree(STACK, tmp_path / "stack", ignore=JUNK)
    for file, old, new in broken.edits:
        path = tmp_path / "stack" / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))
    own = any(edit.file.endswith((".cpp", ".hpp")) for edit in broken.edits)
    engine = build(tmp_path / "stack" / "lidb", tmp_path / "build") if own else honest

    said = checks(tmp_path / "stack", engine, *broken.before, broken.case)

    assert all(said[check].startswith("PASS") for check in broken.before), said
    failed = [line for line in said.values() if line.startswith("FAIL")]
    assert any(broken.says in line for line in failed), said


def test_honest_stack_passes_every_case_that_catches_a_break(tmp_path: Path, honest: Path) -> None:
    copytree(STACK, tmp_path / "stack", ignore=JUNK)
    cases = {case for broken in BREAKS.values() for case in (*broken.before, broken.case)}

    said = checks(tmp_path / "stack", honest, *cases)

    assert [line for line in said.values() if not line.startswith("PASS")] == [said["mode/tcp"]]
