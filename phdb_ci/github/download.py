"""Fetch an artifact's archive: bounded in size and time, the token for GitHub's API alone.

GitHub answers with the address of a blob store. That is another host: it never sees the token.
"""

import time
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from phdb_ci import __version__
from phdb_ci.errors import ResultsError
from phdb_ci.github.client import Client

LIMIT = 32 * 1024 * 1024
SECONDS = 120.0
_CHUNK = 64 * 1024
_TRIES = 4


class Expired(Exception):  # noqa: N818 - no error: artifacts do not live for ever
    """The artifact is no longer there."""


class _Redirects(HTTPRedirectHandler):
    """Follow a few redirects: to https, or to the plain http of a stand-in of GitHub on this machine."""

    max_redirections = 3

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The next request; None makes the redirect an error."""
        fp.close()  # urllib would read this answer to its end, however long it is
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(client: Client, artifact: int, *, limit: int = LIMIT) -> bytes:
    """The archive of an artifact. Raises ResultsError when it is too large or elsewhere, Expired when it is gone."""
    url = f"{client.api}/repos/{client.name}/actions/artifacts/{artifact}/zip"
    deadline = time.monotonic() + SECONDS
    for more in reversed(range(_TRIES)):
        try:
            with build_opener(_Redirects).open(_request(client, url), timeout=client.waits.timeout) as answer:
                return _read(answer, answer.headers.get("Content-Length", ""), limit, deadline)
        except HTTPError as error:
            error.close()
            if error.code == 410:
                raise Expired from error
            if error.code < 400:
                fault = "is not at an https address, or leads from one address to the next"
                raise ResultsError(f"the artifact {fault}") from error
            if error.code < 500 or not more:
                raise client.refusal("fetching the artifact", "actions: read", error.code, error.reason) from error
        except (OSError, HTTPException) as error:
            if not more or time.monotonic() > deadline:
                raise OSError(str(error)) from error
        time.sleep(min(client.waits.backoff * 2 ** (_TRIES - 1 - more), client.waits.longest))
    raise AssertionError("the last try returns or raises")


def _request(client: Client, url: str) -> Request:
    request = Request(url, headers={"User-Agent": f"phdb-ci/{__version__}"})  # noqa: S310 - api_of has checked it
    # Not redirected: urllib sends these to this address alone.
    request.add_unredirected_header("Authorization", f"Bearer {client.token}")
    request.add_unredirected_header("Accept", "application/vnd.github+json")
    return request


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
            raise TimeoutError("the artifact does not come to an end")
        parts.append(part)
    if length.isdigit() and str(size) != length.lstrip("0").rjust(1, "0"):
        raise OSError(f"the artifact ended after {size} of {length[:20]} bytes")
    return b"".join(parts)


def _too_large(limit: int) -> ResultsError:
    return ResultsError(f"the artifact is larger than {limit} bytes")
