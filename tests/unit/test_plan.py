"""Names to jobs, and the plan: what is built, reused or refused and why; what runs here or elsewhere."""

from typing import Any

import pytest

from phdb_ci.errors import ArtifactError, UsageError
from phdb_ci.models.inventory import Inventory, KeyInputs
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.models.plan import Plan
from phdb_ci.planning.plan import artifacts_named, changes, hint, make_plan, repos_of, select
from tests.helpers import PIN, TREE, inventory, job, key_inputs, matrix, sources, stored

OLD = "01d" + "0" * 37


def planned(jobs: dict[str, Job] | None = None, facts: Inventory | None = None, *, rows: Matrix | None = None) -> Plan:
    """The plan of the gate over these jobs on this machine."""
    table = rows or matrix(jobs)
    gate, names, lead = select(table, ["pr-gate"])
    return make_plan(table, gate, names, lead, sources(), facts or inventory())


# Names


def three() -> Matrix:
    jobs = {name: job() for name in ("smoke", "lint", "bench")}
    gates = {"pr-gate": {"jobs": ["smoke", "lint"], "lead": "lint"}, "nightly": {"jobs": ["bench", "smoke"]}}
    return matrix(jobs, gates=gates)


@pytest.mark.parametrize(
    ("names", "gate", "jobs", "lead"),
    [
        pytest.param(["pr-gate"], "pr-gate", ("smoke", "lint"), "lint", id="gate"),
        pytest.param(["bench"], "bench", ("bench",), None, id="job"),
        pytest.param(["bench", "smoke"], "bench+smoke", ("bench", "smoke"), None, id="jobs"),
        pytest.param(["pr-gate", "bench"], "pr-gate+bench", ("smoke", "lint", "bench"), "lint", id="gate and job"),
        pytest.param(["pr-gate", "nightly"], "pr-gate+nightly", ("smoke", "lint", "bench"), "lint", id="overlap"),
        pytest.param(["smoke", "smoke"], "smoke", ("smoke",), None, id="twice"),
    ],
)
def test_names_become_jobs_once_each(names: list[str], gate: str, jobs: tuple[str, ...], lead: str | None) -> None:
    assert select(three(), names) == (gate, jobs, lead)


@pytest.mark.parametrize(
    ("name", "near"),
    [("pr-gat", ' Perhaps you meant "pr-gate"?'), ("smoek", ' Perhaps you meant "smoke"?'), ("zzz", "")],
)
def test_unknown_name_is_refused_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(three(), ["smoke", name])
    assert caught.value.message == f'"{name}" is neither a gate nor a job of the matrix.{near}'
    assert caught.value.tries == (
        "gates: pr-gate, nightly", "jobs: smoke, lint, bench", "artifacts: embed",
    )  # fmt: skip


def test_repos_are_those_of_checkouts_and_of_artifacts() -> None:
    rows = matrix({"a": job(repo="lis", artifacts=["embed"]), "b": job(repo="lis"), "c": job(**{"with": ["lis"]})})
    assert repos_of(rows, ["a"]) == ("lidb", "lis")
    assert repos_of(rows, ["b"]) == ("lis",)
    assert repos_of(rows, ["c"]) == ("lidb", "lis")


# Artifacts


def test_artifact_of_the_same_key_is_reused() -> None:
    (node,) = planned(facts=inventory(stored={"embed": (stored(),)})).artifacts
    assert (node.action, node.stored) == ("reuse", stored())
    assert node.why == (f"same key: inputs, tools and platform are those of {PIN[:7]} (built 2026-11-25T03:00:00Z)",)


def test_artifact_that_only_another_release_built_is_built_and_that_is_said() -> None:
    (node,) = planned(facts=inventory(other_release={"embed": 1})).artifacts
    said = "1 entry in the store, built by another release of phdb-ci: not used"
    assert (node.action, node.why) == ("build", (said,))


def test_artifact_that_nobody_built_is_built() -> None:
    (node,) = planned().artifacts
    assert (node.action, node.why, node.stored) == ("build", ("nothing is stored yet",), None)


CHANGES: list[Any] = [
    pytest.param({"trees": {"src": OLD}}, "input src changed (01d0000 → 7ee0000)", id="input"),
    pytest.param({"trees": {"src": None}}, "input src changed (absent → 7ee0000)", id="input that was absent"),
    pytest.param({"trees": {"src": TREE, "lib": OLD}}, "input lib changed (01d0000 → absent)", id="input dropped"),
    pytest.param({"tools": {"cmake": "3.1"}}, "tool cmake changed (3.1 → cmake version 3.31.6)", id="tool"),
    pytest.param({"tools": {}}, "tool cmake changed (none → cmake version 3.31.6)", id="tool added"),
    pytest.param({"platform": "musl"}, "platform changed (musl → linux x86_64 glibc-2.36)", id="platform"),
    pytest.param({"build": ["make -O0"]}, "the build commands changed", id="commands"),
    pytest.param({"outputs": ["x"]}, "the outputs changed", id="outputs"),
]


@pytest.mark.parametrize(("was", "why"), CHANGES)
def test_rebuild_says_which_part_of_the_key_changed(was: dict[str, Any], why: str) -> None:
    (node,) = planned(facts=inventory(stored={"embed": (stored(key_inputs(**was)),)})).artifacts
    assert (node.action, node.why) == ("build", (why,))


def test_rebuild_is_explained_by_the_nearest_entry() -> None:
    far = stored(key_inputs(platform="musl", tools={}, trees={"src": OLD}))
    near = stored(key_inputs(trees={"src": OLD}))
    (node,) = planned(facts=inventory(stored={"embed": (far, near)})).artifacts
    assert node.why == ("input src changed (01d0000 → 7ee0000)",)


def test_listed_input_that_was_not_listed_before_is_a_change_even_when_absent() -> None:
    assert changes(key_inputs(), key_inputs(trees={"src": TREE, "new": None})) == (
        "input new changed (absent → absent)",
    )


def test_equal_inputs_have_no_changes() -> None:
    assert changes(key_inputs(), key_inputs()) == ()


def test_artifact_that_no_job_here_needs_is_not_built() -> None:
    assert planned({"smoke": job()}).artifacts == ()
    assert planned({"smoke": job(artifacts=["embed"], os=["macos-15"])}).artifacts == ()


def test_handed_in_artifact_of_these_inputs_is_taken() -> None:
    (node,) = planned(facts=inventory(given={"embed": stored()})).artifacts
    assert (node.action, node.why) == ("given", ("handed in with --artifact",))


def test_handed_in_artifact_goes_before_a_stored_one() -> None:
    (node,) = planned(facts=inventory(given={"embed": stored()}, stored={"embed": (stored(),)})).artifacts
    assert node.action == "given"


def test_handed_in_artifact_of_another_tool_version_is_taken_and_told() -> None:
    given = stored(key_inputs(tools={"cmake": "3.1"}))
    (node,) = planned(facts=inventory(given={"embed": given})).artifacts
    assert node.why == ("handed in with --artifact", "tool cmake changed (3.1 → cmake version 3.31.6)")


@pytest.mark.parametrize(("was", "why"), [row for row in CHANGES if row.id not in ("tool", "tool added")])
def test_handed_in_artifact_of_other_inputs_is_refused(was: dict[str, Any], why: str) -> None:
    with pytest.raises(ArtifactError, match="not of this run's") as caught:
        planned(facts=inventory(given={"embed": stored(key_inputs(**was))}))
    assert why in caught.value.message
    assert caught.value.tries


def test_missing_build_tool_stops_a_build_and_nothing_else() -> None:
    (node,) = planned(facts=inventory("cmake")).artifacts
    assert node.missing_tools == ("cmake",)
    (node,) = planned(facts=inventory("cmake", stored={"embed": (stored(),)})).artifacts
    assert (node.action, node.missing_tools) == ("reuse", ())


# Legs


def test_leg_of_this_platform_runs_and_the_others_are_elsewhere() -> None:
    plan = planned({"smoke": job(os=["macos-15", "ubuntu-24.04"])})
    assert [leg.leg for leg in plan.legs] == ["smoke@ubuntu-24.04"]
    assert [(leg.os, leg.kind, leg.reason) for leg in plan.idle] == [
        ("macos-15", "elsewhere", "this machine is linux x86_64 glibc-2.36")
    ]


def test_of_two_legs_of_one_platform_the_first_runs_here() -> None:
    plan = planned({"smoke": job(os=["ubuntu-22.04", "ubuntu-24.04"])})
    assert [leg.os for leg in plan.legs] == ["ubuntu-22.04"]
    assert [(leg.os, leg.kind) for leg in plan.idle] == [("ubuntu-24.04", "elsewhere")]


def test_leg_that_a_rule_skips_is_listed_with_its_reason() -> None:
    plan = planned({"smoke": job(os=["ubuntu-24.04"], skip={"windows-2025": "no port"})})
    assert [(leg.os, leg.kind, leg.reason) for leg in plan.idle] == [("windows-2025", "skipped", "no port")]
    plan = planned({"smoke": job(os=["ubuntu-24.04"], skip={"ubuntu-24.04": "broken"})})
    assert (plan.legs, [leg.kind for leg in plan.idle]) == ((), ["skipped"])


def test_leg_says_what_it_needs_and_what_it_must_show() -> None:
    one = job(
        artifacts=["embed"],
        builds=["embed"],
        notices=["dead"],
        network=False,
        reports=[{"kind": "pytest", "min_tests": 3, "skips": {"a": "b"}}, {"kind": "exit", "min_tests": 0}],
        evidence={
            "witness": {"artifact": "embed", "min_calls": 4},
            "forbid_env": ["LI_LIDB_MOCK"],
            "manifest": {"file": "m.json", "status": ["stub", "pass"]},
        },
        **{"with": ["lis"]},
    )
    (leg,) = planned({"smoke": one}, inventory(durations={"smoke@ubuntu-24.04": 12.5})).legs
    assert (leg.needs, leg.repos, leg.claims) == (("embed",), ("lidb", "lis"), ("dead",))
    assert (leg.quarantined, leg.expected) == (False, 12.5)
    assert leg.evidence == (
        "pytest: ≥ 3 executed, skipped only by 1 named rule",
        "exit code alone (no test cases counted)",
        "embed called ≥ 4×",  # noqa: RUF001 - the sign that people read
        "no LI_LIDB_MOCK in the environment",
        "m.json is stub or pass, no number in it",
        "no network but loopback",
    )


def test_missing_tool_of_a_job_is_told_and_how_to_get_it() -> None:
    (leg,) = planned({"smoke": job(tools=["node", "fancy", "python3"])}, inventory("node", "fancy")).legs
    assert leg.missing_tools == ("node", "fancy")
    assert hint("node").startswith("node is not on PATH; get it: https://nodejs.org")
    assert hint("fancy") == "fancy is not on PATH"


def test_plan_reads_back_from_its_json() -> None:
    plan = planned(facts=inventory(stored={"embed": (stored(),)}, notes=["embed was damaged"]))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert plan.notes == ("embed was damaged",)


def test_inventory_and_matrix_read_back_from_their_json() -> None:
    facts = inventory(stored={"embed": (stored(),)}, given={"embed": stored()}, durations={"embed": 1.5})
    assert Inventory.model_validate_json(facts.model_dump_json()) == facts
    assert KeyInputs.model_validate_json(key_inputs().model_dump_json()) == key_inputs()
    assert Matrix.model_validate_json(matrix().model_dump_json(by_alias=True)) == matrix()


# Artifacts by name


def test_artifact_s_name_asks_for_no_job() -> None:
    assert select(three(), ["embed"]) == ("embed", (), None)
    assert select(three(), ["embed", "smoke", "embed"]) == ("embed+smoke", ("smoke",), None)
    assert select(three(), ["pr-gate", "embed"]) == ("pr-gate+embed", ("smoke", "lint"), "lint")
    assert artifacts_named(three(), ["embed", "smoke", "embed"]) == ("embed",)
    assert artifacts_named(three(), ["pr-gate"]) == ()


def test_artifact_that_was_asked_for_is_planned_though_no_job_needs_it() -> None:
    plan = make_plan(three(), "embed", (), None, sources(), inventory(), ["embed"])
    assert [(node.name, node.action) for node in plan.artifacts] == [("embed", "build")]
    assert (plan.gate, plan.jobs, plan.legs, plan.idle) == ("embed", (), (), ())


def test_artifact_that_is_asked_for_twice_over_is_planned_once() -> None:
    rows = matrix()
    plan = make_plan(rows, "embed+smoke", ("smoke",), None, sources(), inventory(), ["embed"])
    assert [node.name for node in plan.artifacts] == ["embed"]


def test_repo_of_an_artifact_that_was_asked_for_is_needed() -> None:
    rows = matrix({"a": job(repo="lis")})
    assert repos_of(rows, [], ["embed"]) == ("lidb",)
    assert repos_of(rows, ["a"], ["embed"]) == ("lidb", "lis")


# Which runner this is


TWO = {"smoke": job(os=["ubuntu-22.04", "ubuntu-24.04", "macos-15"])}


@pytest.mark.parametrize(
    ("runner", "here"),
    [
        pytest.param(None, ["ubuntu-22.04"], id="not told: the first of its family"),
        pytest.param("ubuntu-24.04", ["ubuntu-24.04"], id="told"),
        pytest.param("ubuntu-26.04", [], id="one that the job does not name"),
        pytest.param("ubuntu-24", [], id="a beginning of a name"),
    ],
)
def test_machine_that_was_told_which_runner_it_is_runs_that_leg_alone(runner: str | None, here: list[str]) -> None:
    plan = planned(TWO, inventory(runner=runner))
    assert [leg.os for leg in plan.legs] == here
    assert {leg.os for leg in plan.idle} == {"ubuntu-22.04", "ubuntu-24.04", "macos-15"} - set(here)
    assert {leg.kind for leg in plan.idle} == {"elsewhere"}


def test_rule_that_skips_a_runner_goes_before_being_it() -> None:
    rows = {"smoke": job(os=["ubuntu-24.04"], skip={"ubuntu-24.04": "broken"})}
    plan = planned(rows, inventory(runner="ubuntu-24.04"))
    assert (plan.legs, [leg.kind for leg in plan.idle]) == ((), ["skipped"])
