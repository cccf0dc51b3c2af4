"""Artifacts between jobs and attempts: the toolkit's own client, act's server, and what the proxy adds to it.

Every test has its own ports, folders and home, so they run side by side (`-n auto`).
"""

import hashlib

import pytest

from tests.act.bench import download, flow, run, upload
from tests.act.runner import Act

# How this attempt has what another one left.
REST = {"github_token": "${{ github.token }}", "run_id": "${{ github.run_id }}"}


def test_artifact_round_trip_between_jobs_keeps_the_bytes_and_checks_the_digest(act: Act) -> None:
    made = flow(
        act,
        f"""\
name: flow
on: [push]
jobs:
  makes:
    runs-on: ubuntu-24.04
    outputs:
      digest: ${{{{ steps.up.outputs.artifact-digest }}}}
    steps:
      - run: mkdir out && head -c 3000000 /dev/urandom > out/embed.tar && sha256sum < out/embed.tar
      - id: up
        {upload("embed-ubuntu-24.04", "out/embed.tar", retention_days=7, overwrite=True, if_no_files_found="error")}
  takes:
    needs: [makes]
    runs-on: ubuntu-24.04
    steps:
      - {download(name="embed-ubuntu-24.04", path="embed")}
      - run: sha256sum < embed/embed.tar
""",
    )

    ran = act.run(made, "push", {}, run_id=4242)

    assert ran.results == {"makes": "success", "takes": "success"}, ran.log
    digest = hashlib.sha256(ran.read("embed-ubuntu-24.04", "embed.tar")).hexdigest()
    assert digest in ran.job("makes").log
    assert digest in ran.job("takes").log
    zipped = hashlib.sha256(ran.artifacts["embed-ubuntu-24.04"].read_bytes()).hexdigest()
    assert ran.job("makes").step("up").outputs["artifact-digest"] == zipped
    assert f"SHA256 digest of downloaded artifact is {zipped}" in ran.job("takes").log
    assert ran.artifacts["embed-ubuntu-24.04"].is_relative_to(act.root / "artifacts" / "4242")


def test_artifact_that_was_changed_on_the_server_fails_its_download(act: Act) -> None:
    first = run(act, "run: echo one > one", upload("a", "one", compression_level=0))
    data = first.artifacts["a"].read_bytes()
    first.artifacts["a"].write_bytes(data.replace(b"one\n", b"two\n"))

    second = run(act, download(name="a", path="in", **REST), attempt=2)

    assert second.code == 1
    assert "the digest of a is not sha256:" in second.job("one").log


@pytest.mark.parametrize(
    "names", [["e2e@ubuntu-24.04@1"], ["e2e@ubuntu-24.04@1", "smoke@macos-15@1"]], ids=["one", "several"]
)
def test_pattern_gives_a_folder_per_artifact_but_none_for_the_only_one(act: Act, names: list[str]) -> None:
    steps = [upload(name, f"out/{name}") for name in names]

    ran = run(
        act,
        f"run: for name in {' '.join(names)} other@1; do mkdir -p out/$name/sub; echo $name > out/$name/sub/file; done",
        *steps,
        upload("other@1", "out/other@1"),
        download(pattern="*@*@*", path="results"),
        "run: find results -type f | LC_ALL=C sort",
    )

    assert ran.code == 0, ran.log
    folders = [f"{name}/" for name in names] if len(names) > 1 else [""]
    assert ran.job("one").steps[str(len(names) + 3)].lines == [f"results/{folder}sub/file" for folder in folders]


def test_pattern_that_matches_nothing_is_green_and_a_missing_name_is_red(act: Act) -> None:
    ran = run(
        act,
        download(pattern="*@*", path="results"),
        f"continue-on-error: true\n        {download(name='nobody', path='results')}",
        upload("other", ".", if_no_files_found="ignore"),
        "run: touch file",
        upload("other", "file"),
        download(pattern="*@*", path="results"),
        download(name="nobody", path="results"),
    )

    steps = list(ran.job("one").steps.values())
    assert [step.outcome for step in steps] == ["success", "failure"] + ["success"] * 4 + ["failure"]
    assert "Total of 0 artifact(s) downloaded" in steps[0].log
    assert "nobody" in steps[1].log
    assert "nobody" in steps[6].log
    assert ran.code == 1


def test_upload_of_nothing_is_red_only_with_if_no_files_found_error(act: Act) -> None:
    ran = run(act, upload("a", "nowhere"), upload("b", "nowhere", if_no_files_found="error"))

    assert [step.outcome for step in ran.job("one").steps.values()] == ["success", "failure"]
    assert "no files were found with the path nowhere" in ran.job("one").log
    assert ran.artifacts == {}


def test_second_upload_of_a_name_needs_overwrite_in_one_attempt_and_not_in_the_next(act: Act) -> None:
    steps = ["run: echo $GITHUB_RUN_ATTEMPT > file; touch more", upload("a", "file")]

    first = run(act, *steps, upload("a", "more"), run_id=9)
    assert "(409) Conflict: an artifact with this name already exists on the workflow run" in first.log
    assert (first.code, first.files("a")) == (1, ["file"])

    again = run(act, *steps, upload("a", "more", overwrite=True), run_id=9, attempt=2)
    assert (again.code, again.files("a"), again.files("a~2")) == (0, ["file"], ["more"])


@pytest.mark.parametrize("backwards", [False, True])
def test_artifact_of_an_earlier_attempt_is_had_with_the_token_alone(act: Act, backwards: bool) -> None:
    act.backwards = backwards
    run(act, "run: echo first > file", upload("a@1", "file"), run_id=9)

    again = run(
        act,
        "run: echo second > file",
        upload("a@2", "file"),
        download(pattern="a@*", path="in", **REST),
        "run: cat in/a@1/file in/a@2/file",
        f"continue-on-error: true\n        {download(name='a@1', path='out')}",
        download(name="a@1", path="out", **REST),
        "run: cat out/file",
        run_id=9,
        attempt=2,
    )

    steps = again.job("one").steps
    assert again.code == 0, again.log
    assert steps["3"].lines == ["first", "second"]
    assert (steps["4"].outcome, steps["6"].lines) == ("failure", ["first"])


@pytest.mark.parametrize("backwards", [False, True])
def test_name_that_two_attempts_gave_is_that_of_the_larger_id_whatever_its_attempt(act: Act, backwards: bool) -> None:
    act.backwards = backwards
    run(act, "run: echo first > file", upload("a", "file", overwrite=True), run_id=9)
    steps = ["run: echo second > file", upload("a", "file", overwrite=True), download(name="a", path="in", **REST)]

    again = run(act, *steps, "run: cat in/file", run_id=9, attempt=2)

    assert again.job("one").steps["3"].lines == ["first" if backwards else "second"], again.log


def test_another_run_sees_no_artifact_of_this_one(act: Act) -> None:
    run(act, "run: echo first > file", upload("a", "file"), run_id=9)

    other = run(act, download(pattern="*", path="in"), run_id=10)

    assert "Total of 0 artifact(s) downloaded" in other.log


def test_zip_loses_the_executable_bit_and_hidden_files(act: Act) -> None:
    ran = run(
        act,
        "run: mkdir out && touch out/tool out/.hidden && chmod +x out/tool",
        upload("a", "out"),
        download(name="a", path="in"),
        "run: ls -A in; test ! -x in/tool",
    )

    assert ran.code == 0, ran.log
    assert ran.job("one").steps["3"].lines == ["tool"]


def test_several_paths_keep_their_folders_below_the_one_that_they_share(act: Act) -> None:
    ran = run(act, "run: mkdir -p out/a out/b && touch out/a/x out/b/y", upload("a", "out/a\nout/b/y"))

    assert ran.files("a") == ["a/x", "b/y"]
