"""The job `contracts` on the stand-in stack: green as it is, and a break fails it by the name of its case.

All the breaks, with the checks that they need alone: tests/test_contracts_broken.py.
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from phdb_ci.commands.contracts import main, read_shapes
from phdb_ci.contracts.diff import compare
from tests.gate.bench import OS, Ran, Scenario, once

pytestmark = pytest.mark.slow

BRIDGE = "li-cursor-agents/scripts/lidb-liorm-bridge.py"
LIS = "lis/lis/supervisor.py"
LIS_CLI = "lis/lis/cli.py"
MAIN = "lidb/src/main.cpp"
WAL = "lidb/engine/wal.cpp"
LATE = """\
#include "engine/value.hpp"

#include <unistd.h>

#include <cstdlib>

namespace lidb {
// What was acknowledged is written when the process ends, a little later than its answer.
std::string late_path, late;
std::uint64_t late_at;

void write_all() {
  ::usleep(20000);
  File(late_path, O_RDWR).write_at(static_cast<off_t>(late_at), late);
}

void write_later(const std::string& path, std::uint64_t at, const std::string& record) {
  if (late.empty()) {
    late_path = path;
    late_at = at;
    std::atexit(write_all);
  }
  late += record;
}
}  // namespace lidb
"""
RECORD = "contract-shapes.json"


@pytest.fixture
def contracts(gate: Scenario) -> Scenario:
    return gate


@pytest.fixture(scope="session")
def kept(shared: Path, pristine: Path, warm: Path) -> Path:
    """The run directory of both jobs on the stack as it is."""

    def make(folder: Path) -> None:
        (folder / "scenario").mkdir()
        ran = Scenario(folder / "scenario", pristine, warm).run("contracts", "single-writer")
        ran.assert_green()
        shutil.copytree(ran.folder, folder / "run")

    return once(shared, "contracts", make) / "run"


@dataclass(frozen=True)
class Break:
    """One patch of the stand-in stack, and the case that names it.

    Attributes:
        file, old, new: what is patched.
        case: the check that must fail.
        says: what must stand in its message.
        job: the job that it belongs to.
        also: a second patch of the same file.
    """

    file: str
    old: str
    new: str
    case: str
    says: str
    job: str = "contracts"
    also: tuple[str, str] | None = None


BREAKS = {
    "lis: field removed": Break(
        LIS, '            "embed_mode": "subprocess",\n', "", "lis-start/shape",
        "$.embed_mode: 'string' expected, got nothing",
    ),
    "bridge: says ok and writes nothing": Break(
        BRIDGE, "        liorm.execute(plan, row, self.engine())\n", "", "bridge/read_liq",
        "$.rows: the run as updated expected, got []",
    ),
    "liorm: raw SQL for agents": Break(
        "lidb/liorm/capabilities.py", "frozenset({Capability.READ_PLAN, Capability.WRITE_PLAN})",
        "frozenset({Capability.READ_PLAN, Capability.WRITE_PLAN, Capability.RAW_SQL})",
        "rawsql/refused-in-agent-profile", "RawSql: refusal expected for an agent, allowed for: agent",
    ),
    "engine: field renamed": Break(
        "lidb/src/json.cpp", r'\"affected\":', r'\"changed\":', "exec-json/shape", "$.affected: 'integer' expected",
    ),
    "engine: acknowledged before it is written": Break(
        WAL, "    file_.write_at(static_cast<off_t>(end_), record);\n    file_.sync();\n  } catch",
        "    write_later(path_, end_, record);\n  } catch", "crash/acknowledged-rows-survive",
        "acknowledged rows are gone", also=('#include "engine/value.hpp"\n', LATE),
    ),
    "engine: second writer accepted": Break(
        "lidb/engine/files.cpp", "  while (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {\n",
        "  while (false) {\n", "single-writer/many-writers", "acknowledged rows are gone", "single-writer",
    ),
    "benchmark: a stub with a number": Break(
        "benchmarks/tier_db_registry/manifest.py", '"ratio_vs_postgres": ratio, "status"',
        '"ratio_vs_postgres": ratio or 1.0, "status"', "manifest/shape", "",
    ),
}  # fmt: skip


def test_contracts_are_kept_on_the_stand_in_stack(kept: Path) -> None:
    assert (kept / f"contracts@{OS}" / "reports" / RECORD).is_file()
    log = (kept / f"contracts@{OS}" / "log.txt").read_text()
    assert "SKIP  mode/tcp" in log
    assert "upsert_agent_run: in a session: 40 calls, median" in log
    assert "engine starts in a session of 12 calls after the first: 0" in log


@pytest.mark.parametrize("name", BREAKS)
def test_break_is_caught_by_name(contracts: Scenario, name: str) -> None:
    broken = BREAKS[name]
    contracts.patch(broken.file, broken.old, broken.new)
    if broken.also:
        contracts.patch(broken.file, *broken.also)

    ran = contracts.run(broken.job)

    ran.assert_not_green(broken.job, "failed")
    failed = failed_cases(ran, broken.job)
    assert broken.says in failed.get(broken.case, "passed"), failed


def failed_cases(ran: Ran, job: str) -> dict[str, str]:
    """Check → message, of those that failed."""
    (suite,) = ran.leg(job).facts.suites
    return {case.name: case.message for case in suite.cases if case.status == "failed"}


def test_field_removed_without_a_higher_version_is_named_by_diff(
    contracts: Scenario, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contracts.patch(BRIDGE, '"run_id": run_id, "protocol_version"', '"protocol_version"')
    ran = contracts.run("contracts")
    assert (
        "$.run_id: 'string' expected, got nothing"
        in failed_cases(ran, "contracts")["bridge/upsert_agent_run"]
    )

    code = main(argparse.Namespace(old=kept, new=ran.folder, json=False))

    told = capsys.readouterr().out
    assert code == 1
    assert "BROKEN bridge-upsert_agent_run (protocol version 1 → 1)" in told
    assert "$.run_id removed, and the protocol version is still 1" in told


def test_added_field_passes(contracts: Scenario, kept: Path) -> None:
    contracts.patch(BRIDGE, '{"ok": True, "run_id": run_id,', '{"ok": True, "run_id": run_id, "attempt": 1,')

    ran = contracts.run("contracts")

    ran.assert_green()
    verdicts = compare(read_shapes(kept), read_shapes(ran.folder))
    assert [change.text for one in verdicts for change in one.changes] == ["$.attempt added (integer)"]
    assert not any(one.broken for one in verdicts)
