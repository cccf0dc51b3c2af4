"""Committed files that a job is there to write: its own change of them is its work, anything else is not."""

import json

import pytest

from tests.integration.gate.bench import Scenario

JOB, FILE = "bench-validate", "data/latest/manifest.json"
OLD, NEW = '{"status": "stub", "run": 1}', '{"status": "stub", "run": 2}'


@pytest.fixture
def writing(gate: Scenario) -> Scenario:
    """bench-validate whose manifest is a committed file that the row lets it write."""
    gate.write(f"benchmarks/{FILE}", f"{OLD}\n")
    gate.write("benchmarks/data/other.csv", "a,b\n")
    text = gate.matrix.read_text()
    start = text.index("writes = [", text.index(f"[jobs.{JOB}]"))
    end = text.index("\n", start)
    gate.matrix.write_text(f'{text[:start]}writes = ["{FILE}", "data/other.csv"]{text[end:]}')
    text = gate.matrix.read_text()
    start = text.index('manifest = { file = "', text.index(f"[jobs.{JOB}]"))
    end = text.index('", status', start)
    gate.matrix.write_text(f'{text[:start]}manifest = {{ file = "{FILE}{text[end:]}')
    return gate


def test_committed_file_that_the_row_names_may_be_written(writing: Scenario) -> None:
    writing.set_run(JOB, f"echo '{NEW}' > {FILE}; echo c,d >> data/other.csv")

    writing.run(JOB).assert_green()


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("true", f"the job wrote no {FILE}: benchmarks/{FILE} is as it was before the job"),
        (f"touch {FILE}", f"the job wrote no {FILE}: benchmarks/{FILE} is as it was before the job"),
        (f"cp {FILE} x; rm {FILE}; mv x {FILE}", f"the job wrote no {FILE}: benchmarks/{FILE} is as it was"),
        (f"echo '{NEW}' > {FILE}; echo x >> suite.txt", "the job changed files of its checkout: benchmarks/suite.txt"),
        (f"echo '{NEW}' > {FILE}; rm data/other.csv", "changed files of its checkout: benchmarks/data/other.csv"),
        (f"echo '{NEW}' > {FILE}; ln -f {FILE} data/other.csv", "changed files of its checkout: benchmarks/data/"),
        (
            f"mkdir d2; mv data/* d2; rmdir data; ln -s d2 data; echo '{NEW}' > {FILE}",
            "changed files of its checkout: benchmarks/data/latest/manifest.json and 2 more",
        ),
    ],
    ids=["stale", "touched", "replaced-by-itself", "another", "gone", "hard-link", "linked-folder"],
)
def test_anything_else_is_unproven(writing: Scenario, command: str, reason: str) -> None:
    writing.write("benchmarks/suite.txt", "one\n")
    writing.set_run(JOB, command)

    writing.run(JOB).assert_not_green(JOB, "unproven", reason)


def test_file_that_the_setup_wrote_is_as_it_was_before_the_job(writing: Scenario) -> None:
    setup = json.dumps(f"echo '{NEW}' > {FILE}")
    writing.edit("run = [", f"setup = [{setup}]\nrun = [", job=JOB)
    writing.set_run(JOB, "true")

    writing.run(JOB).assert_not_green(JOB, "unproven", "is as it was before the job")
