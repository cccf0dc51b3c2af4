"""The stand-ins for checkout, setup-* and attest-*, and what all of them refuse."""

import hashlib
from pathlib import Path

import pytest

from tests import repositories
from tests.act.bench import HOME, download, run, step, upload
from tests.act.runner import Act


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (upload("a", ".", pth="x"), 'actions/upload-artifact has no input "pth"'),
        (download(nmae="a"), 'actions/download-artifact has no input "nmae"'),
        (step("checkout", {"persist-credential": False}), 'actions/checkout has no input "persist-credential"'),
        (step("setup-python", {"python_version": "3.12", "pyton": 1}), 'setup-python has no input "pyton"'),
        (step("setup-node", {"node_version": "22", "cach": "npm"}), 'setup-node has no input "cach"'),
        (step("attest", {"subject": "x"}), 'actions/attest has no input "subject"'),
        (download(run_id="7"), "ignores run-id without github-token"),
        (download(repository="a/b"), 'knows the input "repository" and does nothing for it'),
        (step("setup-node", {"node_version": "22", "cache": "npm"}), 'knows the input "cache" and does nothing'),
        (upload("a", ".", overwrite="yes"), '"yes" is neither true nor false'),
        (step("setup-python", {"python_version": "python3"}), '"python3" is no version of Python'),
        (step("attest", {"subject_path": "none"}), "could not find a subject at none"),
    ],
)
def test_stand_in_refuses_what_it_cannot_do(act: Act, asked: str, words: str) -> None:
    ran = run(act, asked)

    assert ran.code == 1
    assert words in ran.job("one").log


def test_setup_and_attest_stand_ins_change_nothing_and_say_what_they_were_asked(act: Act) -> None:
    ran = run(
        act,
        'run: echo "$PATH" > before; printf x > subject',
        step("setup-python", {"python_version": "3.12"}),
        step("setup-node", {"node_version": "22", "package_manager_cache": False}),
        step("attest", {"subject_path": "subject"}),
        'run: diff before <(echo "$PATH")',
    )

    assert ran.code == 0, ran.log
    assert f"subject sha256:{hashlib.sha256(b'x').hexdigest()}" in ran.job("one").steps["3"].log


def test_checkout_takes_one_commit_of_another_repository_into_a_clean_folder(act: Act, tmp_path: Path) -> None:
    repositories.build_upstream(tmp_path / "upstream")
    act.repositories = {HOME: tmp_path / "upstream", f"{HOME}-more": tmp_path / "nowhere"}
    with_ = {"repository": HOME, "persist_credentials": False}

    ran = run(
        act,
        "run: mkdir old && touch old/file",
        step("checkout", with_ | {"ref": repositories.C1}),
        "run: git rev-parse HEAD; git remote get-url origin; git log --oneline | wc -l; test ! -e old",
        step("checkout", with_ | {"ref": "main", "path": "sub", "fetch_depth": 0}),
        "run: git -C sub rev-parse HEAD; git -C sub log --oneline | wc -l; git rev-parse HEAD",
        step("checkout", with_ | {"ref": "f" * 40}),
    )

    steps = ran.job("one").steps
    assert steps["2"].lines == [repositories.C1, f"file://{tmp_path}/upstream", "1"], ran.log
    assert steps["4"].lines == [repositories.C2, "3", repositories.C1]
    assert steps["5"].outcome == "failure"


def test_checkout_of_the_own_repository_takes_the_commit_of_the_run(act: Act, tmp_path: Path) -> None:
    repositories.build_upstream(tmp_path / "upstream")
    act.repositories = {"acme/lidb": tmp_path / "upstream"}

    ran = run(act, "run: ls -A", step("checkout", {}), "run: git rev-parse HEAD", sha=repositories.C1)

    assert ran.job("one").steps["0"].lines == [], "the workspace begins empty, as on GitHub"
    assert ran.job("one").steps["2"].lines == [repositories.C1], ran.log
