"""What the tests of this folder share: small workflows, written as text, and how to run them."""

import json
import re
from pathlib import Path
from typing import Any

from tests.act.runner import Act, Ran

HERE = Path(__file__).parent
HOME = "li-langverse/phdb-ci"
RELEASE = "0" * 39 + "1"
PULL_REQUEST = {
    "number": 7,
    "pull_request": {
        "number": 7,
        "head": {"sha": "ab" * 20, "ref": "topic"},
        "base": {"sha": "cd" * 20, "ref": "main"},
    },
}
PRINT_NEEDS = """\
      - name: Needs
        env:
          NEEDS: ${{ toJSON(needs) }}
        run: printf '%s' "${NEEDS}"
"""


def workflow(name: str) -> str:
    """One of workflows/."""
    return (HERE / "workflows" / f"{name}.yml").read_text(encoding="utf-8")


def flow(act: Act, text: str, *, name: str = "flow", place: str = "flows") -> Path:
    """A folder with this workflow, each `uses: actions/…` of it with the matrix's commit."""
    commits = {use.partition("@")[0]: use for use in act.actions}
    folder = act.root / place
    (folder / ".github" / "workflows").mkdir(parents=True, exist_ok=True)
    pinned = re.sub(r"uses: (actions/[\w-]+)$", lambda found: f"uses: {commits[found[1]]}", text, flags=re.MULTILINE)
    (folder / ".github" / "workflows" / f"{name}.yml").write_text(pinned)
    return folder


def one_job(*steps: str) -> str:
    """A workflow of one job."""
    lines = "".join(f"      - {step.strip()}\n" for step in steps)
    return f"name: flow\non: [push]\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n{lines}"


def upload(name: str, path: str, **inputs: object) -> str:
    return step("upload-artifact", {"name": name, "path": path} | inputs)


def download(**inputs: object) -> str:
    return step("download-artifact", inputs)


def step(action: str, inputs: dict[str, object]) -> str:
    named = {name.replace("_", "-"): value for name, value in inputs.items()}
    return f"uses: actions/{action}\n        with: {json.dumps(named)}"


def run(act: Act, *steps: str, **options: Any) -> Ran:
    """Run a workflow of one job with these steps."""
    return act.run(flow(act, one_job(*steps)), "push", {}, **options)


def needs_of(ran: Ran, job: str) -> dict[str, Any]:
    """The `toJSON(needs)` that a job has printed."""
    needs: dict[str, Any] = json.loads(ran.job(job).step("Needs").log)
    return needs
