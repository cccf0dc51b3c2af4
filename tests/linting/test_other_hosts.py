"""The recipe for GitLab is one that GitLab reads, and runs a gate that there is."""

import json
import re
import subprocess
from pathlib import Path

from ruamel.yaml import YAML

from phdb_ci.commands import _verbs
from phdb_ci.matrix import load
from tests.linting.layout import ROOT
from tests.linting.tools import program

PAGE = ROOT / "docs" / "other-hosts.md"
RECIPE = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_recipe_for_gitlab_fits_its_schema(tmp_path: Path) -> None:
    assert RECIPE is not None
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(RECIPE[1])
    argv = [program("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci", "--output-format", "json", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "ok"), done.stdout


def test_recipe_runs_a_gate_on_a_repo_of_the_matrix_with_options_that_there_are() -> None:
    assert RECIPE is not None
    matrix = load(ROOT / "matrix.toml")
    (script,) = YAML(typ="safe").load(RECIPE[1])["phdb-gate"]["script"]
    found = re.fullmatch(r'python -m nox --no-venv -s (\S+) -- --repo "([\w-]+)=\S+" --out "\S+"', script)
    assert found is not None
    assert (found[1] in matrix.gates, found[2] in matrix.repos) == (True, True)
    source = Path(_verbs.__file__).read_text(encoding="utf-8")
    for option in ("--repo", "--out", "--bundle", "--sources", "--gate"):
        assert f"{option} " in PAGE.read_text(encoding="utf-8")
        assert f'"{option}"' in source
