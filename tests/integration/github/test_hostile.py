"""What a run left behind is hostile: whatever it is, nothing of it is published, and what is wrong is said."""

import io
import json
import struct
import time
import zipfile
from collections.abc import Callable, Iterator

import pytest

from phdb_ci.errors import NetworkError, ResultsError
from phdb_ci.github import download
from phdb_ci.github.archive import LIMIT, file_in
from phdb_ci.github.verdict_file import MOST_OBJECTS
from tests.builders import HEAD, leg, sha, verdict
from tests.helpers import job, matrix
from tests.integration.github.fake import OWN, Fault
from tests.integration.github.server import ENDLESS
from tests.integration.github.world import World, failing, passing, zipped

EVIL = "evil/lis"


def document(**fields: object) -> bytes:
    """A verdict.json of this run with other fields."""
    return json.dumps(json.loads(passing(run_id="4242").model_dump_json()) | fields).encode()


def link(archive: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("verdict.md")
    info.external_attr = 0o120777 << 16
    archive.writestr(info, "/etc/passwd")


def entry(name: str) -> Callable[[zipfile.ZipFile], None]:
    return lambda archive: archive.writestr(name, "x")


def encrypted() -> bytes:
    """An archive that says of its entry that it is encrypted."""
    data = bytearray(zipped(passing(run_id="4242")))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def zip64() -> bytes:
    """An archive with the locator of a second end, which Python would follow."""
    data = zipped(passing(run_id="4242"))
    return data[:-22] + b"PK\x06\x07" + bytes(16) + data[-22:]


def lying(size: int, crc: int | None = None) -> bytes:
    """An archive whose directory says another size of its entry."""
    data = bytearray(zipped(b"[" * 100_000))
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, size)
    if crc is not None:
        struct.pack_into("<L", data, at + 16, crc)
    return bytes(data)


def crowd() -> bytes:
    """An archive of many empty entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"{number}", b"")
    return packed.getvalue()


def twice() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("verdict.json", document())
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("verdict.json", document())
    return packed.getvalue()


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"<html>404</html>" * 10, "is no plain zip archive"),
    "nothing": (lambda: b"", "is no zip archive"),
    "cut": (lambda: zipped(passing(run_id="4242"))[:-30], "is no plain zip archive"),
    "a comment behind it": (lambda: zipped(passing(run_id="4242")) + b"PK\x05\x06", "is no plain zip archive"),
    "two ends": (zip64, "is no plain zip archive"),
    "zip bomb": (lambda: zipped(b"[" * (LIMIT + 1)), f"more than {LIMIT} bytes"),
    "size is a lie, too small": (lambda: lying(10), "cannot be unpacked"),
    "size is a lie, too large": (lambda: lying(LIMIT + 1), f"more than {LIMIT} bytes"),
    "symlink": (lambda: zipped(document(), change=link), "holds a link"),
    "symlink for the verdict": (lambda: zipped(document(), "other.json", link), "holds a link"),
    "path upwards": (lambda: zipped(document(), change=entry("../verdict.json")), "a path that leads out of it"),
    "absolute path": (lambda: zipped(document(), change=entry("/verdict.json")), "a path that leads out of it"),
    "backslash": (lambda: zipped(document(), change=entry("..\\verdict.json")), "a path that leads out of it"),
    "drive": (lambda: zipped(document(), change=entry("c:verdict.json")), "a path that leads out of it"),
    "in a folder": (lambda: zipped(document(), "sub/verdict.json"), "holds no verdict.json"),
    "another file": (lambda: zipped(document(), "other.json"), "holds no verdict.json"),
    "twice": (twice, "holds 2 verdict.json"),
    "encrypted": (encrypted, "is encrypted"),
    "a crowd": (crowd, "holds more than 64 files"),
}  # fmt: skip
RECORDS = {
    "no JSON": (b"{", "does not fit schema version 1"),
    "not UTF-8": (b'{"tool": "\xff"}', "does not fit schema version 1"),
    "a list": (b"[]", "does not fit schema version 1 (1 fault)"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, "does not fit schema version 1"),
    "deep inside": (document(notes=json.loads("[" * 150 + "]" * 150)), "does not fit schema version 1"),
    "many objects": (b'{"legs": [' + b"{}," * MOST_OBJECTS + b"{}]}", "holds more than any verdict does"),
    "many values": (b'{"notes": [' + b"1," * 4_100_000 + b"1]}", "holds more than any verdict does"),
    "not a number": (document().replace(b'"seconds": 522.0', b'"seconds": NaN'), "does not fit"),
    "unknown key": (document(pull_request=18), "does not fit schema version 1 (1 fault)"),
    "comment from outside": (document(comment="# ✅ fine"), "does not fit schema version 1 (1 fault)"),
    "later schema": (document(schema_version=2), "does not fit schema version 1 (1 fault)"),
    "another run": (document(run_id="4243"), "is of another run"),
    "run as a number": (document(run_id=4242), "does not fit schema version 1 (1 fault)"),
    "another head": (document(head=sha("abc")), "is about another commit"),
    "no head": (document(head=None), "is about another commit"),
    "later attempt": (document(attempt=2), "is of attempt 2, and its name of attempt 1"),
    "outcome is a lie": (
        json.dumps(json.loads(failing(run_id="4242").model_dump_json()) | {"outcome": "pass"}).encode(),
        "says another outcome than its own results",
    ),
    "nothing worse than nothing": (
        document(regressions={"unknown": []}), "says that nothing is worse, and was compared with nothing",
    ),
    "pass over nothing": (document(legs=[]), "is not about exactly the jobs of its gate"),
}  # fmt: skip


def refused(world: World) -> str:
    """The second stage refuses, has posted nothing of it, and the commit is not green."""
    ran = world.publish()
    assert isinstance(ran.error, ResultsError), ran.told
    assert ran.code == 2
    assert "nothing was published" in ran.told
    assert world.fake.writes() == [f"POST statuses/{HEAD}"] * 2  # ours, and about nothing that the run left
    assert world.states == world.compared == ["error"]
    return ran.told


@pytest.mark.parametrize("name", ARCHIVES)
def test_archive_that_is_not_plain_is_refused(name: str) -> None:
    make, why = ARCHIVES[name]
    with pytest.raises(ResultsError) as caught:
        file_in(make())
    assert why in caught.value.message


def test_plain_archive_is_unpacked_and_other_files_are_ignored() -> None:
    assert file_in(zipped(b"{}", change=entry("notes.txt"))) == b"{}"
    assert file_in(zipped(b"{}", change=entry("sub/folder/notes.txt"))) == b"{}"


def test_inflation_is_counted_and_not_believed() -> None:
    with pytest.raises(ResultsError, match="more than 1000 bytes"):
        file_in(zipped(b"x" * 2_000), limit=1_000)


@pytest.mark.parametrize("name", ["zip bomb", "symlink", "path upwards", "twice", "no archive"])
def test_hostile_archive_publishes_nothing(world: World, name: str) -> None:
    make, why = ARCHIVES[name]
    world.fake.add_run()
    world.fake.add_artifact(4242, make())
    assert why in refused(world)


@pytest.mark.parametrize("name", RECORDS)
def test_record_that_is_not_of_this_run_publishes_nothing(world: World, name: str) -> None:
    raw, why = RECORDS[name]
    world.fake.add_run()
    world.fake.add_artifact(4242, zipped(raw))
    assert why in refused(world)


def test_pass_of_a_run_that_did_not_succeed_publishes_nothing(world: World) -> None:
    world.gate(conclusion="failure")
    assert "says pass, and GitHub says that the run did not succeed" in refused(world)


def test_verdict_worse_than_the_run_is_published(world: World) -> None:
    world.gate(4242, failing(run_id="4242"), conclusion="success")
    assert world.publish().code == 0
    assert world.states == ["failure"]


def test_verdict_of_another_pull_request_is_not_published_under_this_one(world: World) -> None:
    world.fake.add_pull(18, sha=sha("abc"), branch="other")
    other = passing(run_id="4242", head=sha("abc"))
    world.gate(4242, other)
    assert "is about another commit" in refused(world)


def test_archive_that_declares_a_gigabyte_is_not_read(world: World) -> None:
    world.fake.add_run()
    number = world.fake.add_artifact(4242, b"", said=ENDLESS)
    run, one, _ = world.fake.artifacts[number]
    world.fake.artifacts[number] = (run, one, ENDLESS)  # type: ignore[assignment]  # its length alone
    assert f"larger than {download.LIMIT} bytes" in refused(world)


def test_archive_that_streams_a_gigabyte_is_not_read_to_its_end(world: World) -> None:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        while sent < ENDLESS:
            sent += 1024 * 1024
            yield bytes(1024 * 1024)

    world.fake.add_run()
    number = world.fake.add_artifact(4242, b"")
    run, one, _ = world.fake.artifacts[number]
    world.fake.artifacts[number] = (run, one, parts())  # type: ignore[assignment]  # as it comes
    assert f"larger than {download.LIMIT} bytes" in refused(world)
    assert sent < 3 * download.LIMIT


def test_token_is_not_sent_to_the_blob_store(world: World) -> None:
    world.gate()
    world.publish()
    assert len(world.fake.blob_requests) == 1
    assert "authorization" not in world.fake.blob_requests[0]
    assert world.token not in str(world.fake.blob_requests)
    api = next(one for one in world.fake.requests if one.path.endswith("/zip"))
    assert api.headers["Authorization"] == f"Bearer {world.token}"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:,x"])
def test_redirect_to_another_protocol_is_refused(world: World, location: str) -> None:
    world.gate()
    world.fake.faults.append(Fault("GET", "/zip$", 302, None, {"Location": location}))
    assert "not at an https address" in refused(world)


def test_redirect_without_an_end_is_refused(world: World) -> None:
    world.gate()
    there = f"{world.fake.base}/repos/{OWN}/actions/artifacts/1/zip"
    world.fake.faults.append(Fault("GET", "/zip$", 302, None, {"Location": there}, times=99))
    assert "from one address to the next" in refused(world)


def test_blob_store_that_fails_once_is_asked_again(world: World) -> None:
    world.gate()
    world.fake.faults.append(Fault("GET", "/zip$", 503, {"message": "Unavailable"}))
    world.fake.faults.append(Fault("GET", "/zip$", drop=True))
    assert world.publish().code == 0
    assert world.states == ["success"]


def test_archive_that_breaks_off_is_fetched_again(world: World) -> None:
    world.gate()
    world.fake.cut_short = True
    assert world.publish().code == 0
    assert world.states == ["success"]
    assert len(world.fake.blob_requests) == 2


def test_archive_without_an_end_is_given_up_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.3)

    def drip() -> Iterator[bytes]:
        for _ in range(200):
            time.sleep(0.02)
            yield bytes(70_000)

    world.fake.add_run()
    number = world.fake.add_artifact(4242, b"")
    run, one, _ = world.fake.artifacts[number]
    world.fake.artifacts[number] = (run, one, drip())  # type: ignore[assignment]  # as it comes
    began = time.monotonic()
    ran = world.publish()
    assert isinstance(ran.error, NetworkError)
    assert "does not come to an end" in ran.told
    assert time.monotonic() - began < 3


def test_links_lead_to_this_run_and_this_owner_alone(world: World) -> None:
    raw = document(run_url=f"https://github.com/{EVIL}/actions/runs/666")
    raw = raw.replace(b"https://github.com/acme/lidb", f"https://github.com/{EVIL}".encode())
    world.fake.add_run()
    world.fake.add_artifact(4242, zipped(raw))
    world.publish()
    (body,) = world.sticky()
    assert EVIL not in body
    assert "666" not in body
    assert "| lidb | `5ab0d77` | pin |" in body


def test_artifact_of_another_name_is_no_verdict(world: World) -> None:
    world.fake.add_run()
    world.fake.add_artifact(4242, zipped(passing(run_id="4242")), "verdict")
    world.fake.add_artifact(4242, zipped(passing(run_id="4242")), "verdict@2")
    world.publish()
    assert "no verdict" in world.sticky()[0]


@pytest.mark.parametrize("first", [0, 1], ids=["older is false", "newer is false"])
def test_artifact_of_the_same_name_that_is_no_verdict_of_this_attempt_is_passed_over(world: World, first: int) -> None:
    world.fake.add_run(attempt=2)
    archives = [zipped(passing(run_id="4242")), zipped(passing(run_id="4242", attempt=2))]
    for archive in (archives[first], archives[1 - first]):
        world.fake.add_artifact(4242, archive, "verdict@2")
    world.publish()
    assert "## ✅" in world.sticky()[0]
    assert "attempt 2" in world.sticky()[0]


def test_two_verdicts_of_one_attempt_that_differ_are_none(world: World) -> None:
    world.fake.add_run(conclusion="failure")
    world.fake.add_artifact(4242, zipped(failing(run_id="4242")))
    world.fake.add_artifact(4242, zipped(failing(run_id="4242").model_copy(update={"seconds": 7.0})))
    assert "several verdicts of attempt 1, which differ" in refused(world)


def test_job_named_like_a_leg_elsewhere_is_not_linked(world: World) -> None:
    world.gate(4242, verdict(leg("smoke"), run_id="4242", head=HEAD))
    world.fake.jobs[4242].clear()
    world.fake.add_jobs(4242, "gate / not-smoke@ubuntu-24.04", "smoke@ubuntu-24.04 / x")
    world.publish()
    assert "/job/" not in world.sticky()[0]


def test_verdict_about_fewer_jobs_than_the_gate_has_is_not_believed(world: World) -> None:
    world.gate(4242, verdict(leg("smoke"), run_id="4242", head=HEAD))
    world.table = matrix({"smoke": job(), "e2e-engine": job()})
    assert "is not about exactly the jobs of its gate" in refused(world)


def test_verdict_that_is_not_believed_does_not_leave_an_older_one_standing(world: World) -> None:
    world.gate()
    assert world.publish().code == 0
    world.fake.pulls[0]["head"]["sha"] = sha("b")
    world.fake.add_run(4300, 319, sha=sha("b"), conclusion="failure")
    world.fake.add_artifact(4300, zipped("{}"))
    assert world.publish(4300).code == 2
    (body,) = world.sticky()
    assert "left a verdict that is not believed" in body
    assert world.states == ["success", "error"]
