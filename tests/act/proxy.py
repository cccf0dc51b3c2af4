"""Between the artifact clients of a workflow and act's artifact server: what the server lacks of GitHub's.

Rewritten, else nothing works: CreateArtifact without `mime_type`, which act does not know; `sig=` with the padding
that newer clients strip from it.
Added, as GitHub has it: the digest that the client gave is listed with the artifact, so that a download checks it; an
artifact that was never finished is not listed; a name is given once in an attempt (409) unless deleted before, and
once more in each other attempt; what an earlier attempt left is listed, but neither deleted (though that is said) nor
handed out (404), but for the REST API, which hands out all of a run; ids are in no order that could be relied on.
"""

import contextlib
import http.client
import json
import re
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TAKEN = {"code": "already_exists", "msg": "an artifact with this name already exists on the workflow run"}
ABSENT = {"code": "not_found", "msg": "no artifact of this name in this attempt"}
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
SERVICE = "/twirp/github.actions.results.api.v1.ArtifactService/"
LISTED = re.compile(r"/repos/[^/]+/[^/]+/actions/runs/([0-9]+)/artifacts")
ZIPPED = re.compile(r"/repos/[^/]+/[^/]+/actions/artifacts/([0-9]+)/zip")


@dataclass
class Entry:
    """An artifact of a run; `place` is its name at act's server, which has one of a name in a run."""

    id: int
    name: str
    attempt: int
    place: str
    digest: str | None = None  # until it is finished


class Proxy(ThreadingHTTPServer):
    """One attempt of one run. The catalogue outlives it, beside the artifacts."""

    daemon_threads = True

    def __init__(self, server_port: int, catalogue: Path, run: int, attempt: int, *, backwards: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.run, self.attempt = server_port, str(run), attempt
        self._file, self._step = catalogue, -1 if backwards else 1
        self._lock = threading.RLock()
        self._entries = [Entry(**row) for row in json.loads(catalogue.read_bytes())] if catalogue.exists() else []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def begin(self, name: str) -> Entry | None:
        """A new artifact of this attempt; None where the attempt has one of this name."""
        with self._lock:
            if self.own(name):
                return None
            place = f"{name}~{self.attempt}" if any(entry.name == name for entry in self._entries) else name
            last = self._entries[-1].id if self._entries else 1000
            entry = Entry(last + self._step, name, self.attempt, place)
            self._entries.append(entry)
            return entry

    def own(self, name: str) -> Entry | None:
        """This attempt's artifact of a name."""
        with self._lock:
            return next((one for one in self._entries if (one.name, one.attempt) == (name, self.attempt)), None)

    def finish(self, entry: Entry, digest: str) -> None:
        with self._lock:
            entry.digest = digest
            self._save()

    def forget(self, entry: Entry) -> None:
        with self._lock:
            self._entries.remove(entry)
            self._save()

    def finished(self, name: str | None = None, number: int | None = None) -> list[Entry]:
        """The artifacts of all attempts that are complete."""
        with self._lock:
            return [
                entry
                for entry in self._entries
                if entry.digest and name in (None, entry.name) and number in (None, entry.id)
            ]

    def _save(self) -> None:
        self._file.write_text(json.dumps([asdict(entry) for entry in self._entries], indent=1))


@contextlib.contextmanager
def proxy(server_port: int, catalogue: Path, run: int, attempt: int, *, backwards: bool = False) -> Iterator[Proxy]:
    """A proxy on a free port of 127.0.0.1, served until the block ends. `backwards`: later ids are smaller."""
    server = Proxy(server_port, catalogue, run, attempt, backwards=backwards)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        """Say nothing."""

    def do_GET(self) -> None:
        address, _, query = self.path.partition("?")
        listed, zipped = LISTED.fullmatch(address), ZIPPED.fullmatch(address)
        if listed or zipped:
            if not self.headers.get("Authorization"):
                self._answer(401, b"{}")
            elif listed:
                self._list(listed[1], urllib.parse.parse_qs(query))
            elif zipped:
                self._lead(int(zipped[1]))
            return
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        """Answer a call of the artifact service: `…/ArtifactService/CreateArtifact`, a JSON object."""
        body = json.loads(self._body())
        call = self.path.rpartition("/")[2]
        if call == "ListArtifacts":
            number = body.pop("id_filter", None)
            entries = self.server.finished(body.pop("name_filter", None), int(number) if number else None)
            status, headers, answer = self._ask(json.dumps(body).encode())
            self._answer(status, self._rows(answer, entries), headers)
            return
        entry = self.server.begin(body["name"]) if call == "CreateArtifact" else self.server.own(body["name"])
        if entry is None and call == "DeleteArtifact":  # an earlier attempt's: it stays
            self._answer(200, json.dumps({"ok": True, "artifactId": "0"}).encode())
            return
        if entry is None:
            fault = (409, TAKEN) if call == "CreateArtifact" else (404, ABSENT)
            self._answer(fault[0], json.dumps(fault[1]).encode())
            return
        body.pop("mime_type", None)
        status, headers, answer = self._ask(json.dumps(body | {"name": entry.place}).encode())
        if status == 200 and call == "FinalizeArtifact":
            self.server.finish(entry, body["hash"])
            answer = json.dumps(json.loads(answer) | {"artifactId": str(entry.id)}).encode()
        elif status == 200 and call == "DeleteArtifact":
            self.server.forget(entry)
        self._answer(status, answer, headers)

    def _rows(self, answer: bytes, entries: list[Entry]) -> bytes:
        """The service's list, as GitHub gives it."""
        known = {row["name"]: row for row in json.loads(answer).get("artifacts", [])}
        told = ({"name": one.name, "databaseId": str(one.id), "digest": one.digest} for one in entries)
        rows = [known[entry.place] | row for entry, row in zip(entries, told, strict=True)]
        return json.dumps({"artifacts": rows}).encode()

    def _list(self, run: str, query: dict[str, list[str]]) -> None:
        """REST: the artifacts of a run, of all its attempts. This proxy knows those of its own run."""
        entries = self.server.finished(query["name"][0] if "name" in query else None)
        rows = [
            {
                "id": entry.id, "name": entry.name, "digest": entry.digest, "size_in_bytes": 1, "expired": False,
                "created_at": "2026-11-25T03:00:00Z", "workflow_run": {"id": int(run)},
            }
            for entry in entries
        ]  # fmt: skip
        self._answer(200, json.dumps({"total_count": len(rows), "artifacts": rows}).encode())

    def _lead(self, number: int) -> None:
        """REST: where an artifact's archive is, whichever attempt left it."""
        entries = self.server.finished(number=number)
        if not entries:
            self._answer(404, b"{}")
            return
        run = self.server.run
        body = {"workflow_run_backend_id": run, "workflow_job_run_backend_id": run, "name": entries[0].place}
        self.command, self.path = "POST", f"{SERVICE}GetSignedArtifactURL"
        del self.headers["Content-Type"], self.headers["Authorization"]
        self.headers["Content-Type"] = "application/json"
        _, _, answer = self._ask(json.dumps(body).encode())
        self._answer(302, b"", {"Location": json.loads(answer)["signedUrl"]})

    def _pass_on(self) -> None:
        status, headers, answer = self._ask(self._body())
        self._answer(status, answer, headers)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Ask act; under the name that the client knows, for that is what act signs addresses with."""
        kept = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        with contextlib.closing(connection):
            connection.request(self.command, _padded(self.path), body, kept)
            answer = connection.getresponse()
            told = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            return answer.status, told, answer.read()

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "application/json"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _padded(path: str) -> str:
    """The address with the `=` at the end of `sig` that a client has taken off."""
    address, _, query = path.partition("?")
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    filled = [(name, value + "=" * (-len(value) % 4) if name == "sig" else value) for name, value in pairs]
    return f"{address}?{urllib.parse.urlencode(filled)}" if filled else address
