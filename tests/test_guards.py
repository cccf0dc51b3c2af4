"""Each guard holds on the stand-in stack, is red with file and line where it is broken, and does not cry wolf."""

# ruff: noqa: E501 - one broken or honest file per row reads better than its pieces

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from phdb_ci.errors import Exit
from phdb_ci.guards import table
from phdb_ci.guards.__main__ import main
from phdb_ci.guards.checkout import Checkout, File, Finding, quoted
from phdb_ci.guards.python_listen import listens
from phdb_ci.guards.report import lines
from phdb_ci.guards.shell import commands
from phdb_ci.guards.table import GUARDS, REPOS, judge
from phdb_ci.guards.yaml import parse, scalars
from phdb_ci.reports.reader import read_report
from tests.gate.bench import JUNK, STACK

Check = Callable[..., dict[str, list[Finding]]]

CI = "li-cursor-agents/.github/workflows/e2e.yml"
JOB = """\
on: push
jobs:
  e2e:
    runs-on: ubuntu-24.04
    steps:
"""
ENGINE = "      - run: npm run test:e2e:lidb-engine\n"
CONFIG = "li-cursor-agents/src/config.js"
DEFAULT = "env.LI_CONTROL_PLANE_STORE || 'supabase'"
PROFILE = "lis/profiles/registry-min.toml"


def copy_stack(place: Path) -> Path:
    """A copy of the stand-in stack, free to be broken."""
    for name in REPOS:
        shutil.copytree(STACK / name, place / name, ignore=JUNK)
    return place


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A copy of the stand-in stack, of this test alone."""
    return copy_stack(tmp_path)


@pytest.fixture
def check(stack: Path) -> Check:
    """Write files into the stack and give each guard's findings."""
    return checker(stack)


def checker(stack: Path) -> Check:
    """What writes files (text, or a pair to replace) into the stack and gives each guard's findings."""

    def run(files: dict[str, str | tuple[str, str]]) -> dict[str, list[Finding]]:
        for name, text in files.items():
            path = stack / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(text, tuple):
                whole = path.read_text()
                assert whole.count(text[0]) == 1, text[0]
                text = whole.replace(*text)  # noqa: PLW2901
            path.write_text(text)
        outcomes = judge({name: Checkout(name, stack / name) for name in REPOS})
        return {one.guard.name: list(one.findings) for one in outcomes if one.findings}

    return run


BROKEN: Sequence[tuple[str, str, str | tuple[str, str], int]] = [
    # guard, file, text or replacement, line of the finding
    ("no-sqlite", "lidb/liorm/fallback.py", "import os, sqlite3\n", 1),
    ("no-sqlite", "lidb/liorm/fallback.py", "def f():\n    try:\n        from sqlite3 import connect\n    except ImportError: pass\n", 3),
    ("no-sqlite", "lidb/liorm/fallback.py", "import importlib\nm = importlib.import_module('sqlite3')\n", 2),
    ("no-sqlite", "lidb/liorm/fallback.py", "import subprocess\nsubprocess.run(['sqlite3', db, '.dump'])\n", 2),
    ("no-sqlite", "lidb/liorm/fallback.py", "import os\nos.system(f'sqlite3 {db}')\n", 2),
    ("no-sqlite", "lidb/liorm/fallback.py", "cmd = ['/usr/bin/sqlite3', path]\n", 1),
    ("no-sqlite", "lidb/liorm/fallback.py", "import ctypes\nlib = ctypes.CDLL('libsqlite3.so.0')\n", 2),
    ("no-sqlite", "lis/lis/fallback.py", "URL = 'sqlite+aiosqlite:///x.db'\n", 1),
    ("no-sqlite", "lis/lis/fallback.py", "if url.startswith('sqlite://'):\n    use(url)\n", 1),
    ("no-sqlite", "lidb/tests/test_oracle.py", "import sqlite3\n\ndef test_same(): pass\n", 1),
    ("no-sqlite", "lidb/src/fallback.cpp", "// as before\n#include <sqlite3.h>\n", 2),
    ("no-sqlite", "lidb/src/fallback.cpp", 'int f() {\n  return sqlite3_open(":memory:", &db);\n}\n', 2),
    ("no-sqlite", "lidb/src/fallback.cpp", 'auto cmd = "sqlite3 " + path;\n', 1),
    ("no-sqlite", "lidb/src/fallback.cpp", 'FILE* f = popen("sqlite3 x.db", "r");\n', 1),
    ("no-sqlite", "lidb/src/sqlite3.c", "int x;\n", 1),
    ("no-sqlite", "lidb/CMakeLists.txt", "project(x)\nfind_package(SQLite3 REQUIRED)\n", 2),
    ("no-sqlite", "lidb/CMakeLists.txt", "target_link_libraries(x PRIVATE\n  sqlite3)\n", 2),
    ("no-sqlite", "lidb/Makefile", "x:\n\tc++ x.cpp -lsqlite3\n", 2),
    ("no-sqlite", "lidb/scripts/x.sh", '#!/bin/sh\nls | sqlite3 "$DB"\n', 2),
    ("no-sqlite", "lidb/scripts/x.sh", '#!/bin/sh\nX=$(sqlite3 db "select 1")\n', 2),
    ("no-sqlite", "lidb/scripts/x.sh", '#!/bin/sh\nS="$(command -v sqlite3)"\n"$S" db\n', 3),
    ("no-sqlite", "lidb/scripts/x.sh", "#!/bin/sh\nbash -c 'sqlite3 db .dump'\n", 2),
    ("no-sqlite", "lidb/scripts/x.sh", "#!/bin/sh\npython3 - <<'EOF'\nimport sqlite3\nEOF\n", 3),
    ("no-sqlite", "lidb/scripts/x.sh", "#!/bin/sh\nsudo apt-get install -y \\\n  cmake sqlite3\n", 2),
    ("no-sqlite", "lidb/.github/workflows/ci.yml", JOB + "      - run: |\n          true\n          sudo apt-get install -y sqlite3\n", 8),
    ("no-sqlite", "lis/Dockerfile", "FROM debian\nRUN apt-get update && \\\n    apt-get install -y libsqlite3-dev\n", 3),
    ("no-sqlite", "lis/requirements.txt", "psycopg\naiosqlite==0.20\n", 2),
    ("no-sqlite", "lis/package.json", '{\n "dependencies": {\n  "better-sqlite3": "^9"\n }\n}\n', 3),
    ("no-sqlite", "lis/src/a.ts", "import Database from 'better-sqlite3';\n", 1),
    ("no-sqlite", "lis/src/a.ts", "const { DatabaseSync } = require('node:sqlite');\n", 1),
    ("no-sqlite", "lis/profiles/other.toml", 'fallback = "sqlite"\n', 1),
    ("default-store-supabase", CONFIG, (DEFAULT, "env.LI_CONTROL_PLANE_STORE || 'lidb'"), 10),
    ("default-store-supabase", CONFIG, (DEFAULT, "env.LI_CONTROL_PLANE_STORE?.trim() ?? 'disk'"), 10),
    ("default-store-supabase", CONFIG, (DEFAULT, "env.LI_CONTROL_PLANE_STORE"), 10),
    ("default-store-supabase", CONFIG, "const D = 'lidb';\nexport const s = (process.env.LI_CONTROL_PLANE_STORE ?? D).trim();\n", 2),
    ("default-store-supabase", CONFIG, "const { LI_CONTROL_PLANE_STORE = 'lidb' } = process.env;\n", 1),
    ("default-store-supabase", CONFIG, "const s = z.object({\n  LI_CONTROL_PLANE_STORE: z.enum(['supabase', 'lidb'])\n    .default('lidb'),\n});\n", 3),
    ("default-store-supabase", CONFIG, "const s = process.env.LI_CONTROL_PLANE_STORE === 'supabase' ? 'supabase' : 'lidb';\n", 1),
    ("default-store-supabase", CONFIG, "function f() {\n  const raw = process.env.LI_CONTROL_PLANE_STORE?.trim();\n  if (raw === 'supabase') return 'supabase';\n  return 'lidb';\n}\n", 4),
    ("default-store-supabase", "li-cursor-agents/scripts/run.py", "import os\nS = os.environ.get('LI_CONTROL_PLANE_STORE', 'lidb')\n", 2),
    ("default-store-supabase", "li-cursor-agents/scripts/run.sh", '#!/bin/sh\nexport LI_CONTROL_PLANE_STORE="${LI_CONTROL_PLANE_STORE:-lidb}"\n', 2),
    ("default-store-supabase", "li-cursor-agents/.env.example", "# where\nLI_CONTROL_PLANE_STORE=lidb\n", 2),
    ("default-store-supabase", "li-cursor-agents/Dockerfile", "FROM node\nENV LI_CONTROL_PLANE_STORE=lidb\n", 2),
    ("default-store-supabase", "li-cursor-agents/.github/workflows/deploy.yml", JOB + "      - run: ./deploy\n        env: { LI_CONTROL_PLANE_STORE: lidb }\n", 7),
    ("no-tcp-in-registry-min", PROFILE, ("tcp_port = 0", "tcp_port = 54321"), 2),
    ("no-tcp-in-registry-min", PROFILE, ("tcp_port = 0", "tcp_port = 0\ntcp_listen = true"), 3),
    ("no-tcp-in-registry-min", PROFILE, ("tcp_port = 0", '[server]\nlisten = "0.0.0.0:5432"'), 3),
    ("no-tcp-in-registry-min", PROFILE, ("tcp_port = 0", "[tcp]\nenabled = true"), 3),
    ("no-tcp-in-registry-min", PROFILE, "tcp_port = \n", 1),
    ("no-tcp-in-registry-min", PROFILE, 'extends = "full"\n', 1),
    ("no-tcp-in-registry-min", "lis/lis/cli.py", ('command.add_argument("--json"', 'command.add_argument("--tcp-port", default=5432)\n        command.add_argument("--json"'), 28),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "import os\nPORT = int(os.environ.get('LIS_TCP_PORT', '54321'))\n", 2),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "import socket\ns = socket.socket()\ns.bind(('127.0.0.1', 5432))\n", 3),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "import asyncio\nasync def f(h):\n    await asyncio.start_server(h, 'localhost', 5432)\n", 3),
    ("no-tcp-in-registry-min", "lis/docker-compose.ph-db.yml", 'services:\n  lis-db:\n    environment: { LI_PROFILE: registry-min }\n    ports: ["5432:5432"]\n', 4),
    ("engine-e2e-not-silent", CI, JOB + ENGINE + "        continue-on-error: true\n", 7),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", "    continue-on-error: ${{ true }}\n    steps") + ENGINE, 5),
    ("engine-e2e-not-silent", CI, JOB + ENGINE + "        if: false\n", 7),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", "    if: ${{ false }}\n    steps") + ENGINE, 5),
    ("engine-e2e-not-silent", CI, JOB + "      - run: npm run test:e2e:lidb-engine || true\n", 6),
    ("engine-e2e-not-silent", CI, JOB + "      - run: npm run test:e2e:lidb-engine || echo failed\n", 6),
    ("engine-e2e-not-silent", CI, JOB + "      - run: |\n          set +e\n          npm run test:e2e:lidb-engine\n          echo done\n", 8),
    ("engine-e2e-not-silent", CI, JOB + "      - run: npm run test:e2e:lidb-engine | tee log\n", 6),
    ("engine-e2e-not-silent", CI, JOB + "      - run: |\n          if ! npm run test:e2e:lidb-engine; then\n            echo '::warning::e2e'\n          fi\n", 7),
    ("engine-e2e-not-silent", CI, JOB + "      - run: |\n          npm run test:e2e:lidb-engine \\\n            -- --only || true\n", 7),
    ("engine-e2e-not-silent", CI, JOB + "      - run: export LI_LIDB_MOCK=1\n" + ENGINE, 6),
    ("engine-e2e-not-silent", CI, JOB.replace("    steps", '    env:\n      LI_LIDB_MOCK: "1"\n    steps') + ENGINE, 6),
    ("engine-e2e-not-silent", CI, "env: {LI_LIDB_MOCK: 1}\n" + JOB + ENGINE, 1),
    ("engine-e2e-not-silent", CI, JOB + "      - run: nox -s e2e-engine\n        continue-on-error: true # later\n", 7),
    ("engine-e2e-not-silent", CI, JOB + "      - run: LI_E2E_LIDB_ENGINE=1 node --test tests/e2e || :\n", 6),
    ("engine-e2e-not-silent", "benchmarks/.github/workflows/x.yaml", JOB + ENGINE + "        continue-on-error: true\n", 7),
    ("engine-e2e-not-silent", "li-cursor-agents/package.json", ('"test:e2e:lidb-engine": "node --test tests/e2e/lidb.test.mjs"', '"test:e2e:lidb-engine": "node --test tests/e2e/lidb.test.mjs || true"'), 13),
    ("engine-e2e-not-silent", "li-cursor-agents/scripts/e2e.sh", "#!/usr/bin/env bash\nnpm run test:e2e:lidb-engine\necho done\n", 2),
    ("engine-e2e-not-silent", "li-cursor-agents/scripts/e2e.sh", "#!/usr/bin/env bash\nset -e\nnpm run test:e2e:lidb-engine || true\n", 3),
    ("engine-e2e-not-silent", CI, "jobs:\n  a: {\n", 2),
    ("engine-e2e-not-silent", "li-cursor-agents/.github/actions/e2e/action.yml", "runs:\n  using: composite\n  steps:\n    - run: npm run test:e2e:lidb-engine || true\n      shell: bash\n", 4),
    ("engine-e2e-not-silent", "li-cursor-agents/.github/workflows/ci.yml", ("npm ci && npm run test:e2e:lidb-engine", "npm ci && npm run test:e2e:lidb-engine || true"), 26),
    ("engine-e2e-not-silent", "li-cursor-agents/.github/workflows/ci.yml", ('LI_E2E_LIDB_ENGINE: "1"', 'LI_E2E_LIDB_ENGINE: "1", LI_LIDB_MOCK: "1"'), 20),
    ("no-green-without-measurement", "benchmarks/dashboard/tiers.json", ('"unknown"', '"pass"'), 5),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", "#!/bin/sh\ndocker build -t ghcr.io/li-langverse/lic-ci:latest .\n", 2),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", '#!/bin/sh\nIMAGE=ghcr.io/li-langverse/lic-ci\ndocker build . --tag "$IMAGE:1"\n', 3),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", "#!/bin/sh\ndocker tag all ghcr.io/li-langverse/lic-ci\n", 2),
    ("lic-ci-not-replaced", "lis/.github/workflows/i.yml", JOB + "      - uses: docker/build-push-action@v6\n        with:\n          tags: |\n            ghcr.io/li-langverse/lic-ci:ubuntu24\n", 8),
    ("lic-ci-not-replaced", "lis/compose.yml", "services:\n  ci:\n    build: .\n    image: ghcr.io/li-langverse/lic-ci\n", 4),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ubuntu:24.04 AS lic-ci\n", 1),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ghcr.io/li-langverse/everything:1\n", 1),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ubuntu:24.04\nRUN apt-get install -y llvm-22 clang-22\nCOPY lidb/ /opt/lidb\nCOPY lis/ /opt/lis\n", 2),
    ("lic-ci-not-replaced", "lidb/.github/workflows/i.yml", JOB.replace("    steps", "    container: ghcr.io/li-langverse/ph-db-all:1\n    steps") + ENGINE, 5),
    ("no-green-without-measurement", "benchmarks/data/rows.json", '[\n {"id": "tier_db_registry",\n  "status": "pass"}\n]\n', 3),
    ("no-green-without-measurement", "benchmarks/data/rows.json", '{\n "tier_db_memory": {\n  "status": "green"\n }\n}\n', 3),
    ("no-green-without-measurement", "benchmarks/data/rows.json", '{\n "tier_db_memory": "ok"\n}\n', 2),
    ("no-green-without-measurement", "benchmarks/data/rows.toml", '[[tiers]]\nid = "tier_db_registry"\nstatus = "green"\n', 3),
    ("no-green-without-measurement", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| `tier_db_registry` | ✅ pass |\n", 3),
    ("no-green-without-measurement", "benchmarks/dashboard/rows.ts", "export const rows = [\n  { id: 'a', status: 'pass' },\n  {\n    id: 'tier_db_registry',\n    status: 'pass',\n  },\n];\n", 5),
    ("no-green-without-measurement", "benchmarks/dashboard/rows.ts", "const rows = [{ status: 'green', id: 'tier_db_registry' }];\n", 1),
    ("no-green-without-measurement", "benchmarks/data/rows.csv", "tier,status\ntier_db_registry,pass\n", 2),
    ("no-lip-v2-claim", "lidb/README.md", "# lidb\n\nThe lip registry v2 now runs on lidb.\n", 3),
    ("no-lip-v2-claim", "lis/docs/a.md", "# x\n\n## Features\n\n- ships registry v2 for lip\n", 5),
    ("no-lip-v2-claim", "li-cursor-agents/README.md", "lidb powers the lip registry.\n", 1),
    ("no-wire-listener-claim", "lidb/README.md", "# lidb\n\nA database.\nIt speaks the Postgres wire protocol without any setup.\n", 4),
    ("no-wire-listener-claim", "lis/README.md", "No setup: connect with psql to port 5432.\n", 1),
    ("no-wire-listener-claim", "lis/README.md", "## Status\n\n| what | state |\n|---|---|\n| PG wire listener | ✅ |\n", 5),
    ("no-wire-listener-claim", "lis/README.md", "## Features\n\n* Postgres wire protocol\n", 3),
    ("no-wire-listener-claim", "li-cursor-agents/package.json", ("Keeps the runs of agents in a control-plane store.", "A Postgres wire-compatible store."), 4),
    ("no-replication-claim", "lidb/README.md", "# lidb\n\nFast. and there\nis no lag: lidb supports streaming replication.\n", 4),
    ("no-replication-claim", "lidb/README.md", "The WAL is replicated to every replica.\n", 1),
    ("no-replication-claim", "lidb/package.json", '{\n "keywords": ["db", "replication"]\n}\n', 2),
    ("no-replication-claim", "benchmarks/README.md", "| feature | lidb |\n|---|---|\n| Logical replication | yes |\n", 3),
    # What was not read: behind a long line, a NUL, a carriage return, in a word of its own
    ("no-sqlite", "lis/src/a.ts", "a();" * 2000 + "require('better-sqlite3');\n", 1),
    ("no-sqlite", "lis/src/a.ts", "const D = require(\n  'better-sqlite3'\n);\n", 2),
    ("no-sqlite", "lis/src/a.ts", "// a\rrequire('better-sqlite3');\n", 1),
    ("no-sqlite", "lis/src/a.ts", "const r = /[/*]/;\nrequire('better-sqlite3');\n", 2),
    ("no-sqlite", "lis/src/a.ts", "if (x) throw y; " + "a();" * 200 + "require('better-sqlite3');\n", 1),
    ("no-sqlite", "lis/src/a.ts", "import init from 'sql.js';\n", 1),
    ("no-sqlite", "lidb/src/x.c", "/* \0 */\n#include <sqlite3.h>\n", 2),
    ("no-sqlite", "lidb/src/x.c", "int a; /* never closed\n#include <sqlite3.h>\n", 2),
    ("no-sqlite", "lidb/Makefile.in", "x:\n\trm -f build/*\n\tc++ x.cpp -lsqlite3\n", 3),
    ("no-sqlite", "lidb/liorm/x.py", "import apsw\n", 1),
    ("no-sqlite", "lidb/liorm/x.py", "print 'x'\nopen('sqlite')\n", 2),
    ("no-sqlite", "lidb/scripts/x", "#!/usr/bin/env python3\nif True: import sqlite3\n", 2),
    ("no-sqlite", "lidb/scripts/x.sh", "#!/bin/sh\n" + "eval " * 6 + "sqlite3 db\n", 2),
    ("no-sqlite", "lidb/docs/x.ipynb", '{"source": ["import sqlite3\\n"]}\n', 1),
    ("no-sqlite", "lidb/Cargo.lock", '[[package]]\nname = "libsqlite3-sys"\n', 2),
    ("no-sqlite", "lis/package.json", '{\n "name": "x", "dependencies": {"better-sqlite3": "9"}\n}\n', 2),
    ("no-sqlite", "lis/package.json", '{\n "check-no-sqlite": "1", "better-sqlite3": "9"\n}\n', 2),
    ("default-store-supabase", CONFIG, "a();" * 2000 + "const s = process.env.LI_CONTROL_PLANE_STORE ?? 'lidb';\n", 1),
    ("default-store-supabase", CONFIG, "log(process.env.LI_CONTROL_PLANE_STORE);\n" * 250 + "const s = process.env.LI_CONTROL_PLANE_STORE ?? 'lidb';\n", 251),
    ("default-store-supabase", CONFIG, "const s = process.env.LI_CONTROL_PLANE_STORE ?? 'supabase';\n" * 600, 501),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "a = 1; " * 500 + "PORT = env.get('LIS_TCP_PORT', '54321')\n", 1),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "p.add_argument(\n    '--tcp-port',\n    default=5432,\n)\n", 2),
    ("no-tcp-in-registry-min", "lis/Dockerfile", "FROM debian\nENV LIS_TCP_PORT=5432\n", 2),
    ("no-tcp-in-registry-min", "lis/lis/listener.py", "a = " + "-" * 20_000 + "1\n", 1),
    ("engine-e2e-not-silent", CI, JOB + "      - run: |\n          nox \\\n            -s e2e-engine || true\n", 7),
    ("engine-e2e-not-silent", CI, JOB + '      - run: |\n          x="a # b"; npm run test:e2e:lidb-engine || true\n', 7),
    ("engine-e2e-not-silent", "li-cursor-agents/scripts/e2e.sh", "#!/bin/sh -e\n" + "npm run test:e2e:lidb-engine\n" * 60, 52),
    ("engine-e2e-not-silent", "li-cursor-agents/package.json", ('"test:e2e:lidb-engine": "node --test tests/e2e/lidb.test.mjs"', '"test:e2e:lidb-engine":\n  "node --test tests/e2e/lidb.test.mjs || true"'), 13),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", "#!/bin/sh\ndocker build -tlic-ci .\n", 2),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", "#!/bin/sh\ndocker build -qt lic-ci .\n", 2),
    ("lic-ci-not-replaced", "lidb/scripts/i.sh", "#!/bin/sh\ndocker --context a --log-level debug image build -t x/lic-ci .\n", 2),
    ("lic-ci-not-replaced", "lidb/docker/Dockerfile", "FROM ubuntu:24.04\nRUN apt-get install -y llvm-22 \\\n  && mv lidb/ /opt/lidb \\\n  && mv lis/ /opt/lis\n", 2),
    ("no-green-without-measurement", "benchmarks/dashboard/rows.ts", "const rows = [{ id: 'tier_smoke', status: 'fail' }, { id: 'tier_db_registry', status: 'pass' }];\n", 1),
    ("no-green-without-measurement", "benchmarks/dashboard/rows.ts", "a();" * 2000 + "const rows = [{ id: 'tier_db_registry', status: 'pass' }];\n", 1),
    ("no-green-without-measurement", "benchmarks/data/rows.csv", "x," * 3000 + "tier_db_registry,pass\n", 1),
    ("no-green-without-measurement", "benchmarks/data/rows.jsonl", '{"id": "a"}\n{"id": "tier_db_registry", "status": "pass"}\n', 2),
    ("no-green-without-measurement", "benchmarks/data/rows.json", '{"id": "tier_db_registry", "status": "pass",}\n', 1),
    ("no-green-without-measurement", "benchmarks/README.md", "![x](https://img.shields.io/badge/tier__db__registry-passing-green)\n", 1),
    ("no-wire-listener-claim", "lis/README.md", "It works with\npsql.\n", 1),
    ("no-wire-listener-claim", "lis/README.md", "A word. " * 2000 + "It speaks the Postgres wire protocol.\n", 1),
    ("no-wire-listener-claim", "lis/README.md", "<!-- a\nb --> It speaks the Postgres wire protocol.\n", 2),
    ("no-wire-listener-claim", "lis/README.md", "````\n```\n````\nIt speaks the Postgres wire protocol.\n", 4),
    ("no-wire-listener-claim", "lis/README", "It speaks the Postgres wire protocol.\n", 1),
    ("no-wire-listener-claim", "lidb/package.json", '{"description": "A Postgres wire-compatible store."}\n', 1),
    ("no-wire-listener-claim", "lidb/x/pyproject.toml", 'description = """\nA Postgres wire-compatible store.\n"""\n', 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("guard", "file", "text", "line"),
    [pytest.param(*row, id=f"{row[0]}-{number}") for number, row in enumerate(BROKEN)],
)
def test_guard_is_red_where_the_stack_is_broken(
    check: Check, guard: str, file: str, text: str | tuple[str, str], line: int
) -> None:
    assert_red(check({file: text}), guard, file, line)


def assert_red(found: dict[str, list[Finding]], guard: str, file: str, line: int) -> None:
    """This guard, and no other, is red with this file and line."""
    repo, _, path = file.partition("/")
    assert (repo, path, line) in [(one.repo, one.path, one.line) for one in found.get(guard, [])], found
    assert set(found) == {guard}


HONEST: Sequence[tuple[str, str | tuple[str, str]]] = [
    ("lidb/docs/a.md", "Not SQLite: `import sqlite3` is gone, there is no sqlite:// URL. Install no sqlite3.\n"),
    ("lidb/liorm/x.py", '"""No sqlite3: sqlite:///x is refused."""\n# import sqlite3\nraise RuntimeError("sqlite3 is not supported")\n'),
    ("lidb/liorm/x.py", "def f(url):\n    if url.startswith('sqlite://'):\n        raise ValueError('no sqlite')\n"),
    ("lidb/liorm/x.py", "FORBIDDEN = ('sqlite3', 'aiosqlite')\nassert not set(FORBIDDEN) & set(sys.modules)\n"),
    ("lidb/tests/test_absence.py", "def test_absent():\n    assert 'import sqlite3' not in source\n    with pytest.raises(ImportError):\n        import sqlite3\n"),
    ("lidb/tests/test_absence.py", "subprocess.run(['grep', '-rn', 'import sqlite3', 'liorm'])\n"),
    ("lidb/scripts/check_no_sqlite.sh", "#!/bin/bash\nif rg -n 'import sqlite3|sqlite3\\.' . >/tmp/sqlite-hits; then\n  echo \"sqlite3 remains\" >&2\n  exit 1\nfi\n! command -v sqlite3\n[ -z \"$(ldd x | grep sqlite3)\" ]\n"),
    ("lidb/.github/workflows/ci.yml", JOB + "      - name: Assert no sqlite3\n        run: bash scripts/check_no_sqlite.sh\n"),
    ("lidb/CMakeLists.txt", '# no sqlite\nif(SQLite3_FOUND)\n  message(FATAL_ERROR "sqlite3")\nendif()\n'),
    ("lidb/src/x.cpp", '// sqlite3_open( is gone\nthrow std::runtime_error("sqlite3 is not supported");\n'),
    ("lidb/li.toml", 'description = "a database that is no sqlite"\n'),
    ("lidb/migrations/archive/1.sql", "-- SQLite subset\ncreate table x (id text);\n"),
    (CONFIG, "const D = 'supabase';\nexport const s = process.env.LI_CONTROL_PLANE_STORE ?? D;\n"),
    (CONFIG, "export function store() {\n  const raw = (process.env.LI_CONTROL_PLANE_STORE ?? '').trim();\n  if (raw === 'lidb' || raw === 'disk') return raw;\n  return 'supabase';\n}\n"),
    (CONFIG, "export function store() {\n  switch (process.env.LI_CONTROL_PLANE_STORE) {\n    case 'lidb':\n      return 'lidb';\n    default:\n      return 'supabase';\n  }\n}\n"),
    ("li-cursor-agents/src/more.ts", "if (process.env.LI_CONTROL_PLANE_STORE === 'lidb') {\n  useLidb();\n}\n"),
    ("li-cursor-agents/.env.lidb.example", "LI_CONTROL_PLANE_STORE=lidb\n"),
    ("li-cursor-agents/.env.example", "LI_CONTROL_PLANE_STORE=supabase\n"),
    ("li-cursor-agents/README.md", "`export LI_CONTROL_PLANE_STORE=lidb` uses lidb.\n"),
    (CI, JOB + "      - run: npm run test:e2e:lidb-engine\n        env: { LI_CONTROL_PLANE_STORE: lidb, LI_LIDB_MOCK: '' }\n"),
    ("lis/profiles/server.toml", "tcp_port = 5432\n"),
    (PROFILE, ("tcp_port = 0", 'tcp_listen = false\nsocket = "unix:/run/lidb.sock"\n[tcp]\nenabled = false\ntcp_port = 0')),
    ("lis/lis/listener.py", "import socketserver\ndef f(profile):\n    if not profile.tcp_port:\n        return None\n    return socketserver.TCPServer(('localhost', profile.tcp_port), H)\n"),
    ("lis/lis/listener.py", "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind(path)\n"),
    ("lis/lis/x.py", "def f(data):\n    return data.get('tcp_port', 0)\n"),
    (CI, JOB + ENGINE + "        # https://github.com/li-langverse/li-cursor-agents/issues/12\n        continue-on-error: true\n"),
    (CI, JOB + ENGINE + "        continue-on-error: true # https://github.com/x/y/issues/12\n"),
    (CI, JOB + ENGINE + "        continue-on-error: false\n        if: always()\n"),
    (CI, JOB + ENGINE + "      - run: rm x || true\n        continue-on-error: true\n"),
    (CI, JOB + ENGINE + "  mock:\n    runs-on: x\n    env: { LI_LIDB_MOCK: 1 }\n    continue-on-error: true\n    steps:\n      - run: npm run test:e2e:lidb\n"),
    (CI, JOB + "      - run: |\n          set -o pipefail\n          npm run test:e2e:lidb-engine | tee log\n"),
    (CI, JOB + "      - run: |\n          set +e\n          npm run test:e2e:lidb-engine\n          code=$?\n          set -e\n          exit $code\n"),
    (CI, JOB + "      - run: |\n          if ! npm run test:e2e:lidb-engine; then\n            echo bad\n            exit 1\n          fi\n"),
    ("lidb/docker/Dockerfile", "FROM ghcr.io/li-langverse/lic-ci:1\nRUN apt-get install -y llvm-22\nCOPY lidb/ lis/ /opt/\n"),
    ("lidb/docker/Dockerfile.embed", "FROM ubuntu:24.04 AS build\nRUN apt-get install -y cmake g++\nCOPY lidb/ /opt/lidb\nFROM python:3.12\nCOPY lis/ /opt/lis\n"),
    ("lidb/.github/workflows/i.yml", JOB.replace("    steps", "    container: ghcr.io/li-langverse/lic-ci:1\n    steps") + "      - run: docker build -t ghcr.io/li-langverse/lidb-ci:ubuntu24 .\n      - run: docker tag ghcr.io/li-langverse/lic-ci:1 base\n      - run: docker pull ghcr.io/li-langverse/lic-ci\n"),
    ("benchmarks/data/rows.json", '[{"id": "tier_db_registry", "status": "unknown"}, {"id": "tier_smoke", "status": "pass"}]\n'),
    ("benchmarks/README.md", "| tier_db_registry | stub | pass only when measured |\n"),
    ("benchmarks/dashboard/rows.ts", "type Row = { id: 'tier_db_registry'; status: 'pass' | 'fail' };\nconst rows = [\n  { id: 'tier_db_registry', status: 'unknown' },\n  { id: 'tier_smoke', status: 'pass' },\n];\n"),
    ("lidb/docs/pg.md", "# Postgres subset\n\n## Explicit NOT list\n\n### Replication & HA\n\n- Streaming replication\n\n## Wire\n\nlidb does not speak the Postgres wire protocol. Replication is planned.\n"),
    ("lidb/docs/pg.md", "| Area | Status |\n|---|---|\n| TCP wire | Not implemented |\n| Replication | planned |\n| PG wire listener | ❌ |\n| lip registry | Not on lidb |\n"),
    ("lidb/docs/pg.md", "| System | Keep | Reject |\n|---|---|---|\n| Postgres | WAL | replication v1 |\n\nSupabase provides logical replication.\n"),
    ("lidb/docs/pg.md", "The lip registry v2 ships on lidb only after PH-DB-4. lip is blocked on PH-DB-4.\n"),
    ("lidb/docs/pg.md", "Not in MVP: PG wire listener, replication. No full Postgres wire compatibility or replication.\n"),
    ("lidb/README.md", "Part of the **PH-DB** program for registry v2 and the lean **lidb + lis** bundle.\n"),
    ("lidb/docs/pg.md", "Future profiles listen on a TCP port and will speak the Postgres wire protocol.\n"),
    ("lidb/web/app.min.js", "a();" * 100_000 + "// sqlite\n"),
    ("lidb/web/app.min.js", "a();" * 6000 + "b='no sqlite here';\n"),
    ("lidb/docs/x.ipynb", '{"source": ["# no sqlite3\\n"]}\n'),
    ("lidb/scripts/i.sh", "#!/bin/sh\ndocker run -t ghcr.io/li-langverse/lic-ci:1 build -t x\n"),
    ("lidb/README.md", "# x\n\n<!-- It speaks the Postgres\nwire protocol. -->\n\n```\nlidb supports streaming replication\n```\n"),
    ("lis/lis/listener.py", "import socketserver\ndef f(p):\n    return socketserver.TCPServer(p.at, H) if p.tcp_port else None\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "text"), [pytest.param(*row, id=str(number)) for number, row in enumerate(HONEST)]
)
def test_guards_hold_for_an_honest_stack(check: Check, file: str, text: str | tuple[str, str]) -> None:
    assert check({file: text}) == {}


@pytest.mark.parametrize(
    ("called", "text", "caller"),
    [
        (".github/actions/e2e/action.yml", "runs:\n  using: composite\n  steps:\n    - run: npm run test:e2e:lidb-engine\n      shell: bash\n", JOB + "      - uses: ./.github/actions/e2e\n        continue-on-error: true\n"),
        (".github/workflows/engine.yml", JOB + ENGINE, "jobs:\n  e2e:\n\n\n\n    uses: ./.github/workflows/engine.yml\n    continue-on-error: true\n"),
        ("scripts/inner.sh", "#!/bin/sh -e\nnpm run test:e2e:lidb-engine\n", JOB + "      - run: bash scripts/inner.sh\n        continue-on-error: true\n"),
    ],
    ids=["action", "workflow", "script"],
)  # fmt: skip
def test_engine_suite_is_followed_through_what_is_called(
    check: Check, called: str, text: str, caller: str
) -> None:
    found = check({f"li-cursor-agents/{called}": text, CI: caller})
    assert [(one.path, one.line) for one in found["engine-e2e-not-silent"]] == [(CI.partition("/")[2], 7)]


def test_guards_hold_on_the_stand_in_stack(check: Check) -> None:
    assert check({}) == {}


def manifest(**changes: object) -> str:
    """A nightly manifest of tier_db_registry, measured, with changes."""
    scenarios = [
        {
            "id": name,
            "engines": {"lidb": {"p95_ms": 1.0}, "postgres": {"p95_ms": 1.1}},
            "ratio_vs_postgres": 0.909,
            "status": "pass",
        }
        for name in ("registry_publish", "registry_read_by_name", "registry_read_latest")
    ]
    whole: dict[str, object] = {
        "tier": "tier_db_registry",
        "profile": "nightly",
        "status": "pass",
        "engine_mode": "compare",
        "measured_at": "2026-11-20T03:17:00Z",
        "threshold_ratio_vs_postgres": 1.2,
        "scenarios": scenarios,
    }
    return json.dumps(whole | changes, indent=1)


ROW = {"benchmarks/data/rows.json": '[{"id": "tier_db_registry", "status": "pass"}]'}


def test_green_row_stands_on_a_nightly_measurement(check: Check) -> None:
    assert check(ROW | {"benchmarks/data/tier-db-registry.json": manifest()}) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "stub"},
        {"engine_mode": "lidb_only"},
        {"profile": "ci"},
        {"measured_at": None},
        {"scenarios": []},
        {"threshold_ratio_vs_postgres": 0.5},
        {
            "scenarios": [
                {"engines": {"lidb": {"p95_ms": 1}, "postgres": {"p95_ms": None}}, "ratio_vs_postgres": 1}
            ]
        },
        {
            "scenarios": [
                {"engines": {"lidb": {"p95_ms": 1}, "postgres": {"p95_ms": 1}}, "ratio_vs_postgres": True}
            ]
        },
        {"scenarios": "abc"},
    ],
    ids=str,
)
def test_green_row_is_red_when_its_manifest_is_no_measurement(
    check: Check, changes: dict[str, object]
) -> None:
    found = check(ROW | {"benchmarks/data/tier-db-registry.json": manifest(**changes)})
    assert ("data/rows.json", 1) in [(one.path, one.line) for one in found["no-green-without-measurement"]]


def test_measured_failure_with_a_scenario_that_passed_is_honest(check: Check) -> None:
    assert check({"benchmarks/data/tier-db-registry.json": manifest(status="fail")}) == {}


# The program


def arguments(stack: Path, *left_out: str) -> list[str]:
    return [f"{name}={stack / name}" for name in REPOS if name not in left_out]


def test_repo_that_is_not_given_fails_every_guard_that_reads_it(
    stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(stack, "lis")) == Exit.FAIL
    told = capsys.readouterr().out.splitlines()
    for guard in GUARDS:
        at = told.index(f"{'FAIL' if 'lis' in guard.repos else 'PASS'} {guard.name}")
        assert ("lis" in guard.repos) == (told[at + 1] == "  lis: repo not given")
    assert told[-1] == "9 guards: 2 hold, 7 do not; findings: 7"


def test_program_starts_quickly_and_prints_a_line_per_guard(stack: Path) -> None:
    code = "import sys; from phdb_ci.guards.__main__ import main; c = main()\nsys.exit(c or 'pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments(stack)],
        capture_output=True,
        text=True,
        check=False,
        cwd=STACK.parents[1],
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.splitlines()[:-1] == [f"PASS {guard.name}" for guard in GUARDS]


@pytest.mark.parametrize(
    "words", [[], ["lidb"], ["other=."], ["lidb=/nowhere/at/all"], ["lidb=.", "lidb=."], ["lidb="]], ids=str
)
def test_usage_error_has_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == Exit.USAGE
    assert capsys.readouterr().err.startswith("error: ")


def test_junit_report_names_file_and_line(stack: Path, tmp_path: Path) -> None:
    (stack / "lidb/liorm/x.py").write_text("import sqlite3  # <&>\x1b[31m ]]>\n")
    report = tmp_path / "guards.xml"
    assert main([*arguments(stack), "--junit", str(report)]) == Exit.FAIL
    suite = read_report("junit", report, skips={}, critical=[guard.name for guard in GUARDS])
    assert suite.problem is None
    assert (suite.counts.passed, suite.counts.failed) == (len(GUARDS) - 1, 1)
    assert all(rule.matched == 1 for rule in suite.critical_rules)
    case = next(case for case in suite.cases if case.status == "failed")
    assert (case.name, case.message) == (
        "no-sqlite", "lidb/liorm/x.py:1: imports sqlite3: import sqlite3 # <&> [31m ]]>",
    )  # fmt: skip


def test_hostile_text_is_bounded_and_stays_on_its_line(check: Check) -> None:
    evil = "import sqlite3 # \x1b]0;x\x07\u202e" + "A" * 5000
    finding = check({"lidb/x.py": evil + "\n"})["no-sqlite"][0]
    assert len(str(finding)) < 300
    assert str(finding).isprintable()
    assert quoted("PASS x\rPASS y\x00") == "PASS x PASS y"


def test_long_list_of_findings_is_cut_and_counted(check: Check, stack: Path) -> None:
    check({"lidb/x.py": "import sqlite3\n" * 150})
    told = lines(tuple(judge({name: Checkout(name, stack / name) for name in REPOS})))
    assert told[101] == "  and 50 more"
    assert told[-1].endswith("findings: 150")


def test_what_is_not_ours_is_not_read(stack: Path, tmp_path: Path) -> None:
    bad = "import sqlite3\n"
    for folder in ("node_modules/a", "build", "dist", ".git", ".venv/lib"):
        (stack / "lidb" / folder).mkdir(parents=True)
        (stack / "lidb" / folder / "x.py").write_text(bad)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.py").write_text(bad)
    (stack / "lidb/link.py").symlink_to(outside / "x.py")
    (stack / "lidb/folder").symlink_to(outside)
    (stack / "lidb/round").symlink_to(".")
    (stack / "lidb/self.py").symlink_to("self.py")
    (stack / "lidb/dangling.py").symlink_to("nothing.py")
    (stack / "lidb/binary.dat").write_bytes(b"import sqlite3\n\0")
    os.mkfifo(stack / "lidb/pipe.py")
    checkout = Checkout("lidb", stack / "lidb")
    assert "link.py" not in [file.path for file in checkout.files]
    assert [note.partition(" ")[0] for note in checkout.notes] == ["lidb/dangling.py", "lidb/self.py"]
    assert main(arguments(stack)) == Exit.PASS


@pytest.mark.parametrize("name", ["b.js", "sub/CMakeLists.txt", "b.py", "config.h.in", "docs/a.md", "b.toml"])
def test_code_over_the_bound_is_no_pass(stack: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    place = stack / "lidb" / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"\n" * (4 * 1024 * 1024 + 1))
    assert main(arguments(stack)) == Exit.FAIL
    told = capsys.readouterr().out.splitlines()
    at = told.index("FAIL no-sqlite")
    assert told[at + 1] == f"  lidb/{name}:1: cannot tell: it was not read: over 4 MiB"


@pytest.mark.parametrize(
    "name", ["package-lock.json", "pnpm-lock.yaml", "Cargo.lock", "data.json", "a.csv", "a.svg"]
)
def test_data_over_the_bound_is_noted(stack: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (stack / "lidb" / name).write_bytes(b"\n" * (4 * 1024 * 1024 + 1))
    assert main(arguments(stack)) == Exit.PASS
    assert capsys.readouterr().out.startswith(f"note: lidb/{name} was not read: over 4 MiB\n")


@pytest.mark.parametrize("name", ["picture.png", "tests/fixtures/page.bin", "corpus.in", "a.txt"])
def test_binary_fixture_is_honest(stack: Path, name: str) -> None:
    place = stack / "lidb" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\x89\0\1import sqlite3\n" * 1000)
    assert main(arguments(stack)) == Exit.PASS


def test_code_that_cannot_be_opened_is_no_pass(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    checkout = Checkout("lidb", stack / "lidb")
    assert checkout.paths
    monkeypatch.setattr("phdb_ci.guards.checkout.os.open", refuse)
    told = {one.path: one.why for one in checkout.limits()}
    assert told["CMakeLists.txt"] == "cannot tell: it could not be read (PermissionError)"


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("if not tcp_port:\n  BIND\n", [2]),
        ("if tcp_port:\n  BIND\nelse:\n  BIND\n", [4]),
        ("if not tcp_port:\n  BIND\nelse:\n  BIND\n", [2]),
        ("if x:\n  pass\nelif tcp_port:\n  BIND\nelse:\n  BIND\n", [6]),
        ("if p['tcp_port'] is not None:\n  BIND\nelse:\n  BIND\n", [4]),
        ("if tcp_port and x:\n  BIND\n", []),
        ("if tcp_port or x:\n  BIND\n", [2]),
        ("if tcp_port == 0:\n  BIND\n", [2]),
        ("if 0 < tcp_port:\n  BIND\n", []),
        ("if tcp_port not in (0, None):\n  BIND\n", []),
        ("if tcp_port == 5432:\n  BIND\nelse:\n  BIND\n", [4]),
        ("if tcp_port in (None, 0):\n  BIND\n", [2]),
        ("def f():\n  if tcp_port:\n    return\n  BIND\n", [4]),
        ("def f():\n  if tcp_port is None or tcp_port <= 0:\n    return\n  BIND\n", []),
        ("def f():\n  if tcp_port:\n    pass\n  else:\n    return\n  BIND\n", []),
        ("x = None if tcp_port else BIND\n", [1]),
        ("import socket\nsocket.AF_UNIX\nBIND\n", [3]),
    ],
)
def test_condition_excuses_only_the_branch_with_a_port(text: str, bad: list[int]) -> None:
    assert listens(ast.parse(text.replace("BIND", "s.bind(('0.0.0.0', 5432))"))) == bad


def test_guard_that_runs_out_of_stack_is_no_pass(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: Checkout) -> Iterator[Finding]:
        raise RecursionError

    monkeypatch.setattr(table, "GUARDS", (table.Guard("x", ("lidb",), look),))
    (outcome,) = judge({"lidb": Checkout("lidb", stack / "lidb")})
    assert str(outcome.findings[0]) == "lidb: cannot tell: a file of it is nested too deep"


def test_empty_checkout_is_no_pass(stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main([*arguments(stack, "lidb"), f"lidb={tmp_path / 'empty'}"]) == Exit.FAIL
    assert "  lidb: cannot tell: the checkout holds no text file" in capsys.readouterr().out


# What the guards read with


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("a 'b|c' | d", [("a", "b|c"), ("d",)]),
        ("sudo env X=1 sqlite3 db", [("sqlite3", "db")]),
        ('x="$(sqlite3 db)"; echo $x', [(), ("sqlite3", "db"), ("echo", "$x")]),
        ("if ! a; then b; fi # c", [("a",), ("b",), ("fi",)]),
        ("command -v sqlite3", [("command", "-v", "sqlite3")]),
        ("cat <<'E'\nsqlite3 x\nE\nb", [("cat",), ("sqlite3", "x"), ("b",)]),
        ("a \\\n  b", [("a", "b")]),
        ("echo \"it's\" 'un", [("echo", "it's", "un")]),
        ("$(" * 50, []),
    ],
)
def test_shell_commands_are_told_apart(text: str, calls: list[tuple[str, ...]]) -> None:
    assert [command.call for command in commands(text) if command.words != ("$(" * 49,)][
        : len(calls)
    ] == calls


YAML_FILE = "lidb/.github/workflows/x.yml"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("jobs: [b\n", 1, id="left open"),
        pytest.param("jobs:\n  a: 'b\n", 2, id="quote left open"),
        pytest.param("jobs: {}\nx: 1\nx: 2\n", 3, id="key twice"),
        pytest.param("jobs: {}\n? [a]\n: b\n", 2, id="key that is no word"),
        pytest.param("jobs:\n\ta: 1\n", 2, id="tab"),
        pytest.param("jobs: {}\na: *b\n", 2, id="alias of nothing"),
        pytest.param("jobs: {}\n---\njobs: {}\n", 2, id="two documents"),
        pytest.param("jobs: " + "[" * 5000, 1, id="nested too deep"),
        pytest.param("jobs: &a [*a]\n", 1, id="holds itself"),
        pytest.param("x0: &x0 [a]\n" + "".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n" for n in range(1, 40)), 3, id="explodes"),
        pytest.param('jobs: "\\U99999999"\n', 1, id="no character"),
        pytest.param("%YAML 1.9\n---\njobs: {}\n", 1, id="YAML of another time"),
        pytest.param(f"jobs: {'x' * 20_001}\n", 1, id="endless line"),
        pytest.param("a: b\n", 1, id="no jobs"),
        pytest.param("", 1, id="empty"),
    ],
)  # fmt: skip
def test_workflow_that_cannot_be_read_is_no_pass(check: Check, text: str, line: int) -> None:
    found = check({YAML_FILE: text})["engine-e2e-not-silent"]
    assert [(one.line, one.why.partition(":")[0]) for one in found] == [(line, "cannot tell")]


def test_scalars_stay_text_with_their_lines() -> None:
    document = "on: [1]\na: &x\n  b: |\n    c\u2028d\n    e\nf: *x\ng: >-\n  h\n  i # j\n'k': 'l: #' # m\n"
    root = parse(File("lidb", "x.yml", document.replace("\n", "\r\n")))
    assert not isinstance(root, Finding)
    assert [(key, str(one), one.line, one.text_line) for key, one in scalars(root)] == [
        ("on", "1", 1, 1), ("b", "c d\ne\n", 3, 4), ("b", "c d\ne\n", 3, 4), ("g", "h i # j", 7, 8), ("k", "l: #", 10, 10),
    ]  # fmt: skip


# Hostile text


HOSTILE: Sequence[tuple[str, str, str, str, str]] = [
    # guard, file, what is repeated, what stands before it, behind it
    ("no-sqlite", "lidb/x.py", "no_", "import importlib\nimportlib.import_module('", "sqlit')  # sqlite"),
    ("no-sqlite", "lidb/x.py", "x_no_", "a = 'sqlite://", "'"),
    ("no-sqlite", "lidb/x.py", "sqlite ", "x = = ", ""),
    ("no-sqlite", "lidb/x.cpp", "''", "", "sqlite"),
    ("no-sqlite", "lidb/x.cpp", "dlopen(", "", " sqlite"),
    ("no-sqlite", "lidb/x.cpp", "#include <", "", " sqlite"),
    ("no-sqlite", "lidb/x.cpp", '#include "sqlite\n', "", ""),
    ("no-sqlite", "lidb/x.cpp", "/*/", "", " sqlite"),
    ("no-sqlite", "lidb/x.js", "=/[", "", " sqlite"),
    ("no-sqlite", "lidb/x.js", " ", "", "require('sqlite3')"),
    ("no-sqlite", "lidb/x.js", "from '", "", " sqlite"),
    ("no-sqlite", "lidb/x.go", '"/', "", " sqlite"),
    ("no-sqlite", "lidb/x.toml", "no-no_no.", "", "sqlit x = sqlite"),
    ("no-sqlite", "lidb/x.toml", "no-", "", "x sqlite"),
    ("no-sqlite", "lidb/x.toml", '\\"', '"', " # sqlite"),
    ("no-sqlite", "lidb/x.json", '{"name":[', "", " sqlite"),
    ("no-sqlite", "lidb/x.sh", "import ", "python -c '", " sqlit'  sqlite"),
    ("no-sqlite", "lidb/x.sh", "A=1 ", "", "sqlite"),
    ("no-sqlite", "lidb/x.sh", '$("', "", "sqlite"),
    ("no-sqlite", "lidb/x.sh", "cat <<A\nB\n", "", "sqlite"),
    ("no-sqlite", "lidb/x.txt.rb", "import ", "", "sqlit sqlite"),
    ("default-store-supabase", "li-cursor-agents/x.js", "LI_CONTROL_PLANE_STORE ", "", ""),
    ("default-store-supabase", "li-cursor-agents/x.js", "a=LI_CONTROL_PLANE_STORE\n", "", ""),
    ("default-store-supabase", "li-cursor-agents/x.js", " ", "const a: ", "LI_CONTROL_PLANE_STORE"),
    ("default-store-supabase", "li-cursor-agents/x.js", "a: b ", "LI_CONTROL_PLANE_STORE=", ""),
    ("default-store-supabase", "li-cursor-agents/x.js", "  ", "if LI_CONTROL_PLANE_STORE", "?"),
    ("no-tcp-in-registry-min", "lis/x.py", '"--port" ', "", ""),
    ("no-tcp-in-registry-min", "lis/x.py", "a()", "tcp_port = f(", "()" * 50 + ")"),
    ("no-tcp-in-registry-min", "lis/x.sh", " ", "tcp_port:", "x"),
    ("no-tcp-in-registry-min", "lis/x.sh", "LI_PORT_", "", ""),
    ("no-tcp-in-registry-min", "lis/profiles/registry-min.toml", "port{n} = {n}1\n", "", ""),
    ("engine-e2e-not-silent", "lidb/x.sh", "nox -s ", "", "\ntest:e2e:lidb-engine"),
    ("engine-e2e-not-silent", "lidb/x.sh", "phdb-ci run ", "", "\ntest:e2e:lidb-engine"),
    ("engine-e2e-not-silent", "lidb/x.sh", "test:e2e:lidb-engine\n", "", ""),
    ("engine-e2e-not-silent", "lidb/x.sh", "[ $a", "test:e2e:lidb-engine || x=$?\n", ""),
    ("engine-e2e-not-silent", "lidb/package.json", '"a{n}":"npm run a{m}",\n', '"a0":"test:e2e:lidb-engine",\n', ""),
    ("engine-e2e-not-silent", "lidb/package.json", '"a{n}":"test:e2e:lidb-engine",\n', "", ""),
    ("engine-e2e-not-silent", "lidb/x.sh", "|| ", "test:e2e:lidb-engine ", "x"),
    ("engine-e2e-not-silent", "lidb/x.sh", "(", "test:e2e:lidb-engine || ", ""),
    ("engine-e2e-not-silent", "lidb/x.sh", "a | ", "", "test:e2e:lidb-engine"),
    ("engine-e2e-not-silent", "lidb/x.sh", "f{n}() {\n", "", "test:e2e:lidb-engine"),
    ("engine-e2e-not-silent", "lidb/x.sh", "export A=1 ", "LI_E2E_LIDB_ENGINE=1 ", "\nnode"),
    ("engine-e2e-not-silent", "lidb/x.sh", "node -a ", "LI_E2E_LIDB_ENGINE=1\n", ""),
    ("engine-e2e-not-silent", "lidb/Makefile", "a{n}: a{m}\n\t-make a{m}\n", "a0:\n\ttest:e2e:lidb-engine\n", ""),
    ("default-store-supabase", "li-cursor-agents/x.yaml", "name: LI_CONTROL_PLANE_STORE\n", "", ""),
    ("default-store-supabase", "li-cursor-agents/Dockerfile", "ENV ", "", "LI_CONTROL_PLANE_STORE"),
    ("default-store-supabase", "li-cursor-agents/x.js", "isProd", "LI_CONTROL_PLANE_STORE production ", ""),
    ("no-tcp-in-registry-min", "lis/x.ts", ".listen({", "", ""),
    ("no-tcp-in-registry-min", "lis/x.ts", "if tcp", "", ".listen(1"),
    ("no-sqlite", "lidb/CMakeLists.txt", "if(a", "", " sqlite"),
    ("no-sqlite", "lidb/x.go", '"a.b/sqlite', "", ""),
    ("no-replication-claim", "lidb/x.md", "once started ", "", "replicas"),
    ("no-green-without-measurement", "benchmarks/x.md", "?label=tier_db_x", "", ""),
    ("lic-ci-not-replaced", "lidb/x.py", "['docker', 'push', lic], ", "a = [", "]"),
    ("lic-ci-not-replaced", "lidb/x.sh", "A{n}=$A{m}lic; ", "", ""),
    ("lic-ci-not-replaced", "lidb/x.sh", "A{n}=lic-ci; docker push $A{n}x\n", "", ""),
    ("lic-ci-not-replaced", "lidb/x.sh", "x ", "docker build ", ""),
    ("lic-ci-not-replaced", "lidb/Dockerfile", "&& lis-", "FROM x\nRUN llvm\n", ""),
    ("no-green-without-measurement", "benchmarks/x.json", '{"id":"tier_db_x","status":"pass"},', "[", "{}]"),
    ("no-green-without-measurement", "benchmarks/x.json", '{"id":"tier_db_{n}","status":"pass"},\n', "[", "{}]"),
    ("no-green-without-measurement", "benchmarks/x.md", "<td tier_db_x ", "", ""),
    ("no-green-without-measurement", "benchmarks/x.ts", "{tier_db_x:{", "", "status:'pass'"),
    ("no-green-without-measurement", "benchmarks/x.ts", "tier_db_x\n", "", ""),
    ("no-green-without-measurement", "benchmarks/x.ts", "  ", "tier_db_x\n}", "x"),
    ("no-replication-claim", "lidb/x.md", "wal-", "", ""),
    ("no-replication-claim", "lidb/x.md", "<!--", "", ""),
    ("no-replication-claim", "lidb/x.md", "a <!-- b --> ", "", ""),
    ("no-replication-claim", "lidb/x.md", "[", "", ""),
    ("no-replication-claim", "lidb/x.md", "[](", "", ""),
    ("no-replication-claim", "lidb/x.html", "<", "", ""),
    ("no-replication-claim", "lidb/x.md", "It replicates. Yes. ", "", ""),
    ("no-replication-claim", "lidb/x.md", "- a\n", "## " + "x" * 30_000 + "\n\n", ""),
    ("no-replication-claim", "lidb/x.md", "~~", "", ""),
    ("no-replication-claim", "lidb/x.md", "*_`", "", "replication"),
    ("no-replication-claim", "lidb/package.json", '"keywords":', "", ""),
    ("no-wire-listener-claim", "lidb/x.md", "listens on port ", "", ""),
    ("no-wire-listener-claim", "lidb/x.md", "postgres wire without ", "", ""),
    ("no-lip-v2-claim", "lidb/x.md", "lip now ", "", ""),
    ("no-lip-v2-claim", "lidb/x.md", " ", "lip", "x"),
]  # fmt: skip


def repeated(unit: str, size: int) -> str:
    """A text of this size; `{n}` and `{m}` are the number of the piece and the one before it."""
    if "{n}" not in unit:
        return unit * (size // len(unit))
    numbered = (unit.replace("{n}", str(n)).replace("{m}", str(n - 1)) for n in range(1, size // len(unit)))
    return "".join(numbered)


@pytest.mark.parametrize(
    ("guard", "file", "unit", "head", "tail"),
    [pytest.param(*row, id=f"{row[0]}-{number}") for number, row in enumerate(HOSTILE)],
)
def test_work_grows_with_the_text_and_no_faster(
    tmp_path: Path, guard: str, file: str, unit: str, head: str, tail: str
) -> None:
    repo, _, path = file.partition("/")
    look = next(one.look for one in GUARDS if one.name == guard)
    (tmp_path / "registry-min.toml").write_text("tcp_port = 0\n")
    place = tmp_path / path
    place.parent.mkdir(exist_ok=True)
    before = None
    for kib in (10, 40, 120):
        place.write_text(head + repeated(unit, kib * 1024) + tail)
        start = time.process_time()
        list(look(Checkout(repo, tmp_path)))
        spent = time.process_time() - start
        # Three or four times the text; nine or sixteen times the work would be quadratic. The summand covers what is too short to tell.
        assert before is None or spent < 8 * before + 0.25, (kib, before, spent)
        before = spent


def test_report_does_not_follow_a_link(stack: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    report = stack / "lidb/guards.xml"
    report.symlink_to(victim)
    assert main([*arguments(stack), "--junit", str(report)]) == Exit.PASS
    assert victim.read_text() == "mine"
    assert not report.is_symlink()
    assert report.read_text().startswith("<?xml")
