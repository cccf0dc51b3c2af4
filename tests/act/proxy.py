"""Between the artifact clients of a workflow and act's artifact server: what the server lacks of GitHub's.

Rewritten, else nothing works: CreateArtifact without `mime_type`, which act does not know; `sig=` with the padding
that newer clients strip from it.
Added, as GitHub has it: the digest that the client gave is listed with the artifact, so that a download checks it; an
artifact that was never finished is not listed; and a name is given once in an attempt (409) unless deleted before.
"""

import contextlib
import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TAKEN = {"code": "already_exists", "msg": "an artifact with this name already exists on the workflow run"}
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Proxy(ThreadingHTTPServer):
    """One attempt of one run. `digests` outlives it, beside the artifacts."""

    daemon_threads = True

    def __init__(self, server_port: int, digests: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = server_port
        self._file = digests
        self._lock = threading.Lock()
        self._taken: set[tuple[str, str]] = set()
        self._digests: dict[str, str] = json.loads(digests.read_bytes()) if digests.exists() else {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def take(self, run: str, name: str) -> bool:
        """Whether this attempt may upload under this name."""
        with self._lock:
            free = (run, name) not in self._taken
            self._taken.add((run, name))
            return free

    def keep(self, run: str, name: str, digest: str | None) -> None:
        """Note the digest of a finished artifact; None: it was deleted, or begun anew."""
        with self._lock:
            self._digests.pop(f"{run}/{name}", None)
            if digest is not None:
                self._digests[f"{run}/{name}"] = digest
            self._file.write_text(json.dumps(self._digests, indent=1))

    def forget(self, run: str, name: str) -> None:
        self.keep(run, name, None)
        with self._lock:
            self._taken.discard((run, name))

    def finished(self, run: str, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The artifacts that are complete, each with its digest."""
        with self._lock:
            known = {one["name"]: self._digests.get(f"{run}/{one['name']}") for one in listed}
        return [one | {"digest": known[one["name"]]} for one in listed if known[one["name"]]]


@contextlib.contextmanager
def proxy(server_port: int, digests: Path) -> Iterator[Proxy]:
    """A proxy on a free port of 127.0.0.1, served until the block ends."""
    server = Proxy(server_port, digests)
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
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        """Answer a call of the artifact service: `…/ArtifactService/CreateArtifact`, a JSON object."""
        body = json.loads(self._body())
        call = self.path.rpartition("/")[2]
        run = body["workflow_run_backend_id"]
        if call == "CreateArtifact":
            body.pop("mime_type", None)
            if not self.server.take(run, body["name"]):
                self._answer(409, json.dumps(TAKEN).encode())
                return
            self.server.keep(run, body["name"], None)
        status, headers, answer = self._ask(json.dumps(body).encode())
        if status == 200:
            answer = self._after(call, run, body, answer)
        self._answer(status, answer, headers)

    def _after(self, call: str, run: str, body: dict[str, Any], answer: bytes) -> bytes:
        if call == "FinalizeArtifact":
            self.server.keep(run, body["name"], body["hash"])
        elif call == "DeleteArtifact":
            self.server.forget(run, body["name"])
        elif call == "ListArtifacts":
            listed = json.loads(answer).get("artifacts", [])
            return json.dumps({"artifacts": self.server.finished(run, listed)}).encode()
        return answer

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
