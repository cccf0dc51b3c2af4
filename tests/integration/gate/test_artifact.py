"""The engine as an artifact: its key, why it is built or reused, a damaged one, one that is handed in."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.integration.gate.bench import Scenario


def entry(gate: Scenario) -> Path:
    """The one stored engine that this scenario's plan would use."""
    return gate.cache / "store" / "embed" / gate.plan("lis-tests").artifacts[0].key


def reuse(gate: Scenario) -> tuple[str, str, str]:
    """What a plan says of the artifact: action, key, and why."""
    node = gate.plan("lis-tests").artifacts[0]
    return node.action, node.key, "; ".join(node.why)


# The key


def test_plan_of_known_inputs_reuses_and_says_why(gate: Scenario) -> None:
    action, key, why = reuse(gate)

    assert action == "reuse"
    assert re.match(r"same key: inputs, tools and platform are those of [0-9a-f]{7} \(built 20", why)
    shown = gate.cli("plan", "lis-tests", "--stack", "stack").stdout
    assert re.search(rf"embed\s+reuse\s+key {key[:12]}\n\s+same key", shown)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("src/main.cpp", "src"),
        ("CMakeLists.txt", "CMakeLists.txt"),
        ("sql/schema/001_registry.sql", "sql"),
        ("engine/new.hpp", "engine"),
    ],
)
def test_edit_of_an_input_is_a_build_and_the_plan_names_the_input(gate: Scenario, file: str, part: str) -> None:
    path = gate.repo("lidb") / file
    path.write_text((path.read_text() if path.exists() else "") + "\n")
    action, key, why = reuse(gate)

    assert action == "build"
    assert key != json.loads((gate.cache / "durations.json").read_text()).get("key")
    assert re.fullmatch(rf"input {re.escape(part)} changed \([0-9a-f]{{7}} → [0-9a-f]{{7}}\)", why)


def test_mode_of_an_input_is_part_of_the_key(gate: Scenario) -> None:
    (gate.repo("lidb") / "src/main.cpp").chmod(0o755)

    assert reuse(gate)[2].startswith("input src changed")


def test_other_build_command_is_a_build(gate: Scenario) -> None:
    gate.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")

    assert reuse(gate)[::2] == ("build", "the build commands changed")


def test_other_compiler_is_a_build_and_the_plan_names_both(gate: Scenario) -> None:
    (gate.root / "bin").mkdir()
    other = gate.root / "bin" / "c++"
    other.write_text("#!/bin/sh\necho other c++ 99\n")
    other.chmod(0o755)
    gate.env["PATH"] = f"{other.parent}:{os.environ['PATH']}"
    action, _, why = reuse(gate)

    assert action == "build"
    assert why.startswith("tool c++ changed (")
    assert why.endswith("→ other c++ 99)")


def test_input_that_the_repo_does_not_have_is_a_part_of_the_key(gate: Scenario) -> None:
    gate.edit('inputs = ["CMakeLists.txt", ', 'inputs = ["CMakeLists.txt", "third_party", ')
    assert reuse(gate)[2] == "input third_party changed (absent → absent)"
    gate.write("lidb/third_party/x", "x")
    assert re.fullmatch(r"input third_party changed \(absent → [0-9a-f]{7}\)", reuse(gate)[2])


def test_readme_of_the_repo_is_no_input(gate: Scenario) -> None:
    before = gate.plan("lis-tests")
    gate.write("lidb/README.md", "another text\n")
    after = gate.plan("lis-tests")

    assert after.artifacts[0].key == before.artifacts[0].key
    assert after.artifacts[0].action == "reuse"
    assert after.sources.repos["lidb"].commit != before.sources.repos["lidb"].commit


def test_edit_of_liorm_reuses_the_binary_and_is_another_commit_in_the_verdict(gate: Scenario) -> None:
    before = gate.run("lis-tests")
    gate.write("lidb/liorm/edited.py", "EDITED = True\n")
    after = gate.run("lis-tests")

    after.assert_green()
    assert (after.embed.status, after.embed.digest) == ("reused", before.embed.digest)
    commits = [{one.repo: one.commit for one in ran.leg("lis-tests").sources} for ran in (before, after)]
    assert commits[0]["lidb"] != commits[1]["lidb"]
    assert commits[0]["lis"] == commits[1]["lis"]
    assert {one.repo: one.commit for one in after.verdict.sources} == commits[1]


def test_break_of_liorm_fails_though_the_binary_is_reused(gate: Scenario) -> None:
    gate.patch("lidb/liorm/embed_engine.py", 'if self._call("migrate").strip() != "migrate ok":', "if True:")
    ran = gate.run("lis-tests")

    ran.assert_not_green("lis-tests", "failed", "pytest tests failed")
    assert ran.embed.status == "reused"


# Damage


@pytest.mark.slow
def test_damaged_entry_is_set_aside_told_and_built_again(own: Scenario) -> None:
    place = entry(own)
    binary = place / "lidb_embed"
    sound = binary.read_bytes()
    binary.write_bytes(b"#!/bin/sh\nexit 0\n")
    ran = own.run("lis-tests")

    ran.assert_green()
    assert ran.embed.status == "built"
    assert any("was damaged (lidb_embed is sha256:" in note and "not used" in note for note in ran.verdict.notes)
    assert "damaged" in ran.out or "damaged" in (ran.folder / "comment.md").read_text()
    aside = list((own.cache / "store" / "embed" / "damaged").glob("*/*/lidb_embed"))
    assert [path.read_bytes() for path in aside] == [b"#!/bin/sh\nexit 0\n"]
    assert (place / "lidb_embed").read_bytes() == sound  # the same bytes, built at another time
    assert own.run("lis-tests").embed.status == "reused"


@pytest.mark.parametrize(
    "damage",
    ["truncate -s -1 lidb_embed", "rm lidb_embed", "echo > manifest.json", "rm manifest.json",
     "ln -sf /bin/true lidb_embed", "rm lidb_embed; mkfifo lidb_embed",
     "sed -i s/$(sha256sum lidb_embed | cut -c1-64)/missing/ manifest.json; rm lidb_embed"],
    ids=["short", "gone", "manifest", "no-manifest", "link", "pipe", "said-to-be-missing"],
)  # fmt: skip
def test_damaged_entry_is_planned_as_a_build(own: Scenario, damage: str) -> None:
    place = entry(own)
    os.system(f"cd {place} && {damage}")  # noqa: S605 - fixed text
    plan = own.plan("lis-tests")

    assert plan.artifacts[0].action == "build"
    assert any("set aside" in note for note in plan.notes)
    assert not place.exists()


def test_entry_of_another_key_is_not_taken_for_this_one(own: Scenario) -> None:
    place = entry(own)
    own.edit("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_BUILD_TYPE=None")
    wanted = own.plan("lis-tests").artifacts[0].key
    place.rename(place.with_name(wanted))
    plan = own.plan("lis-tests")

    assert plan.artifacts[0].action == "build"
    assert any("belongs to another key" in note for note in plan.notes)


# Handed in


def test_artifact_that_is_handed_in_is_used(own: Scenario) -> None:
    handed = own.root / "handed"
    entry(own).rename(handed)
    ran = own.run("lis-tests", "--artifact", f"embed={handed}")

    ran.assert_green()
    assert (ran.embed.status, ran.embed.why) == ("given", ("handed in with --artifact",))
    assert not list((own.cache / "store" / "embed").iterdir())


def test_artifact_that_is_handed_in_as_a_file_is_used(own: Scenario) -> None:
    ran = own.run("lis-tests", "--artifact", f"embed={entry(own) / 'lidb_embed'}")

    ran.assert_green()
    assert ran.embed.status == "given"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("echo >> lidb_embed", "its manifest says sha256:"),
        ("rm manifest.json", "there is no manifest.json beside it"),
        ("rm lidb_embed", "its manifest says sha256:"),
    ],
    ids=["changed", "no-manifest", "gone"],
)
def test_artifact_that_is_not_what_its_manifest_says_is_refused(own: Scenario, change: str, message: str) -> None:
    handed = own.root / "handed"
    entry(own).rename(handed)
    os.system(f"cd {handed} && {change}")  # noqa: S605 - fixed text
    ran = own.run("lis-tests", "--artifact", f"embed={handed}")

    assert ran.code == 2
    assert ran.err.startswith("error: --artifact embed=")
    assert message in ran.err


def test_artifact_of_another_commit_is_refused(own: Scenario) -> None:
    place = entry(own)
    own.write("lidb/src/new.hpp", "\n")
    ran = own.run("lis-tests", "--artifact", f"embed={place}")

    assert ran.code == 2
    assert "is not of this run's commit, commands or platform: input src changed" in ran.err
