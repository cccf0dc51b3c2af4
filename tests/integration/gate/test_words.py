"""What a maintainer reads when something broke: each is broken on purpose, the comment names file and cause."""

import json

from tests.integration.gate.bench import Ran, Scenario

DEEP = """\
import json
import sys


def deeper(n):
    return json.loads(sys.argv[1]) if n == 0 else deeper_still(n)


def deeper_still(n):
    return deeper(n - 1)


deeper(50)
"""
HANGING = """\
import time
import unittest


class Registry(unittest.TestCase):
    def test_answers(self):
        self.assertTrue(True)

    def test_waits_for_ever(self):
        print("connecting to the engine", flush=True)
        time.sleep(600)
"""
NODE_TESTS = "li-cursor-agents/tests/e2e"


def comment(ran: Ran) -> str:
    return (ran.folder / "comment.md").read_text(encoding="utf-8")


def block(ran: Ran, title: str) -> str:
    """The section of the comment that has this title."""
    text = comment(ran)
    assert f"<summary>{title}</summary>" in text, text
    return text.split(f"<summary>{title}</summary>")[1].split("</details>")[0]


def test_syntax_error_in_the_engine_is_shown_in_the_compilers_words(own: Scenario) -> None:
    path = own.repo("lidb") / "engine" / "value.hpp"  # which every source includes, so that the build ends soon
    path.write_text(path.read_text().replace("namespace lidb {", "namespace lidb {\nint broken(;", 1))
    ran = own.run("smoke", "db-smoke")

    text = block(ran, "❌ embed does not build")
    assert "lidb/engine/value.hpp:" in text
    assert "error: " in text
    assert "{" not in text.partition("```")[0], "a placeholder is no path"
    assert "phdb-ci run embed --stack" in text
    assert comment(ran).count("embed does not build") <= 3
    assert "- ⛔ blocked: smoke and db-smoke\n" in comment(ran)
    for shown in (ran.out, (ran.folder / "junit.xml").read_text()):
        assert "lidb/engine/value.hpp:" in shown
    assert ran.out.count("exit 2: cmake --build build") == 1


def test_missing_import_in_a_script_is_shown_with_its_file(gate: Scenario) -> None:
    path = gate.repo("lis") / "lis" / "supervisor.py"
    path.write_text(path.read_text().replace("\nimport ", "\nimport nosuchmodule\nimport ", 1))
    ran = gate.run("db-smoke")

    text = block(ran, "❌ db-smoke: failed")
    assert 'File "lis/lis/supervisor.py", line ' in text
    assert "ModuleNotFoundError: No module named 'nosuchmodule'" in text
    assert f"workspace `{gate.cache}/work/" in text
    assert "repeat: `phdb-ci run db-smoke --stack stack" in text


def test_failing_npm_ci_is_shown_by_what_is_not_in_the_lock(gate: Scenario) -> None:
    path = gate.repo("li-cursor-agents") / "package.json"
    package = json.loads(path.read_text())
    package.setdefault("dependencies", {})["left-pad"] = "1.3.0"
    path.write_text(json.dumps(package))
    ran = gate.run("e2e-mock")

    text = block(ran, "💥 e2e-mock: could not run")
    assert "package.json and package-lock.json" in text
    assert "Missing: left-pad@1.3.0 from lock file" in text
    assert "set-up failed with exit 1: npm ci" in text


def test_assertion_in_a_node_test_is_shown_with_its_line(gate: Scenario) -> None:
    file = f"{NODE_TESTS}/broken.test.mjs"
    gate.write(
        file,
        "import assert from 'node:assert/strict';\nimport { it } from 'node:test';\n"
        "it('counts rows', () => {\n  assert.equal([1, 2].length, 3);\n});\n",
    )
    gate.set_run("e2e-mock", "node --test tests/e2e/broken.test.mjs")
    ran = gate.run("e2e-mock")

    text = block(ran, "❌ e2e-mock: 1 test failed")
    assert "counts rows" in text
    assert f"{file}:4" in text
    assert "2 !== 3" in text
    assert text.count("strictly equal") == 1, "each fact once"


def test_traceback_of_200_lines_is_shown_by_its_end(gate: Scenario) -> None:
    gate.write("lis/scripts/deep.py", DEEP)
    gate.set_run("db-smoke", "python3 scripts/deep.py '[1, oops]'")
    ran = gate.run("db-smoke")

    assert len(ran.log("db-smoke").splitlines()) > 200
    text = block(ran, "❌ db-smoke: failed")
    assert 'File "lis/scripts/deep.py", line 6, in deeper' in text
    assert "json.decoder.JSONDecodeError: Expecting value: line 1 column 5 (char 4)" in text


def test_hanging_test_is_shown_with_its_command_and_the_last_line(gate: Scenario) -> None:
    gate.write("benchmarks/test_hangs.py", HANGING)
    gate.set_run("bench-validate", "python3 -m unittest -v test_hangs")
    gate.edit("\nrun = ", '\ntimeout = "8s"\nrun = ', job="bench-validate")
    ran = gate.run("bench-validate")

    text = block(ran, "⏰ bench-validate: timed out")
    assert "did not end within 8s: python3 -m unittest -v test_hangs" in text
    assert "test_waits_for_ever (test_hangs.Registry" in text
    assert "connecting to the engine" in text
