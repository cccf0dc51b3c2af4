"""Matrix → workflow files, as text: what a file must hold for a green check on GitHub to mean something."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phdb_ci.errors import UsageError
from phdb_ci.matrix import load
from phdb_ci.models.hosting import job_id
from phdb_ci.models.matrix import Job, Matrix
from phdb_ci.rendering.workflows import SETUP_MINUTES, builds_of, files_of, is_called, references, workflow_files
from tests.helpers import PIN, job, matrix

OURS = load(Path(__file__).parents[2] / "matrix.toml")
UBUNTU, MACOS = "ubuntu-24.04", "macos-15"
RELEASE = "ab" * 20
ON_PULL_REQUEST = {"on": ["pull_request", "push"], "branches": ["main", "dev"]}
POSTGRES: dict[str, Any] = {
    "kind": "postgres", "image": f"postgres:16@sha256:{'9' * 64}", "port": 5432, "ready": "pg_isready -U postgres",
    "env": {"POSTGRES_HOST_AUTH_METHOD": "trust"}, "variable": "POSTGRES_URL",
    "url": "postgresql://postgres@127.0.0.1:5432/bench",
}  # fmt: skip


def rows(jobs: dict[str, Job] | None = None, **fields: Any) -> Matrix:
    """A matrix that can be rendered: the jobs, all in a gate that pull requests start."""
    table = jobs or {"smoke": job(artifacts=["embed"], os=[UBUNTU, MACOS]), "style": job(repo="lis")}
    told: dict[str, Any] = {
        "gates": {"pr-gate": {"jobs": list(table), **ON_PULL_REQUEST}},
        "repos": {
            name: {
                "url": f"https://github.com/acme/{name}.git", "pin": PIN,
                "override": {"ref": [f"{name.upper()}_CI_REF"]},
            }
            for name in ("lidb", "lis")
        },
        "actions": {name: pin.model_dump() for name, pin in OURS.actions.items()},
        "self": {"repository": "acme/phdb-ci", "commit": RELEASE, "aggregators": ["lic"]},
    }  # fmt: skip
    return matrix(table, **told | fields)


def gate_of(found: Matrix, name: str = "pr-gate") -> str:
    return workflow_files(found)[f".github/workflows/{name}.yml"]


def jobs_of(text: str) -> dict[str, str]:
    """The jobs of a workflow by id, each as text."""
    below = text[text.index("\njobs:\n") + 6 :]
    parts = re.split(r"^  ([^\s#:]+):\n", below, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


# What it needs


def test_matrix_without_this_project_is_refused_with_what_to_add() -> None:
    with pytest.raises(UsageError, match=r"the matrix has no \[self\]") as caught:
        workflow_files(rows(self=None))
    assert caught.value.tries == ('add [self] with repository = "owner/phdb-ci" and commit = "…", the last release',)


@pytest.mark.parametrize("name", OURS.actions)
def test_action_that_is_not_pinned_is_refused_by_name(name: str) -> None:
    found = OURS.model_copy(update={"actions": {one: pin for one, pin in OURS.actions.items() if one != name}})

    with pytest.raises(UsageError, match=rf"the workflows use {name}, and the matrix does not pin it") as caught:
        workflow_files(found)
    assert "add it to [actions]" in caught.value.message


def test_every_action_is_used_at_the_matrix_s_commit_and_version() -> None:
    pins = {f"{name}@{pin.commit} # {pin.version}" for name, pin in OURS.actions.items()}
    for text in workflow_files(OURS).values():
        used = set(re.findall(r"uses: (\S+@\S+ # .+)$", text, re.MULTILINE))
        calls = {use for use in used if use.startswith("li-langverse/phdb-ci/.github/workflows/")}
        assert used - calls <= pins
        assert OURS.self_ is not None
        assert all(f"@{OURS.self_.commit} " in use for use in calls)
        every = re.findall(r"^\s+(?:- )?uses: .*$", text, re.MULTILINE)
        assert all(re.search(r"uses: \S+@[0-9a-f]{40} # ", line) for line in every)


# Which files


def test_every_gate_gets_a_file_and_every_repo_its_own() -> None:
    assert set(workflow_files(rows())) == {
        ".github/workflows/ci.yml", ".github/workflows/pr-gate.yml",
        "workflows/lidb/phdb-gate.yml", "workflows/lidb/phdb-verdict.yml", "workflows/lidb/phdb-embed.yml",
        "workflows/lis/phdb-gate.yml", "workflows/lis/phdb-verdict.yml", "workflows/lic/phdb-aggregate.yml",
    }  # fmt: skip


def test_artifact_that_no_job_uses_has_no_workflow() -> None:
    assert "workflows/lidb/phdb-embed.yml" not in workflow_files(rows({"style": job(repo="lis")}))


def test_gate_that_starts_by_itself_is_called_by_nobody() -> None:
    gates = {"nightly": {"jobs": ["smoke"], "on": ["schedule", "workflow_dispatch"], "cron": "17 3 * * *"}}
    found = rows(gates=gates)

    assert not is_called(found.gates["nightly"])
    assert {path for path in workflow_files(found) if path.startswith("workflows/")} == {
        "workflows/lidb/phdb-embed.yml"
    }
    text = gate_of(found, "nightly")
    assert '\n  schedule:\n    - cron: "17 3 * * *"\n' in text
    assert "workflow_call" not in text


def test_files_of_a_repo_are_those_below_its_folder() -> None:
    files = {"workflows/lis/a.yml": "1", "workflows/lisa/a.yml": "2", ".github/workflows/a.yml": "3"}

    assert files_of(files, "lis") == {".github/workflows/a.yml": "1"}
    assert files_of(files, "lisa") == {".github/workflows/a.yml": "2"}
    assert files_of(files, "li") == {}


def test_same_matrix_gives_the_same_files() -> None:
    assert workflow_files(rows()) == workflow_files(rows())


@pytest.mark.parametrize("path", workflow_files(OURS))
def test_file_is_plain_text_that_says_where_it_comes_from(path: str) -> None:
    text = workflow_files(OURS)[path]

    assert text.startswith("# Made from matrix.toml by `phdb-ci render`")
    assert "not to be edited by hand" in text.splitlines()[0]
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\t" not in text
    assert not re.search(r"[ \t]$", text, re.MULTILINE)
    assert not re.search(r"<%|%>|!\{\{", text)


# Jobs


def test_every_leg_is_a_job_that_waits_for_the_artifact_of_its_own_runner() -> None:
    found = jobs_of(gate_of(rows()))

    assert list(found) == [
        "plan", "embed__ubuntu-24_04", "embed__macos-15", "smoke__ubuntu-24_04", "smoke__macos-15",
        "style__ubuntu-24_04", "cancelled", "verdict",
    ]  # fmt: skip
    assert "needs: [plan, embed__macos-15]\n" in found["smoke__macos-15"]
    assert "runs-on: macos-15\n" in found["smoke__macos-15"]
    assert "PHDB_CI_OS: macos-15\n" in found["smoke__macos-15"]
    assert "EMBED_DIGEST: ${{ needs.embed__macos-15.outputs.digest }}\n" in found["smoke__macos-15"]
    assert '--artifact "embed=embed/embed.tar#sha256=${EMBED_DIGEST}"' in found["smoke__macos-15"]
    assert "needs: [plan]\n" in found["style__ubuntu-24_04"]


def test_verdict_looks_at_every_other_job_and_is_never_skipped() -> None:
    for name in OURS.gates:
        found = jobs_of(gate_of(OURS, name))
        verdict = found.pop("verdict")
        waits = re.findall(r"^      - (\S+)$", verdict.split("    if: ")[0], re.MULTILINE)
        assert waits == list(found)
        assert "    if: ${{ always() }}\n" in verdict
        assert "continue-on-error" not in verdict.split("- name: Verdict")[1]
        assert f"--gate {name} --needs needs.json" in verdict


def test_no_step_goes_on_after_an_error_but_the_gathering_of_results() -> None:
    for text in workflow_files(OURS).values():
        for before, after in re.findall(r"(.*)\n\s+continue-on-error: true(.*)", text):
            assert "Gather the results" in before or "where there are none" in after


def test_quarantined_job_alone_may_fail() -> None:
    until = {"job": "flaky", "issue": "https://x.y/1", "owner": "@me", "until": "2027-01-31", "reason": "flaky"}
    case = until | {"job": "smoke", "case": "test_a*"}
    text = gate_of(rows({"smoke": job(), "flaky": job()}, quarantine=(until, case)))
    found = jobs_of(text)

    assert "    continue-on-error: true\n" in found["flaky__ubuntu-24_04"]
    assert "    continue-on-error" not in found["smoke__ubuntu-24_04"]
    assert "quarantined until 2027-01-31 (https://x.y/1, @me): flaky" in text
    assert "quarantined until 2027-01-31 (https://x.y/1, @me), test_a*: flaky" in text


def test_service_stands_beside_the_jobs_that_use_it_and_no_other() -> None:
    found = rows({"bench": job(services=["postgres"]), "style": job()}, services={"postgres": POSTGRES})
    jobs = jobs_of(gate_of(found))

    bench = jobs["bench__ubuntu-24_04"]
    assert f"    services:\n      postgres:\n        image: {POSTGRES['image']}\n" in bench
    assert "          POSTGRES_HOST_AUTH_METHOD: trust\n" in bench
    assert "          - 5432:5432\n" in bench
    assert '--health-cmd "pg_isready -U postgres"' in bench
    assert "      POSTGRES_URL: postgresql://postgres@127.0.0.1:5432/bench\n" in bench
    assert "services:" not in jobs["style__ubuntu-24_04"]
    assert "POSTGRES_URL" not in jobs["style__ubuntu-24_04"]


def test_service_without_a_sign_of_being_ready_has_no_health_check() -> None:
    services = {"postgres": {name: value for name, value in POSTGRES.items() if name != "ready"}}

    assert "health" not in gate_of(rows({"bench": job(services=["postgres"])}, services=services))


def test_job_s_time_limit_is_its_own_and_what_setting_up_takes() -> None:
    found = jobs_of(gate_of(rows({"one": job(timeout="90s"), "two": job(timeout="2h")})))

    assert f"timeout-minutes: {2 + SETUP_MINUTES}\n" in found["one__ubuntu-24_04"]
    assert f"timeout-minutes: {120 + SETUP_MINUTES}\n" in found["two__ubuntu-24_04"]
    for text in workflow_files(OURS).values():
        for name, body in jobs_of(text).items():
            assert "timeout-minutes: " in body or "    uses: " in body, name


def test_runner_that_is_skipped_has_no_job_and_its_reason_is_told() -> None:
    text = gate_of(rows({"smoke": job(skip={"windows-2025": "not built there"})}))

    assert "# Not run: smoke@windows-2025: not built there\n" in text
    assert not any("windows" in name for name in jobs_of(text))


def test_node_is_set_up_where_a_job_needs_it_alone() -> None:
    found = jobs_of(gate_of(rows({"one": job(tools=["node"]), "two": job()})))

    assert "actions/setup-node@" in found["one__ubuntu-24_04"]
    assert "actions/setup-node@" not in found["two__ubuntu-24_04"]


def test_measured_manifest_is_kept_on_its_own() -> None:
    measured = {"manifest": {"file": "**/bench.json", "status": ["pass"], "numbers": True}}
    stub = {"manifest": {"file": "**/bench.json", "status": ["stub"]}}
    exits = [{"kind": "exit", "min_tests": 0}]
    found = jobs_of(
        gate_of(rows({"one": job(evidence=measured, reports=exits), "two": job(evidence=stub, reports=exits)}))
    )

    assert "path: results/one@ubuntu-24.04/reports/bench.json\n" in found["one__ubuntu-24_04"]
    assert "bench.json" not in found["two__ubuntu-24_04"].split("steps:")[1]


def test_job_says_what_it_shows_and_must_leave() -> None:
    text = gate_of(rows({"one": job(summary="the engine answers", artifacts=["embed"])}))

    assert "  # shows: the engine answers\n" in text
    assert "  # must leave: " in text


def test_result_is_kept_unless_the_run_was_cancelled() -> None:
    for name, body in jobs_of(gate_of(rows())).items():
        if name.startswith(("smoke", "style")):
            keep = body.split("- name: Keep the result")[1]
            assert "if: ${{ !cancelled() }}" in keep
            assert f"path: results/{name.partition('__')[0]}@" in keep
            assert "if-no-files-found: error" in keep


# Callers


def test_pull_request_is_tested_at_its_own_commit() -> None:
    for repo in ("lidb", "lis"):
        text = workflow_files(rows())[f"workflows/{repo}/phdb-gate.yml"]
        head = "${{ github.event.pull_request.head.sha || github.event.merge_group.head_sha || github.sha }}"
        assert f"      head: {head}\n" in text
        assert f"      {repo}: {head}\n" in text
        base = "github.event.pull_request.base"
        assert f"      since: {repo}=${{{{ {base}.ref == 'main' && {base}.sha || '' }}}}\n" in text
        assert f"uses: acme/phdb-ci/.github/workflows/pr-gate.yml@{RELEASE} " in text
        assert f"      phdb-ci: {RELEASE}\n" in text.replace('"', "")


def test_every_repo_of_ours_hands_its_commit_to_the_gate() -> None:
    """A repo that could not would have its pin tested, and its pull request would be green for it."""
    assert set(references(OURS)) == set(OURS.repos)
    for repo in OURS.repos:
        assert f"\n      {repo}: $" in workflow_files(OURS)[f"workflows/{repo}/phdb-gate.yml"]


def test_pushes_start_the_gate_on_its_branches_alone() -> None:
    text = workflow_files(rows())["workflows/lis/phdb-gate.yml"]
    assert "\n  pull_request:\n  push:\n    branches: [main, dev]\n" in text.replace('"', "")
    gates = {"pr-gate": {"jobs": ["smoke", "style"], "on": ["pull_request"]}}

    assert "push:" not in workflow_files(rows(gates=gates))["workflows/lis/phdb-gate.yml"]


def test_aggregator_may_choose_every_repo_s_commit() -> None:
    text = workflow_files(rows())["workflows/lic/phdb-aggregate.yml"]

    for repo in ("lidb", "lis"):
        assert f"      {repo}: ${{{{ inputs.{repo} }}}}\n" in text
    assert "since:" not in text


def test_matrix_without_aggregators_renders_none() -> None:
    home = {"repository": "acme/phdb-ci", "commit": RELEASE}

    assert not any("aggregate" in path for path in workflow_files(rows(self=home)))


# Ids


def test_ids_of_our_jobs_are_legal_and_there_once() -> None:
    for path, text in workflow_files(OURS).items():
        found = re.findall(r"^  ([^\s#:]+):\n", text[text.index("\njobs:\n") :], re.MULTILINE)
        assert len(found) == len(set(found)), path
        assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", one) for one in found), path


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)
RUNNERS = st.from_regex(r"(ubuntu|macos|windows)-[a-z0-9.]{1,6}", fullmatch=True)


@given(st.lists(st.tuples(NAMES, RUNNERS), unique=True, min_size=2, max_size=6))
def test_no_two_legs_share_an_id(legs: list[tuple[str, str]]) -> None:
    for one, two in combinations(legs, 2):
        assert job_id(*one) != job_id(*two)
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]*", job_id(*one)) for one in legs)
    assert not {job_id(*one) for one in legs} & {"plan", "verdict"}


def test_builds_are_one_per_artifact_and_runner() -> None:
    found = rows({
        "one": job(artifacts=["embed"], os=[UBUNTU, MACOS]), "two": job(artifacts=["embed"]), "three": job(os=[MACOS]),
    })  # fmt: skip

    assert builds_of(found, found.jobs) == (("embed", UBUNTU), ("embed", MACOS))
    assert builds_of(found, ["three"]) == ()
    needs = jobs_of(gate_of(found))["verdict"].partition("    needs:\n")[2].partition("    if:")[0]
    assert needs.replace("      - ", "").split() == [
        "plan", "embed__ubuntu-24_04", "embed__macos-15", "one__ubuntu-24_04", "one__macos-15",
        "two__ubuntu-24_04", "three__macos-15", "cancelled",
    ]  # fmt: skip


# Hostile text of the matrix


@pytest.mark.parametrize("text", ["a: b", "# x", "${{ secrets.X }}", "- a", "'\"`$(x)", "größe 大小"])
def test_text_of_the_matrix_stands_in_comments_alone(text: str) -> None:
    found = rows({"one": job(summary=text, skip={"windows-2025": text})})
    found = found.model_copy(update={"gates": {"pr-gate": found.gates["pr-gate"].model_copy(update={"summary": text})}})
    for rendered in workflow_files(found).values():
        assert all(line.lstrip().startswith("#") for line in rendered.splitlines() if text in line)


def test_id_of_a_job_starts_with_a_letter_or_an_underscore() -> None:
    assert job_id("3d-tests", "ubuntu-24.04") == "_3d-tests__ubuntu-24_04"
