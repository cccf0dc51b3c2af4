"""The stand-in of GitHub on a port of 127.0.0.1, and a blob store on another; the contract judges every exchange."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.integration.github.contract import Contract
from tests.integration.github.fake import Answer, Fake, Fault, Request, to_json

ENDLESS = 1024 * 1024 * 1024


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: ClassVar[Fake]

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Api(_Quiet):
    contract: ClassVar[Contract]
    lock: ClassVar[threading.Lock]

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            self.command, parts.path, dict(parse_qsl(parts.query)), dict(self.headers),
            json.loads(raw) if raw else None,
        )  # fmt: skip
        with self.lock:
            answer = self._answer(request)
        if answer is None:
            self.close_connection = True
            return
        body = to_json(answer.body)
        self.contract.check(
            request.method, request.path, request.query, request.headers, raw, answer.status, body,
            answered=answer.documented,
        )  # fmt: skip
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, request: Request) -> Answer | None:
        """The state's own answer, or the fault that waits for such a request; None for a closed connection."""
        self.fake.requests.append(request)
        fault = next((one for one in self.fake.faults if _fits(one, request)), None)
        if fault is None:
            return self.fake.answer(request)
        fault.times -= 1
        if not fault.times:
            self.fake.faults.remove(fault)
        if fault.act:
            fault.act()
        answer = self.fake.answer(request) if fault.effect or not (fault.status or fault.drop) else None
        if fault.drop:
            return None
        return Answer(fault.status, fault.body, fault.headers, documented=False) if fault.status else answer

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that http.server calls


def _fits(fault: Fault, request: Request) -> bool:
    return fault.method == request.method and re.search(fault.path, request.path) is not None


class _Blobs(_Quiet):
    def do_GET(self) -> None:
        self.fake.blob_requests.append({name.lower(): value for name, value in self.headers.items()})
        number = int(urlsplit(self.path).path.rpartition("/")[2])
        data: Any = self.fake.artifacts[number][2]
        self.send_response(200)
        if isinstance(data, Iterator):
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for part in data:
                    self.wfile.write(part)
            except OSError:
                pass  # the reader had enough, as it should
            return
        length = data if isinstance(data, int) else len(data)
        if self.fake.cut_short:
            self.fake.cut_short, data, self.close_connection = False, data[: length // 2], True
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(b"" if isinstance(data, int) else data)


@contextmanager
def serving(fake: Fake, contract: Contract) -> Iterator[None]:
    """Both servers, while the block lasts."""
    api = type("Api", (_Api,), {"fake": fake, "contract": contract, "lock": threading.Lock()})
    blobs = type("Blobs", (_Blobs,), {"fake": fake})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), one) for one in (api, blobs)]
    fake.base = f"http://127.0.0.1:{servers[0].server_port}"
    fake.blobs = f"http://127.0.0.1:{servers[1].server_port}"
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
