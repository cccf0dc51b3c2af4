"""What a repository drifts into, or is talked into, and its honest neighbours: a row each, by guard."""

# ruff: noqa: E501 - one broken or honest file per row reads better than its pieces

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.test_guards import CI, ENGINE, JOB, PROFILE, Check, assert_red, checker, copy_stack, manifest

Rows = Sequence[tuple[str, str, str | tuple[str, str], int]]
Honest = Sequence[tuple[str, str, str | tuple[str, str]]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Write files into a copy of the stand-in stack and give each guard's findings."""
    return checker(copy_stack(tmp_path))


SQLITE: Rows = [
    # name, file, text or replacement, line of the finding
    ("rust libsql", "lidb/src/db.rs", "use libsql::Builder;\n", 1),
    ("rust libsql by path", "lidb/src/db.rs", "let db = libsql::Database::open(p)?;\n", 1),
    ("rust sqlite file", "lidb/src/db.rs", 'let p = Pool::connect("sqlite:data.db").await?;\n', 1),
    ("python libsql", "lidb/liorm/x.py", "import libsql_experimental\n", 1),
    ("sql.js wasm", "lis/src/a.ts", "import init from 'sql.js/dist/sql-wasm.js';\n", 1),
    ("sql.js by script", "lis/src/a.js", "const SQL = await initSqlJs({});\n", 1),
    ("libsql url", "lis/src/a.ts", "const db = createClient({ url: 'libsql://x' });\n", 1),
    ("libsql client", "lis/src/a.ts", "import { createClient } from '@libsql/client';\n", 1),
    ("uv lock", "lis/uv.lock", '[[package]]\nname = "aiosqlite"\n', 2),
    ("poetry lock", "lidb/poetry.lock", '[[package]]\nname = "aiosqlite"\n', 2),
    ("cargo lock", "lidb/Cargo.lock", '[[package]]\nname = "rusqlite"\n', 2),
    ("requirements.in", "lis/requirements.in", "aiosqlite\n", 1),
    ("requirements folder", "lis/requirements/base.txt", "psycopg\naiosqlite==0.20\n", 2),
    ("requirements by prefix", "lis/dev-requirements.txt", "apsw\n", 1),
    ("pipfile", "lis/Pipfile", '[packages]\naiosqlite = "*"\n', 2),
    ("setup.py", "lis/setup.py", "from setuptools import setup\nsetup(\n    install_requires=['psycopg', 'aiosqlite>=0.20'],\n)\n", 3),
    ("conanfile.py", "lidb/conanfile.py", "class C:\n    requires = ('sqlite3/3.45.0',)\n", 2),
    ("noxfile", "lis/noxfile.py", "def tests(session):\n    session.install('pytest', 'aiosqlite')\n", 2),
    ("prisma", "lis/prisma/schema.prisma", 'datasource db {\n  provider = "sqlite"\n}\n', 2),
    ("module by python -m", "lidb/scripts/x.sh", "#!/bin/sh\npython3 -m sqlite3 x.db .dump\n", 2),
    ("module by a list", "lidb/liorm/x.py", "import sys\ncmd = [sys.executable, '-m', 'sqlite3', db]\n", 2),
    ("find -exec", "lidb/scripts/x.sh", "#!/bin/sh\nfind . -name '*.db' -exec sqlite3 {} .dump \\;\n", 2),
    ("docker run", "lidb/scripts/x.sh", "#!/bin/sh\ndocker run --rm -v $PWD:/w keinos/sqlite3 x.db .dump\n", 2),
    ("docker exec", "lidb/scripts/x.sh", "#!/bin/sh\ndocker exec db sqlite3 /x.db .dump\n", 2),
    ("docker sh -c", "lidb/scripts/x.sh", "#!/bin/sh\ndocker run x sh -c 'sqlite3 /x.db .dump'\n", 2),
    ("compose image", "lis/compose.yml", "services:\n  db:\n    image: keinos/sqlite3:3\n", 3),
    ("which", "lidb/liorm/x.py", "import shutil\nexe = shutil.which('sqlite3')\nrun(exe)\n", 2),
    ("peewee by module", "lidb/liorm/x.py", "import peewee\ndb = peewee.SqliteDatabase('x.db')\n", 2),
    ("sqlalchemy URL.create", "lidb/liorm/x.py", "from sqlalchemy import URL\nu = URL.create('sqlite', database='x')\n", 2),
    ("sqlalchemy drivername", "lidb/liorm/x.py", "import sqlalchemy as s\nu = s.engine.URL.create(drivername='sqlite+aiosqlite')\n", 2),
    ("createRequire", "lis/src/a.mjs", "import { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);\nconst D = load('better-sqlite3');\n", 3),
    ("createRequire at once", "lis/src/a.mjs", "const D = createRequire(import.meta.url)('better-sqlite3');\n", 1),
    ("built-in module", "lis/src/a.mjs", "const { DatabaseSync } = process.getBuiltinModule('node:sqlite');\n", 1),
    ("submodule", "lidb/.gitmodules", '[submodule "vendor/db"]\n\turl = https://github.com/sqlite/sqlite\n', 2),
    ("java", "lis/src/Main.java", 'class A { String u = "jdbc:sqlite:sample.db"; }\n', 1),
    ("go import block", "lis/x.go", 'import (\n\t"fmt"\n\t_ "modernc.org/sqlite"\n)\n', 3),
    ("go import of a part", "lis/x.go", 'import (\n\t"zombiezen.com/go/sqlite/sqlitex"\n)\n', 2),
    ("cmake behind an if", "lidb/CMakeLists.txt", "project(x)\nif(USE_DB) find_package(SQLite3 REQUIRED)\nendif()\n", 2),
    ("include by macro", "lidb/src/x.c", "#define DB_HEADER <sqlite3.h>\n#include DB_HEADER\n", 1),
    ("justfile", "lidb/justfile", "dump:\n    @sqlite3 x.db .dump\n", 2),
    ("nix", "lidb/flake.nix", "{ pkgs }: pkgs.mkShell {\n  buildInputs = [ pkgs.cmake pkgs.sqlite ];\n}\n", 2),
    ("database file", "lidb/tests/data/old.db", "SQLite format 3\0\x10", 1),
    ("amalgamation by another name", "lidb/src/db.c", "int sqlite3_open(const char *name, sqlite3 **db) {\n", 1),
]  # fmt: skip

SQLITE_HONEST: Honest = [
    ("assert not which", "lidb/tests/test_absence.py", "import shutil\ndef test_absent():\n    found = shutil.which('sqlite3')\n    assert found is None\n"),
    ("raise on which", "lidb/liorm/x.py", "import shutil\nif shutil.which('sqlite3'):\n    raise SystemExit('sqlite3 is installed')\n"),
    ("image without sqlite3", "lidb/scripts/x.sh", "#!/bin/sh\n! docker run lidb which sqlite3\ndocker run lidb sh -c '! command -v sqlite3'\n"),
    ("find the file", "lidb/scripts/x.sh", "#!/bin/sh\nfind . -name 'sqlite3*' -print\nfind . -exec grep -l sqlite3 {} +\n"),
    ("sql parser", "lidb/CMakeLists.txt", "project(x)\n# libsqlparser is none of it\n"),
    ("cmake refusal", "lidb/CMakeLists.txt", 'if(TARGET sqlite3 OR SQLite3_FOUND)\n  message(FATAL_ERROR "no sqlite3 (it is gone)")\nendif()\nif(X) message(STATUS "sqlite is gone") endif()\n'),
    ("other requirements", "lis/requirements/base.txt", "psycopg # not aiosqlite\n"),
    ("deny list", "lis/src/deny.ts", "const DENIED = ['better-sqlite3', 'sqlite3'];\nexpect(deps).not.toContain('better-sqlite3');\n"),
    ("other submodule", "lidb/.gitmodules", '[submodule "vendor/json"]\n\turl = https://github.com/nlohmann/json\n'),
    ("own exception", "lidb/liorm/x.py", "import errors\ntry:\n    f()\nexcept errors.SqliteRefused:\n    pass\n"),
    ("magic of the format", "lidb/src/x.cpp", 'if (starts(head, "SQLite format 3")) throw Error("this is no database of lidb");\n'),
    ("justfile check", "lidb/justfile", "check:\n    @! grep -rn 'import sqlite3' liorm\n"),
    ("nix without it", "lidb/flake.nix", "{ pkgs }: pkgs.mkShell {\n  buildInputs = [ pkgs.cmake ]; # no sqlite\n}\n"),
]  # fmt: skip

SCRIPT = "li-cursor-agents/scripts/e2e.sh"
MAKEFILE = "li-cursor-agents/Makefile"
STEP = JOB + "      - run: "
BLOCK = JOB + "      - run: |\n          "
RUN = "npm run test:e2e:lidb-engine"
PACKAGE = "li-cursor-agents/package.json"
SUITE = '"test:e2e:lidb-engine": "node --test tests/e2e/lidb.test.mjs"'
GATE = JOB + ENGINE + "  gate:\n    runs-on: x\n    needs: [e2e]\n    if: always()\n    steps:\n"

E2E: Rows = [
    ("set and run in one line", CI, STEP + f'"set -euo pipefail; {RUN} || true"\n', 6),
    ("set +e in one line", CI, STEP + f'"set +e; {RUN}; echo done"\n', 6),
    ("set +e behind &&", CI, BLOCK + f"cd x && set +e\n          {RUN}\n          echo done\n", 8),
    ("|| a report", CI, STEP + f"{RUN} || npm run report\n", 6),
    ("|| sleep", CI, STEP + f"{RUN} || sleep 1\n", 6),
    ("|| a comment", CI, STEP + f"{RUN} || gh issue comment 12 --body red\n", 6),
    ("|| a group that ends green", CI, STEP + f"{RUN} || {{ echo failed; exit $?; }}\n", 6),
    ("|| a function that ends green", CI, BLOCK + f"fail() {{ echo red; }}\n          {RUN} || fail\n", 8),
    ("|| twice", CI, STEP + f"{RUN} || {RUN} || true\n", 6),
    ("|| behind a group", CI, STEP + f"({RUN}) || true\n", 6),
    ("|| behind a group of lines", CI, BLOCK + f"(\n          {RUN}\n          ) || true\n", 8),
    ("|| in quotes", CI, STEP + f'bash -c "{RUN} || true"\n', 6),
    ("behind an echo", CI, STEP + f"echo go; {RUN} || true\n", 6),
    ("second call", CI, STEP + f"{RUN}; {RUN} || true\n", 6),
    ("export of a substitution", CI, BLOCK + f'export OUT="$({RUN})"\n          echo "$OUT"\n', 7),
    ("echo of a substitution", CI, STEP + f'echo "$({RUN})"\n', 6),
    ("&& before other lines", CI, BLOCK + f"{RUN} && echo fine\n          echo done\n", 7),
    ("trap", CI, BLOCK + f"trap 'exit 0' EXIT\n          {RUN}\n", 7),
    ("function", SCRIPT, f"#!/bin/bash\nset -e\nsuite() {{\n  {RUN}\n}}\nsuite || true\n", 6),
    ("function without set -e", SCRIPT, f"#!/bin/bash\nsuite() {{\n  {RUN}\n}}\nsuite\necho done\n", 5),
    ("recipe with -", MAKEFILE, f"e2e:\n\t-{RUN}\n", 2),
    ("recipe with @-", MAKEFILE, f"e2e:\n\t@-{RUN}\n", 2),
    ("recipe with || true", MAKEFILE, f"e2e: build\n\techo go\n\t{RUN} || true\n", 3),
    ("recipe with ;", MAKEFILE, f"e2e:\n\t{RUN}; echo done\n", 2),
    (".IGNORE", MAKEFILE, f".IGNORE: e2e\ne2e:\n\t{RUN}\n", 1),
    ("recipe of just", "li-cursor-agents/justfile", f"e2e:\n    -{RUN}\n", 2),
    ("switch of a step", CI, JOB + "      - run: node --test tests/e2e || true\n        env: { LI_E2E_LIDB_ENGINE: 1 }\n", 6),
    ("switch of a job", CI, JOB.replace("    steps", '    env: { LI_E2E_LIDB_ENGINE: "1" }\n    steps') + "      - run: node --test tests/e2e || true\n", 7),
    ("switch of the workflow", CI, 'env: { LI_E2E_LIDB_ENGINE: "1" }\n' + JOB + "      - run: npm test || true\n", 7),
    ("switch by GITHUB_ENV", CI, JOB + '      - run: echo LI_E2E_LIDB_ENGINE=1 >> "$GITHUB_ENV"\n      - run: npx vitest e2e || true\n', 7),
    ("switch of a script", SCRIPT, "#!/bin/sh -e\nexport LI_E2E_LIDB_ENGINE=1\nnode --test tests/e2e || true\n", 3),
    ("retry action", CI, JOB + f"      - uses: nick-fields/retry@v3\n        with:\n          command: {RUN} || true\n", 8),
    ("retry action that goes on", CI, JOB + f"      - uses: nick-fields/retry@v3\n        with:\n          command: {RUN}\n          continue_on_error: true\n", 9),
    ("constants that differ", CI, JOB + ENGINE + "        if: ${{ 1 == 2 }}\n", 7),
    ("words that differ", CI, JOB + ENGINE + "        if: github.ref != '' && 'a' == 'b'\n", 7),
    ("failure alone", CI, JOB + ENGINE + "        if: failure()\n", 7),
    ("variable of the settings", CI, JOB + ENGINE + "        if: vars.RUN_ENGINE == '1'\n", 7),
    ("gate by phdb-ci", CI, STEP + "phdb-ci run pr-gate || true\n", 6),
    ("gate by nox", CI, STEP + "nox -s pr-gate || true\n", 6),
    ("gate by nox that may fail", CI, STEP + "nox -s pr-gate\n        continue-on-error: true\n", 7),
    ("called gate never runs", CI, "jobs:\n  gate:\n    uses: li-langverse/phdb-ci/.github/workflows/pr-gate.yml@v1\n    if: false\n", 4),
    ("gate without results", CI, GATE + "      - run: echo done\n", 10),
    ("issue of elsewhere", CI, JOB + ENGINE + "        continue-on-error: true # https://example.com/issues/1\n", 7),
    ("issue list", CI, JOB + ENGINE + "        continue-on-error: true # https://github.com/a/b/issues/\n", 7),
    ("package script with a report", PACKAGE, (SUITE, SUITE[:-1] + ' || npm run report"'), 13),
    ("package script that goes on", PACKAGE, (SUITE, SUITE[:-1] + '; echo done"'), 13),
    ("package script that calls it", PACKAGE, ('"build":', f'"ci": "{RUN} || exit 0",\n    "build":'), 9),
]  # fmt: skip

E2E_HONEST: Honest = [
    ("|| exit 1", CI, STEP + f"{RUN} || exit 1\n"),
    ("|| exit", CI, STEP + f"{RUN} || exit $?\n"),
    ("|| false", CI, STEP + f"{RUN} || {{ npm run report; false; }}\n"),
    ("|| group that exits", CI, BLOCK + f"{RUN} || {{\n            echo '::error::red'\n            exit 1\n          }}\n"),
    ("|| group in a line", CI, STEP + f'{RUN} || {{ echo "it failed; see above"; exit 1; }}\n'),
    ("|| once more", CI, STEP + f"{RUN} || {RUN}\n"),
    ("|| once more in a group", CI, STEP + f"{RUN} || (sleep 5; {RUN})\n"),
    ("|| die", SCRIPT, f'#!/bin/bash\ndie() {{ echo "$1"; exit 1; }}\n{RUN} || die "red"\n'),
    ("|| of another command", CI, STEP + f"rm -rf x || true; {RUN}; rm y || true\n"),
    ("code that is kept", SCRIPT, f"#!/bin/bash\ncode=0\n{RUN} || code=$?\nnpm run report\nexit $code\n"),
    ("failures that are counted", SCRIPT, f'#!/bin/bash\n{RUN} || ((failures++))\n[ "$failures" -eq 0 ]\n'),
    ("set in one line", CI, STEP + f'"set -euo pipefail; {RUN} | tee log"\n'),
    ("PIPESTATUS", SCRIPT, f"#!/bin/bash\n{RUN} | tee log\nexit ${{PIPESTATUS[0]}}\n"),
    ("assignment of a substitution", CI, BLOCK + f'out="$({RUN})"\n          echo "$out"\n'),
    ("words", CI, BLOCK + f'echo "run {RUN} || true"\n          grep -q test:e2e:lidb-engine package.json || true\n'),
    ("trap that cleans up", CI, BLOCK + f"trap 'rm -rf x' EXIT\n          trap 'exit 0' INT\n          {RUN}\n"),
    ("function", SCRIPT, f"#!/bin/bash\nset -e\nsuite() {{\n  cd x\n  {RUN}\n}}\nsuite\necho done\n"),
    ("function that is last", SCRIPT, f"#!/bin/bash\nsuite() {{\n  {RUN}\n}}\nsuite\n"),
    ("&& at the end", CI, BLOCK + f"npm ci\n          {RUN} && echo fine\n"),
    ("recipe", MAKEFILE, f".PHONY: e2e\nclean:\n\t-rm -rf x\ne2e: clean\n\t@cd x && {RUN}\n"),
    ("make", CI, JOB + "      - run: make -C x e2e\n"),
    ("switch of a job", CI, JOB.replace("    steps", '    env: { LI_E2E_LIDB_ENGINE: "1" }\n    steps') + "      - run: rm x || true\n      - run: npm test\n      - run: npm run lint || true\n"),
    ("switch that is off", CI, JOB.replace("    steps", '    env: { LI_E2E_LIDB_ENGINE: "0" }\n    steps') + "      - run: npm test || true\n"),
    ("retry action", CI, JOB + f"      - uses: nick-fields/retry@v3\n        with:\n          max_attempts: 2\n          command: {RUN}\n"),
    ("conditions", CI, JOB + ENGINE + "        if: github.event_name == 'push' || failure()\n" + "      - run: npm run report\n        if: failure()\n"),
    ("variable with an issue", CI, JOB + ENGINE + "        if: vars.RUN_ENGINE != '0' # https://github.com/a/b/issues/7\n"),
    ("pull request beside", CI, JOB + ENGINE + "        # https://github.com/a/b/pull/7\n        continue-on-error: true\n"),
    ("gate with results", CI, GATE + "      - run: test '${{ needs.e2e.result }}' = success\n"),
    ("gate with all results", CI, GATE + "      - if: contains(needs.*.result, 'failure')\n        run: exit 1\n"),
    ("report that always runs", CI, GATE.replace("gate:", "upload-report:") + "      - run: echo done\n"),
    ("package script that builds", PACKAGE, (SUITE, '"test:e2e:lidb-engine": "rm -rf x || true; node --test tests/e2e/lidb.test.mjs"')),
]  # fmt: skip

LISTENER = "lis/lis/listener.py"
NEAR = "# registry-min\n"

TCP: Rows = [
    ("or a port", LISTENER, "def f(p):\n    return p.tcp_port or 5432\n", 2),
    ("no port, so one", LISTENER, "import asyncio\ndef f(tcp_port):\n    if tcp_port == 0:\n        asyncio.create_server(h, 'x', 1)\n", 4),
    ("port set before it is asked for", LISTENER, "def f():\n    tcp_port = 5432\n    if tcp_port:\n        g()\n", 2),
    ("server by another name", LISTENER, NEAR + "from socketserver import TCPServer as S\ns = S(a, H)\n", 3),
    ("server in a subclass", LISTENER, NEAR + "import socketserver\nclass Mine(socketserver.TCPServer): pass\ns = Mine(a, H)\n", 4),
    ("uvicorn.Config", LISTENER, NEAR + "import uvicorn\nc = uvicorn.Config(app, port=8000)\n", 3),
    ("grpc", LISTENER, NEAR + "import grpc\ns = grpc.server(p)\ns.add_insecure_port('[::]:50051')\n", 4),
    ("aiohttp site", LISTENER, NEAR + "from aiohttp import web\ns = web.TCPSite(runner, 'x', 1)\n", 3),
    ("http.server", "lis/scripts/serve.sh", "#!/bin/sh\n# lis\npython3 -m http.server 8000\n", 3),
    ("socat", "lis/scripts/serve.sh", "#!/bin/sh\nsocat TCP-LISTEN:5432,fork EXEC:lis\n", 2),
    ("nc", "lis/scripts/serve.sh", "#!/bin/sh\nlis db | nc -lk 5432\n", 2),
    ("socket unit", "lis/systemd/lis.socket", "[Socket]\nListenStream=5432\n", 2),
    ("rust", "lidb/src/net.rs", 'let l = TcpListener::bind("0.0.0.0:5432")?;\n', 1),
    ("sockets in C++", "lidb/src/net.cpp", "int s = socket(AF_INET, SOCK_STREAM, 0);\nlisten(s, 5);\n", 2),
    ("asio", "lis/src/net.cpp", "asio::ip::tcp::acceptor a(io, endpoint);\n", 1),
    ("node", "lis/src/net.ts", "net.createServer(handle).listen(5432);\n", 1),
    ("endpoint", PROFILE, ("tcp_port = 0", 'tcp_port = 0\nendpoint = "tcp://0.0.0.0:5432"'), 3),
    ("serve_url", PROFILE, ("tcp_port = 0", 'tcp_port = 0\nserve_url = "http://localhost:5432"'), 3),
    ("wirePort", PROFILE, ("tcp_port = 0", "tcp_port = 0\nwirePort = 5432"), 3),
    ("local profile", "lis/profiles/registry-min.local.toml", "tcp_port = 5432\n", 1),
]  # fmt: skip

TCP_HONEST: Honest = [
    ("server for a port", LISTENER, "from socketserver import TCPServer as S\ndef f(p):\n    if p.tcp_port:\n        S(p.at, H)\n"),
    ("Unix sockets", LISTENER, NEAR + "import uvicorn\nc = uvicorn.Config(app, uds='/run/x.sock')\ns.add_insecure_port('unix:/run/x')\n"),
    ("connects", "lidb/src/net.cpp", "int s = socket(AF_INET, SOCK_STREAM, 0);\nconnect(s, a, n);\nbus.listen(topic, f);\n"),
    ("asked for", "lidb/src/net.rs", "if profile.tcp_port != 0 {\n    let l = TcpListener::bind(at)?;\n}\n"),
    ("Unix socket in node", "lis/src/net.ts", "net.createServer(handle).listen('/run/lis.sock');\n"),
    ("Unix socket unit", "lis/systemd/lis.socket", "[Socket]\nListenStream=/run/lis.sock\n"),
    ("looks at a port", "lis/scripts/check.sh", "#!/bin/sh\n# lis listens on nothing\n! nc -z localhost 5432\n"),
    ("pages", PROFILE, ("tcp_port = 0", 'tcp_port = 0\ndocs_url = "https://example.com/docs"\nendpoint = "unix:/run/lidb.sock"')),
    ("overlay", "lis/profiles/registry-min.local.toml", 'extends = "registry-min"\ndata_dir = "/tmp/x"\n'),
]  # fmt: skip

MORE = "li-cursor-agents/src/more.js"
X = "LI_CONTROL_PLANE_STORE"
STORE: Rows = [
    ("helper", MORE, f"export const s = process.env.{X} ?? pick('lidb');\n", 1),
    ("renamed, with a default", MORE, f"const {{ {X}: raw }} = process.env;\nexport const s = raw ?? 'lidb';\n", 2),
    ("production alone", MORE, f"const s = process.env.{X} ?? (process.env.NODE_ENV === 'production' ? 'lidb' : 'supabase');\n", 1),
    ("returned in production", MORE, f"const raw = process.env.{X};\nif (process.env.NODE_ENV === 'production') return 'lidb';\n", 2),
    ("compose", "li-cursor-agents/docker-compose.yml", f"services:\n  agents:\n    environment:\n      {X}: lidb\n", 4),
    ("compose list", "li-cursor-agents/compose.yaml", f"services:\n  agents:\n    environment:\n      - {X}=lidb\n", 4),
    ("kubernetes", "li-cursor-agents/infra/agents.yaml", f"spec:\n  env:\n    - name: {X}\n      value: lidb\n", 3),
    ("task definition", "li-cursor-agents/infra/task.json", f'{{"environment": [{{"name": "{X}", "value": "lidb"}}]}}\n', 1),
    ("render", "li-cursor-agents/render.yaml", f"services:\n  - envVars:\n      - key: {X}\n        value: lidb\n", 3),
    ("image with a blank", "li-cursor-agents/Dockerfile", f"FROM node\nENV {X} lidb\n", 2),
    ("image of several lines", "li-cursor-agents/Dockerfile", f"FROM node\nENV A=1 \\\n    {X}=lidb\n", 3),
    ("argument of an image", "li-cursor-agents/Dockerfile", f"FROM node\nARG {X}=lidb\n", 2),
    ("direnv", "li-cursor-agents/.envrc", f"export {X}=lidb\n", 1),
    ("pm2", "li-cursor-agents/ecosystem.config.cjs", f"module.exports = {{ apps: [{{ env: {{ {X}: 'lidb' }} }}] }};\n", 1),
    ("procfile", "li-cursor-agents/Procfile", f"web: {X}=lidb node src/main.js\n", 1),
    ("vercel", "li-cursor-agents/vercel.json", f'{{"env": {{"{X}": "lidb"}}}}\n', 1),
    ("start.sh", "li-cursor-agents/scripts/start.sh", f"#!/bin/sh\nexport {X}=lidb\nexec node src/main.js\n", 2),
    ("start in a line", PACKAGE, ('"build":', f'"x": "1", "start": "{X}=lidb node .", "build":'), 9),
]  # fmt: skip

STORE_HONEST: Honest = [
    ("undefined", MORE, f"const s = process.env.{X} ?? undefined;\n"),
    ("compose of lidb", "li-cursor-agents/docker-compose.lidb.yml", f"services:\n  a:\n    environment:\n      {X}: lidb\n"),
    ("compose", "li-cursor-agents/docker-compose.yml", f"services:\n  a:\n    environment:\n      {X}: supabase\n"),
    ("kubernetes of e2e", "li-cursor-agents/e2e/agents.yaml", f"env:\n  - name: {X}\n    value: lidb\n"),
    ("start with lidb", PACKAGE, ('"build":', f'"start:lidb": "{X}=lidb node .", "build":')),
    ("test of an image", "li-cursor-agents/Dockerfile", f"FROM node\nRUN {X}=lidb npm test\n"),
    ("choice of production", MORE, f"const s = process.env.{X} ?? (process.env.NODE_ENV === 'production' ? 'supabase' : 'supabase');\n"),
]  # fmt: skip

DASHBOARD: Rows = [
    ("sign and figure", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| tier_db_registry | ✅ 0.98x Postgres |\n", 3),
    ("word and figure", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| tier_db_registry | pass (0.98x) |\n", 3),
    ("badge with a figure", "benchmarks/README.md", "![x](https://img.shields.io/badge/tier__db__registry-0.98x-brightgreen)\n", 1),
    ("badge by query", "benchmarks/README.md", "![x](https://img.shields.io/static/v1?label=tier_db_registry&message=passing)\n", 1),
    ("endpoint of a badge", "benchmarks/badges/a.json", '{"schemaVersion": 1,\n "label": "tier_db_registry nightly",\n "message": "0.98x", "color": "brightgreen"}\n', 3),
    ("json lines", "benchmarks/data/rows.ndjson", '{"id": "tier_db_registry", "status": "pass"}\n', 1),
    ("vue", "benchmarks/dashboard/Rows.vue", "<script>\nconst rows = [{ id: 'tier_db_registry', status: 'pass' }];\n</script>\n", 2),
    ("met", "benchmarks/data/rows.json", '[{"id": "tier_db_registry", "status": "met"}]\n', 1),
    ("live", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| tier_db_registry | live |\n", 3),
]  # fmt: skip

DASHBOARD_HONEST: Honest = [
    ("legend", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| tier_db_registry | 1.2x is the target |\n"),
    ("figure alone", "benchmarks/STATUS.md", "| tier | state |\n|---|---|\n| tier_db_registry | 0.98x |\n"),
    ("grey badge", "benchmarks/README.md", "![x](https://img.shields.io/badge/tier__db__registry-unknown-lightgrey)\n"),
]  # fmt: skip

WIRE: Rows = [
    ("any client library", "lidb/README.md", "Use any Postgres client library with lidb.\n", 1),
    ("existing drivers", "lidb/README.md", "Your existing Postgres drivers just work.\n", 1),
    ("drop-in", "lidb/README.md", "lidb is a drop-in replacement for PostgreSQL servers.\n", 1),
    ("once started", "lidb/README.md", "Once started, lidb speaks the wire protocol.\n", 1),
    ("if you need", "lidb/README.md", "If you need SQL access, lidb speaks the wire protocol.\n", 1),
    ("added", "lidb/CHANGELOG.md", "# Changes\n\n## 0.2\n\n### Added\n\n- Postgres wire listener\n", 7),
]  # fmt: skip
WIRE_HONEST: Honest = [
    ("once it is done", "lidb/README.md", "Once PH-DB-4 lands, lidb speaks the wire protocol. If the gate is done, lidb speaks it.\n"),
    ("added beside it", "lidb/CHANGELOG.md", "# Changes\n\n## 0.2\n\n### Added\n\n- A note on the Postgres wire protocol\n- No Postgres wire listener\n"),
    ("no drop-in", "lidb/README.md", "lidb is not a drop-in replacement for Postgres.\n"),
]  # fmt: skip
REPLICATION: Rows = [
    ("built in", "lidb/README.md", "Streaming replication is built in.\n", 1),
    ("read replicas", "lidb/README.md", "Read replicas scale reads.\n", 1),
    ("promotes", "lidb/README.md", "On a crash lidb promotes a replica.\n", 1),
    ("failover", "lidb/README.md", "The failover to a follower is automatic.\n", 1),
]  # fmt: skip
REPLICATION_HONEST: Honest = [
    ("none", "lidb/README.md", "There is no failover to a follower, and no automatic failover. Neon promotes a replica.\n"),
]  # fmt: skip
LIP: Rows = [
    ("land", "lidb/README.md", "Packages published with lip land in lidb.\n", 1),
    ("stores", "lidb/README.md", "`lip publish` stores packages in lidb.\n", 1),
]  # fmt: skip
LIP_HONEST: Honest = [
    ("elsewhere", "lidb/README.md", "lip keeps its packages in git, not in lidb. lip will store packages in lidb.\n"),
]  # fmt: skip

LIC = "ghcr.io/li-langverse/lic-ci"
IMAGES: Rows = [
    ("python list", "lidb/scripts/i.py", f"import subprocess\nsubprocess.run(['docker', 'buildx', 'build', '-t', '{LIC}', '.'])\n", 2),
    ("python constant", "lidb/scripts/i.py", f"IMAGE = '{LIC}:1'\ncmd = ['docker', 'push', IMAGE]\n", 2),
    ("python text", "lidb/scripts/i.py", "import os\nos.system('docker build -t lic-ci .')\n", 2),
    ("package script", "lidb/package.json", f'{{\n "scripts": {{ "image": "docker build -t {LIC} ." }}\n}}\n', 2),
    ("name in pieces", "lidb/scripts/i.sh", "#!/bin/sh\nNAME=lic\ndocker build -t x/$NAME-ci .\n", 3),
    ("kaniko", "lidb/scripts/i.sh", f"#!/bin/sh\n/kaniko/executor --context . --destination={LIC}\n", 2),
    ("another version", "lidb/scripts/i.sh", f"#!/bin/sh\ndocker build -t {LIC}-v2 .\n", 2),
    ("recipe", "lidb/Makefile", f"image:\n\t@docker build -t {LIC} .\n", 2),
]  # fmt: skip
IMAGES_HONEST: Honest = [
    ("another image", "lidb/scripts/i.py", "import subprocess\nsubprocess.run(['docker', 'build', '-t', 'x/lidb-ci', '.'])\n"),
    ("uses it", "lidb/scripts/i.py", f"cmd = ['docker', 'run', '{LIC}', 'build', '-t', 'x']\n"),
    ("name in pieces", "lidb/scripts/i.sh", "#!/bin/sh\nNAME=lidb\ndocker build -t x/$NAME-ci .\n"),
    ("package script", "lidb/package.json", f'{{"scripts": {{"ci": "docker run {LIC} make"}}}}\n'),
]  # fmt: skip

BROKEN = {
    "no-sqlite": SQLITE,
    "engine-e2e-not-silent": E2E,
    "no-tcp-in-registry-min": TCP,
    "default-store-supabase": STORE,
    "no-green-without-measurement": DASHBOARD,
    "no-wire-listener-claim": WIRE,
    "no-replication-claim": REPLICATION,
    "no-lip-v2-claim": LIP,
    "lic-ci-not-replaced": IMAGES,
}
HONEST = {
    "no-sqlite": SQLITE_HONEST,
    "engine-e2e-not-silent": E2E_HONEST,
    "no-tcp-in-registry-min": TCP_HONEST,
    "default-store-supabase": STORE_HONEST,
    "no-green-without-measurement": DASHBOARD_HONEST,
    "no-wire-listener-claim": WIRE_HONEST,
    "no-replication-claim": REPLICATION_HONEST,
    "no-lip-v2-claim": LIP_HONEST,
    "lic-ci-not-replaced": IMAGES_HONEST,
}


@pytest.mark.parametrize(
    ("guard", "file", "text", "line"),
    [
        pytest.param(guard, *row, id=f"{guard}: {name}")
        for guard, rows in BROKEN.items()
        for name, *row in rows
    ],
)
def test_guard_is_red_where_the_stack_has_drifted(
    check: Check, guard: str, file: str, text: str | tuple[str, str], line: int
) -> None:
    assert_red(check({file: text}), guard, file, line)


@pytest.mark.parametrize(
    ("file", "text"),
    [pytest.param(*row, id=f"{guard}: {name}") for guard, rows in HONEST.items() for name, *row in rows],
)
def test_guards_hold_for_what_stands_beside_it(check: Check, file: str, text: str | tuple[str, str]) -> None:
    assert check({file: text}) == {}


ROW = {"benchmarks/data/rows.json": '[{"id": "tier_db_registry", "status": "pass"}]'}
FORGED = [
    {"id": "x", "engines": {"lidb": {"p95_ms": 1}, "postgres": {"p95_ms": 100}}, "ratio_vs_postgres": 0.5}
]


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        pytest.param("results/a.json", {"measured_at": "2001-01-01"}, id="long ago"),
        pytest.param("results/a.json", {"measured_at": 978_307_200}, id="long ago, in seconds"),
        pytest.param("results/a.json", {"scenarios": FORGED}, id="ratio that is no quotient"),
        pytest.param(
            "results/a.json",
            {"scenarios": [FORGED[0] | {"ratio_vs_postgres": 0.01}]},
            id="not the suite's scenarios",
        ),
        pytest.param("tests/fixtures/a.json", {}, id="fixture"),
        pytest.param("examples/a.json", {}, id="example"),
    ],
)
def test_forged_manifest_proves_nothing(check: Check, place: str, changes: dict[str, object]) -> None:
    found = check(ROW | {f"benchmarks/{place}": manifest(**changes)})
    assert ("data/rows.json", 1) in [(one.path, one.line) for one in found["no-green-without-measurement"]]
