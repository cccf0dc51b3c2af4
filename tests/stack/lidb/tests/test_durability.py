"""What was acknowledged stays: kill -9, half a record, damage, a second writer."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Cli

INSERT = "INSERT INTO packages (id, name) VALUES (?, ?)"


def wal_of(cli: Cli) -> Path:
    return cli.data_dir / ".lidb" / "wal" / "00000001.seg"


def ids(cli: Cli) -> list[str]:
    return [row["id"] for row in cli.sql("SELECT id FROM packages")]


def test_every_acknowledged_row_survives_kill_9(cli: Cli) -> None:
    writer = subprocess.Popen(
        [str(cli.binary), "session", str(cli.data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None
    for n in range(500):  # all at once, so that it is at work when the signal comes
        writer.stdin.write(json.dumps({"sql": INSERT, "params": [f"k{n:03}", "demo"]}) + "\n")
    threading.Thread(target=writer.stdin.flush, daemon=True).start()
    acknowledged = 0
    while acknowledged < 20:
        assert json.loads(writer.stdout.readline()) == {"rows": [], "affected": 1}
        acknowledged += 1
    os.killpg(writer.pid, signal.SIGKILL)
    # What it said before it died counts too, but not a line that was cut.
    acknowledged += sum(line.endswith("\n") for line in writer.stdout)
    writer.wait()
    kept = ids(cli)
    assert kept[:acknowledged] == [f"k{n:03}" for n in range(acknowledged)]
    assert len(kept) - acknowledged <= 1  # at most the one that was written and not yet answered


def test_torn_last_record_is_cut_off(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo")
    size = wal_of(cli).stat().st_size
    cli.sql(INSERT, "k2", "demo")
    with wal_of(cli).open("r+b") as wal:
        wal.truncate(wal.seek(0, 2) - 3)
    assert ids(cli) == ["k1"]
    assert wal_of(cli).stat().st_size == size
    cli.sql(INSERT, "k3", "demo")
    assert ids(cli) == ["k1", "k3"]


def test_damage_within_the_log_is_refused(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo")
    cli.sql(INSERT, "k2", "other")
    content = wal_of(cli).read_bytes()
    wal_of(cli).write_bytes(content.replace(b"demo", b"dema"))
    assert "is damaged" in cli.refused("SELECT id FROM packages")


def test_damaged_heap_is_refused(cli: Cli) -> None:
    heap = cli.data_dir / ".lidb" / "catalog.heap"
    content = bytearray(heap.read_bytes())
    content[-1] ^= 1
    heap.write_bytes(content)
    assert "is damaged" in cli.refused("SELECT id FROM packages")


def test_lost_log_is_refused(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo")
    wal_of(cli).unlink()
    assert "cannot open" in cli.refused("SELECT id FROM packages")


def test_checkpoint_keeps_rows_and_empties_the_log(cli: Cli) -> None:
    for n in range(5):
        cli.sql("INSERT INTO packages (id, name, description) VALUES (?, 'demo', ?)", f"k{n}", "x" * 300_000)
    assert wal_of(cli).stat().st_size < 1 << 20
    rows = cli.sql("SELECT id, description FROM packages")
    assert rows == [{"id": f"k{n}", "description": "x" * 300_000} for n in range(5)]


def test_second_writer_is_refused(cli: Cli) -> None:
    cli.sql(INSERT, "k1", "demo")
    with (cli.data_dir / ".lidb" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sql = "INSERT INTO packages (id, name) VALUES ('k2', 'demo')"
        done = cli.run("exec", str(cli.data_dir), sql, LIDB_LOCK_WAIT_MS="50")
    assert done.returncode == 1
    assert "a data directory has one writer" in done.stderr
    assert ids(cli) == ["k1"]


def test_writers_that_wait_lose_nothing(cli: Cli) -> None:
    keys = [f"k{n:02}" for n in range(24)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: cli.sql(INSERT, key, "demo"), keys))
    assert ids(cli) == keys


def test_session_sees_rows_of_other_processes(cli: Cli) -> None:
    request = json.dumps({"sql": "SELECT id FROM packages", "params": []}) + "\n"
    session = subprocess.Popen(
        [str(cli.binary), "session", str(cli.data_dir)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert session.stdin is not None
    assert session.stdout is not None
    for expected in ([], [{"id": "k1"}]):
        session.stdin.write(request)
        session.stdin.flush()
        assert json.loads(session.stdout.readline())["rows"] == expected
        if not expected:
            cli.sql(INSERT, "k1", "demo")
    session.communicate()
    assert session.returncode == 0
