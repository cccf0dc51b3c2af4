"""Where GitHub's API is. A token goes over plain http to this machine alone, where a stand-in of GitHub may be."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from phdb_ci.errors import UsageError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def api_of(environ: Mapping[str, str]) -> str:
    """`$GITHUB_API_URL`, by default GitHub's own. Raises UsageError for an address that no token should go to."""
    url = environ.get("GITHUB_API_URL") or "https://api.github.com"
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url.rstrip("/")
    raise UsageError(f"$GITHUB_API_URL={url[:100]}: expected an address like https://api.github.com")
