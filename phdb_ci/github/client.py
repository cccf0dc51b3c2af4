"""The way to GitHub: one client with bounded patience, and its refusals as errors that say what to do.

A POST is never repeated blindly, because one that was answered with an error may have taken effect: see insist().
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from github import Auth, Github, GithubException, GithubRetry

from phdb_ci import __version__
from phdb_ci.base.text import one_line
from phdb_ci.errors import NetworkError, PhdbError, RefusedError, RightsError, UsageError

if TYPE_CHECKING:
    from github.Repository import Repository

T = TypeVar("T")
MANY = 100  # the longest page that GitHub gives
_LOOPBACK = ("127.0.0.1", "localhost", "::1")  # the only machine that a token goes to over plain http


@dataclass(frozen=True)
class Waits:
    """All patience in one place, in seconds."""

    requests: float = 0.25  # between two
    writes: float = 1.0  # between two
    secondary: float = 15.0  # after a secondary rate limit that does not say how long
    longest: float = 60.0  # whatever a rate limit says
    backoff: float = 1.0  # after the first error of the server; it doubles
    posts: tuple[float, ...] = (2.0, 5.0, 15.0)  # before a POST is tried again, once for each further try
    timeout: int = 30


QUICK = Waits(posts=(), longest=10.0, secondary=5.0, backoff=0.2, timeout=15)  # for what a run can do without


def api_of(environ: Mapping[str, str]) -> str:
    """`$GITHUB_API_URL`, by default GitHub's own. Raises UsageError for an address that no token should go to."""
    url = environ.get("GITHUB_API_URL") or "https://api.github.com"
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url.rstrip("/")
    raise UsageError(f"$GITHUB_API_URL={url[:100]}: expected an address like https://api.github.com")


class Patience(GithubRetry):
    """PyGithub's retry, which knows rate limits, with a limit to how long a server may make us wait."""

    def get_retry_after(self, response: object) -> float | None:
        """What the server asks for, at most as long as we are willing to wait."""
        seconds = super().get_retry_after(response)  # type: ignore[arg-type]  # urllib3 names a base class of its own
        longest = self.max_rate_limit_wait
        return seconds if seconds is None or longest is None else min(seconds, longest)


class Client:
    """A repository on GitHub, as a token sees it."""

    def __init__(self, api: str, token: str, repository: str, waits: Waits) -> None:
        self.api, self.token, self.name, self.waits = api, token, repository, waits
        retry = Patience(
            total=4, allowed_methods=frozenset({"GET", "PATCH", "DELETE"}), backoff_factor=waits.backoff,
            backoff_max=waits.longest, status_forcelist=[429, *range(500, 600)],
            secondary_rate_wait=waits.secondary, max_rate_limit_wait=waits.longest,
        )  # fmt: skip
        self.github = Github(
            auth=Auth.Token(token), base_url=self.api, per_page=MANY, retry=retry, timeout=waits.timeout,
            seconds_between_requests=waits.requests, seconds_between_writes=waits.writes, lazy=True,
            user_agent=f"phdb-ci/{__version__}",
        )  # fmt: skip
        self.repository: Repository = self.github.get_repo(repository)

    def login(self) -> str:
        """Whom comments of this token are from. GITHUB_TOKEN may not ask, and needs not."""
        if self.token.startswith(("ghp_", "github_pat_", "gho_", "ghu_")):
            return str(self.github.get_user().login)
        return "github-actions[bot]"

    @contextmanager
    def asking(self, what: str, grant: str) -> Iterator[None]:
        """Turn what GitHub or the network answers into an error of ours; `grant` is the permission that it takes."""
        try:
            yield
        except GithubException as error:
            raise self.refusal(what, grant, error.status, message_of(error)) from error
        except OSError as error:  # all that requests and urllib raise
            reason = self.clean(str(error)) or type(error).__name__
            raise NetworkError(f"{what}: {self.api} could not be reached: {reason}") from error

    def refusal(self, what: str, grant: str, status: int, message: str) -> PhdbError:
        """The error for an answer of the API."""
        answer = f"{what}: GitHub answers {status}" + (f", {self.clean(message)}" if message else "")
        permission = f"grant `{grant}` under `permissions:` of the job that publishes"
        if is_busy(status, message):
            return NetworkError(answer, tries=("run it again later",))
        if "disabled" in message.lower() or status == 410:
            return RefusedError(answer, tries=("switch issues on in the repository's settings",))
        if status == 401:
            return RightsError(answer, tries=("set $GITHUB_TOKEN to a token that is valid",))
        if status == 403:
            return RightsError(answer, tries=(permission,))
        return RefusedError(answer, tries=("check --repository and --run-id", permission) if status == 404 else ())

    def clean(self, text: str) -> str:
        """A text of the server, fit for a terminal, and without the token whatever it says."""
        return one_line(text.replace(self.token, "***"), 300)

    def insist(self, make: Callable[[], T], find: Callable[[], T | None]) -> T:
        """POST until it is there. After an answer that leaves it open we look, and make only what is missing."""
        for wait in self.waits.posts:
            try:
                return make()
            except (GithubException, OSError) as error:
                pause = self._pause(error, wait)
                if pause is None:
                    raise
                time.sleep(pause)
            made = find()
            if made is not None:
                return made
        return make()

    def _pause(self, error: GithubException | OSError, wait: float) -> float | None:
        """How long to wait after a POST that failed; None where another try is no use."""
        if not isinstance(error, GithubException):
            return wait
        asked = str((error.headers or {}).get("retry-after") or "")
        if not is_busy(error.status, message_of(error)) and not (error.status == 403 and asked):
            return None
        limited = error.status < 500
        seconds = float(asked) if asked.isdigit() else self.waits.secondary if limited else wait
        return min(seconds, self.waits.longest)


def is_busy(status: int, message: str) -> bool:
    """Whether the server is at fault, or we were too quick."""
    return status == 429 or status >= 500 or (status == 403 and "rate limit" in message.lower())


def message_of(error: GithubException) -> str:
    """What GitHub says, its single faults included."""
    data = error.data if isinstance(error.data, Mapping) else {}
    faults = data.get("errors")
    reasons = [
        str(fault.get("message") or fault.get("code") or "") if isinstance(fault, Mapping) else str(fault)
        for fault in (faults if isinstance(faults, list) else [])[:5]
    ]
    return ": ".join(filter(None, [str(data.get("message") or ""), *reasons]))
