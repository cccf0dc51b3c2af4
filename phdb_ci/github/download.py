"""Fetch an artifact's archive: bounded in size and time, the token for GitHub's API alone.

GitHub answers with the address of a blob store. That is another host: it never sees the token.
"""

import time
from http.client import HTTPException
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from phdb_ci import __version__
from phdb_ci.errors import ResultsError
from phdb_ci.github.client import Client

LIMIT = 32 * 1024 * 1024
SECONDS = 120.0
_CHUNK = 64 * 1024
_MOVED = (301, 302, 303, 307, 308)
_HOPS, _TRIES = 3, 4


class Expired(Exception):  # noqa: N818 - no error: artifacts do not live for ever
    """The artifact is no longer there."""


class _Stay(HTTPRedirectHandler):
    """Follow nothing by itself: it would take the token along."""

    def redirect_request(self, *_: object) -> None:
        """No new request."""


def fetch(client: Client, artifact: int, *, limit: int = LIMIT, seconds: float = SECONDS) -> bytes:
    """The archive of an artifact. Raises ResultsError when it is too large or elsewhere, Expired when it is gone."""
    url = f"{client.api}/repos/{client.name}/actions/artifacts/{artifact}/zip"
    deadline = time.monotonic() + seconds
    for left in reversed(range(_TRIES)):
        try:
            return _follow(client, url, limit, deadline)
        except HTTPError as error:
            if error.code == 410:
                raise Expired from error
            if error.code < 500 or not left:
                raise client.refusal("fetching the verdict", "actions: read", error.code, error.reason) from error
        except (OSError, HTTPException) as error:
            if not left or time.monotonic() > deadline:
                raise OSError(str(error)) from error
        time.sleep(min(client.waits.backoff * 2 ** (_TRIES - 1 - left), client.waits.longest))
    raise AssertionError("the last try returns or raises")


def _follow(client: Client, url: str, limit: int, deadline: float) -> bytes:
    opener = build_opener(_Stay)
    headers = {"Authorization": f"Bearer {client.token}", "Accept": "application/vnd.github+json"}
    for _ in range(_HOPS):
        request = Request(url, headers={"User-Agent": f"phdb-ci/{__version__}", **headers})  # noqa: S310 - see _next
        try:
            with opener.open(request, timeout=client.waits.timeout) as answer:
                return _read(answer, answer.headers.get("Content-Length", ""), limit, deadline)
        except HTTPError as error:
            with error:
                if error.code not in _MOVED:
                    raise
                url, headers = _next(client, url, error.headers.get("Location", "")), {}
    raise ResultsError("the verdict's artifact leads from one address to the next; nothing was published")


def _next(client: Client, url: str, location: str) -> str:
    """Where a redirect leads: to https, or to the plain http of a stand-in of GitHub on this machine."""
    target = urljoin(url, location)
    scheme = urlsplit(target).scheme
    if scheme != "https" and scheme != urlsplit(client.api).scheme:
        raise ResultsError("the verdict's artifact is not at an https address; nothing was published")
    return target


def _read(answer: IO[bytes], length: str, limit: int, deadline: float) -> bytes:
    """The body, as far as it goes within the limits; what the server says of its length is only a first look."""
    parts, size = [], 0
    if length.isdigit() and len(length) < 20 and int(length) > limit:
        raise _too_large(limit)
    while part := answer.read(_CHUNK):
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if time.monotonic() > deadline:
            raise TimeoutError("the verdict's artifact does not come to an end")
        parts.append(part)
    if length.isdigit() and str(size) != length.lstrip("0").rjust(1, "0"):
        raise OSError(f"the artifact ended after {size} of {length[:20]} bytes")
    return b"".join(parts)


def _too_large(limit: int) -> ResultsError:
    return ResultsError(f"the verdict's artifact is larger than {limit} bytes; nothing was published")
