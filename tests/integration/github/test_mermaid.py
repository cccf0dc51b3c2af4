"""Every diagram that the project makes, read by mermaid's own parser: many texts in one node process."""

import json
import random
import re
import subprocess

from phdb_ci.commands.plan import mermaid
from phdb_ci.models.base import NAME
from phdb_ci.models.plan import Plan
from phdb_ci.models.verdict import Verdict
from phdb_ci.planning.plan import make_plan, select
from phdb_ci.rendering.comment import comment
from phdb_ci.rendering.comment.timeline import label
from tests.builders import artifact, leg, verdict
from tests.helpers import inventory, job, matrix, sources
from tests.integration.github.downloads import NODE, node_folder

# Names that a job may have and that mean something to the diagrams' grammars.
WORDS = [
    "gantt", "topaxis", "inclusiveenddates", "title", "section", "2024-01-01", "click", "call", "href", "end",
    "todaymarker", "weekday", "weekend", "excludes", "includes", "dateformat", "axisformat", "tickinterval",
    "acctitle", "accdescr", "done", "crit", "active", "milestone", "after", "until", "graph", "subgraph", "style",
    "class", "classdef", "flowchart", "lr", "direction", "o-o", "x--x", "a--b", "a_b", "0", "default", "linkstyle",
]  # fmt: skip


def complaints(texts: list[str]) -> dict[str, str]:
    """The texts that mermaid does not take, each with what it says."""
    program = ["node", "--input-type=module", "-e", (NODE / "mermaid.mjs").read_text()]
    done = subprocess.run(
        program, cwd=node_folder(), input=json.dumps(texts), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"mermaid did not start; node 20.19 or newer is needed:\n{done.stderr}"
    found = json.loads(done.stdout)
    return {text: told for text, told in zip(texts, found, strict=True) if told is not None}


def names(count: int) -> list[str]:
    """Names as the matrix allows them."""
    chance = random.Random(7)  # noqa: S311 - variety, not secrecy
    made = [chance.choice("az09") + "".join(chance.choices("abz019_-", k=chance.randrange(12))) for _ in range(count)]
    assert all(re.fullmatch(NAME, one) for one in made + WORDS)
    return made + WORDS


def timeline(made: Verdict) -> str:
    (found,) = re.findall(r"```mermaid\n(.*?)\n```", comment(made), re.DOTALL)
    return str(found)


def planned(*jobs: str) -> Plan:
    rows = {name: job(artifacts=["embed"]) for name in jobs}
    table = matrix(rows)
    gate, chosen, lead = select(table, ["pr-gate"])
    return make_plan(table, gate, chosen, lead, sources(), inventory())


def test_every_diagram_is_taken_by_mermaid() -> None:
    texts = []
    for name in names(60):
        legs = (leg(name), leg(name, "failed", os="macos-15", offset=40.0, seconds=0.4), leg("other"))
        texts.append(timeline(verdict(*legs, artifacts=(artifact(name), artifact(os="macos-15", status="published")))))
        texts.append(mermaid(planned(name, "other")))
    texts.append(mermaid(planned(*(f"job-{number}" for number in range(40)))))
    assert complaints(texts) == {}


def test_labels_of_any_text_are_taken_by_mermaid() -> None:
    chance = random.Random(8)  # noqa: S311
    signs = "ab1 :;#%{}[]()<>|\"'`@._-\n\\\u202e😀"
    odd = ["".join(chance.choices(signs, k=chance.randrange(1, 30))) for _ in range(200)]
    texts = [
        f"gantt\n    dateFormat X\n    section jobs\n    job {label(text)} :done, 0, 1"
        for text in [*odd, *WORDS, *(word.upper() for word in WORDS)]
    ]
    assert complaints(texts) == {}


def test_oracle_bites_on_a_broken_diagram() -> None:
    assert len(complaints(["gantt\n    gantt@x :done, 0, 1", "flowchart LR\n a(((", "no diagram"])) == 3
