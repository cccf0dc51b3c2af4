"""What is rendered: no linter and no rule of ours has anything to say, and one finding is ignored, with its reason."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.linting import rules, rules_pins, tools
from tests.linting.conftest import QUARANTINE, Rendering
from tests.linting.layout import ROOT, lay_out
from tests.linting.workflow import Finding, parse

IGNORED = re.compile(r"# zizmor: ignore\[dangerous-triggers\] ")
ANY_IGNORE = re.compile(r"#.*\b(ignore|disable|nolint|noqa)\b")


def told(findings: Iterable[Finding]) -> str:
    """Findings for people, one a line."""
    return "\n".join(map(str, findings))


def test_linters_find_nothing(either: Rendering, tmp_path: Path) -> None:
    assert told(tools.check(tmp_path, lay_out(tmp_path, either.repos))) == ""


def test_own_rules_find_nothing(either: Rendering) -> None:
    assert told(rules.check(either.files, either.facts)) == ""


def test_templates_ignore_one_finding() -> None:
    lines = [line for path in (ROOT / "templates" / "workflows").iterdir() for line in path.read_text().splitlines()]
    assert [bool(IGNORED.search(line)) for line in lines if ANY_IGNORE.search(line)] == [True]


def test_every_second_stage_ignores_one_finding_and_no_other_file_does(either: Rendering) -> None:
    for repo, path, text in either.files:
        count = len(ANY_IGNORE.findall(text))
        assert count == len(IGNORED.findall(text)) == int(path.endswith("/phdb-verdict.yml")), f"{repo}/{path}"


def test_every_pinned_action_is_used(rendering: Rendering) -> None:
    flows = [parse(*file) for file in rendering.files]
    assert rules_pins.unused_pin(flows, rendering.facts) == []


def test_files_of_every_repository_are_looked_at(rendering: Rendering, tmp_path: Path) -> None:
    files = lay_out(tmp_path, rendering.repos)
    count = len(list((ROOT / "workflows").rglob("*.yml"))) + len(list((ROOT / ".github/workflows").glob("*.yml")))
    assert len(files) == len(set(files)) == count


@pytest.mark.parametrize("name", ["zizmor", "actionlint", "jactionlint", "check-jsonschema", "shellcheck"])
def test_absent_linter_is_an_error(
    name: str, rendering: Rendering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for place in tools.HERE.iterdir():
        if place.name != name:
            (scripts / place.name).symlink_to(place)
    monkeypatch.setattr(tools, "HERE", scripts)
    root = tmp_path / "root"
    with pytest.raises(FileNotFoundError, match=name):
        tools.check(root, lay_out(root, {"lidb": rendering.repos["lidb"]}))


def test_quarantine_without_its_issue_is_noticed(rich: Rendering) -> None:
    path = ".github/workflows/pr-gate.yml"
    text = rich.repos["phdb-ci"][path]
    assert text.count(QUARANTINE["issue"]) == 4
    found = rules.check([("phdb-ci", path, text.replace(QUARANTINE["issue"], "an issue"))], rich.facts)
    assert [one.rule for one in found] == ["quarantine"] * 4


def test_quarantined_leg_that_counts_is_noticed(rich: Rendering) -> None:
    path = ".github/workflows/pr-gate.yml"
    text = rich.repos["phdb-ci"][path].replace("    continue-on-error: true\n", "")
    assert [one.rule for one in rules.check([("phdb-ci", path, text)], rich.facts)] == ["quarantine"] * 3


def test_file_that_no_template_makes_is_noticed(rendering: Rendering) -> None:
    text = rendering.repos["lidb"][".github/workflows/phdb-gate.yml"]
    found = {one.rule for one in rules.check([("lidb", ".github/workflows/other.yml", text)], rendering.facts)}
    assert {"generated", "named", "triggers"} <= found
