"""A stateful stand-in of GitHub: its state, and what it answers. server.py puts it on a port.

Every body is one of the examples in GitHub's own description with the facts of the test put in, so that shapes are
GitHub's. It keeps no rules of phdb-ci: it does what it is told, as GitHub does.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.builders import HEAD
from tests.integration.github.contract import example

OWN, OWNER = "acme/lis", "acme"
BOT, PERSON = "github-actions[bot]", "octocat"
GATE = ".github/workflows/phdb-gate.yml"
DOCS = "https://docs.github.com/rest"
TOO_LONG = {"message": "Validation Failed", "documentation_url": DOCS, "errors": [
    {"resource": "IssueComment", "code": "custom", "field": "body",
     "message": "body is too long (maximum is 65536 characters)"},
]}  # fmt: skip
NOT_FOUND = {"message": "Not Found", "documentation_url": DOCS}


@dataclass(frozen=True)
class Answer:
    """What goes back: a JSON body, or bytes, or a redirect."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    documented: bool = True


@dataclass
class Fault:
    """Something that goes wrong at the next request that fits: an answer instead of the real one, or after it.

    `effect`: the request takes effect all the same. `act` is called before anything else. Without a status
    nothing goes wrong: `act` alone happens. `drop` closes the connection without an answer.
    """

    method: str
    path: str
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    effect: bool = False
    drop: bool = False
    act: Callable[[], object] | None = None
    times: int = 1


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Fake:
    """The state of one repository on GitHub."""

    def __init__(self) -> None:
        self.base = ""  # the API's own address; known when the server stands
        self.blobs = ""  # the address of the blob store
        self.pulls: list[dict[str, Any]] = []
        self.runs: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[int, str]] = {}
        self.artifacts: dict[int, tuple[int, dict[str, Any], bytes]] = {}
        self.comments: list[dict[str, Any]] = []
        self.statuses: list[tuple[str, dict[str, Any]]] = []
        self.login = BOT
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.blob_requests: list[dict[str, str]] = []
        self.longest = 65_536
        self.cut_short = False  # the blob store breaks off in the middle, once
        self._last = 100

    # The state

    def number(self) -> int:
        self._last += 1
        return self._last

    def add_pull(
        self, number: int = 17, sha: str = HEAD, branch: str = "topic", home: str | None = OWN,
        base: str = "main", login: str = PERSON, base_repo: str = OWN,
    ) -> dict[str, Any]:  # fmt: skip
        """An open pull request; `home` is the repository of its branch, None for one that was deleted."""
        pull: dict[str, Any] = example("pull-request-simple-items")[0]
        pull |= {
            "id": self.number(), "number": number, "issue_url": f"{self.base}/repos/{OWN}/issues/{number}",
            "url": f"{self.base}/repos/{OWN}/pulls/{number}", "user": user(login),
            "requested_teams": [],  # the description's own example of a team is not whole
        }  # fmt: skip
        pull["head"] |= {"sha": sha, "ref": branch, "label": f"{(home or 'unknown').partition('/')[0]}:{branch}"}
        pull["head"]["repo"] = repo(pull["head"]["repo"], home) if home else None
        pull["base"] |= {"ref": base, "repo": repo(pull["base"]["repo"], base_repo)}
        self.pulls.append(pull)
        return pull

    def add_run(
        self, run_id: int = 4242, number: int = 318, attempt: int = 1, *, status: str = "completed",
        conclusion: str | None = "success", event: str = "pull_request", sha: str = HEAD,
        branch: str = "topic", home: str = OWN, path: str = GATE,
    ) -> dict[str, Any]:  # fmt: skip
        """A run of a workflow; the same id again is its next attempt."""
        run: dict[str, Any] = example("workflow-run")
        run |= {
            "id": run_id, "run_number": number, "run_attempt": attempt, "status": status,
            "conclusion": conclusion if status == "completed" else None, "event": event, "head_sha": sha,
            "head_branch": branch, "path": path, "url": f"{self.base}/repos/{OWN}/actions/runs/{run_id}",
            "pull_requests": [],  # as it is for forks
        }  # fmt: skip
        run["head_repository"] = repo(run["head_repository"], home)
        run["repository"] = repo(run["repository"], OWN)
        self.runs[run_id] = run
        return run

    def add_jobs(self, run: int, *names: str) -> dict[str, int]:
        ids = {name: self.number() for name in names}
        self.jobs.setdefault(run, {}).update({number: name for name, number in ids.items()})
        return ids

    def add_artifact(
        self, run: int, data: bytes, name: str = "verdict@1", *, expired: bool = False, said: int | None = None
    ) -> int:
        """What a run kept; `said` is the size that the list gives it."""
        one, number = example("artifact-paginated")["artifacts"][0], self.number()
        one |= {
            "id": number, "name": name, "expired": expired,
            "size_in_bytes": len(data) if said is None else said,
        }  # fmt: skip
        self.artifacts[number] = (run, one, data)
        return number

    def add_comment(self, body: str, login: str = BOT, number: int = 17) -> dict[str, Any]:
        one: dict[str, Any] = example("issue-comment")
        made = self.number()
        one |= {
            "id": made, "body": body, "user": user(login),
            "url": f"{self.base}/repos/{OWN}/issues/comments/{made}",
            "issue_url": f"{self.base}/repos/{OWN}/issues/{number}",
        }  # fmt: skip
        self.comments.append(one)
        return one

    def bodies(self, login: str = BOT) -> list[str]:
        """The comments of somebody, the oldest first."""
        return [one["body"] for one in self.comments if one["user"]["login"] == login]

    def writes(self) -> list[str]:
        """Every request that was to change something."""
        return [
            f"{one.method} {one.path.removeprefix(f'/repos/{OWN}/')}" for one in self.requests if one.method != "GET"
        ]

    # What it answers

    def answer(self, request: Request) -> Answer:
        for pattern, method, name in ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                answer = getattr(self, f"_{name}")(request, *match.groups())
                assert isinstance(answer, Answer)
                return answer
        return Answer(404, NOT_FOUND, documented=False)

    def _user(self, _request: Request) -> Answer:
        one = example("private-user-response-with-public-profile-information")
        return Answer(200, one | {"login": self.login, "user_view_type": "public"})

    def _run(self, _request: Request, number: str) -> Answer:
        run = self.runs.get(int(number))
        return Answer(200, run) if run else Answer(404, NOT_FOUND, documented=False)

    def _workflow_runs(self, request: Request, workflow: str) -> Answer:
        wanted = request.query
        found = [
            run
            for run in self.runs.values()
            if run["path"].partition("@")[0].endswith(f"/{workflow}")
            and wanted.get("event", run["event"]) == run["event"]
            and wanted.get("head_sha", run["head_sha"]) == run["head_sha"]
            and wanted.get("branch", run["head_branch"]) == run["head_branch"]
            and wanted.get("status") in (None, run["status"], run["conclusion"])
        ]
        return self._listed(request, sorted(found, key=lambda one: -one["id"]), "workflow_runs")

    def _jobs(self, request: Request, run: str, _attempt: str) -> Answer:
        plain = example("job-paginated")["jobs"][0]
        found = [
            plain | {"id": number, "name": name, "run_id": int(run), "created_at": plain["started_at"]}
            for number, name in self.jobs.get(int(run), {}).items()
        ]
        return self._listed(request, found, "jobs")

    def _artifacts(self, request: Request, run: str) -> Answer:
        name = request.query.get("name")
        found = [one for of, one, _ in self.artifacts.values() if of == int(run) and name in (None, one["name"])]
        return self._listed(request, found, "artifacts")

    def _all_artifacts(self, request: Request) -> Answer:
        found = []
        for of, one, _ in self.artifacts.values():
            if request.query.get("name") in (None, one["name"]):
                run = self.runs[of]
                told = {"id": of, "head_branch": run["head_branch"], "head_sha": run["head_sha"]}
                found.append(one | {"workflow_run": one["workflow_run"] | told})
        return self._listed(request, found, "artifacts")

    def _archive(self, _request: Request, number: str) -> Answer:
        found = self.artifacts.get(int(number))
        if found is None:
            return Answer(404, NOT_FOUND, documented=False)
        if found[1]["expired"]:
            return Answer(410, {"message": "Artifact has expired"})
        return Answer(302, None, {"Location": f"{self.blobs}/blob/{number}?sig=signed"})

    def _pulls(self, request: Request) -> Answer:
        owner, _, branch = request.query.get("head", "").partition(":")
        found = [
            pull for pull in self.pulls if not branch or pull["head"]["label"].lower() == f"{owner}:{branch}".lower()
        ]
        return self._listed(request, found)

    def _comments(self, request: Request, number: str) -> Answer:
        found = [one for one in self.comments if one["issue_url"].endswith(f"/{number}")]
        return self._listed(request, found)

    def _create(self, request: Request, number: str) -> Answer:
        body = (request.body or {}).get("body")
        if not isinstance(body, str) or len(body) > self.longest:
            return Answer(422, TOO_LONG)
        return Answer(201, self.add_comment(body, self.login, int(number)))

    def _edit(self, request: Request, number: str) -> Answer:
        body = (request.body or {}).get("body")
        found = [one for one in self.comments if one["id"] == int(number)]
        if not found:
            return Answer(404, NOT_FOUND, documented=False)
        if not isinstance(body, str) or len(body) > self.longest:
            return Answer(422, TOO_LONG)
        found[0]["body"] = body
        return Answer(200, found[0])

    def _delete(self, _request: Request, number: str) -> Answer:
        found = [one for one in self.comments if one["id"] == int(number)]
        if not found:
            return Answer(404, NOT_FOUND, documented=False)
        self.comments.remove(found[0])
        return Answer(204)

    def _statuses(self, request: Request, sha: str) -> Answer:
        return self._listed(request, [one for of, one in reversed(self.statuses) if of == sha])

    def _status(self, request: Request, sha: str) -> Answer:
        one = example("status") | {"id": self.number(), **(request.body or {})}
        self.statuses.append((sha, one))
        return Answer(201, one)

    def _listed(self, request: Request, found: list[Any], item: str | None = None) -> Answer:
        """One page, and links to the others as GitHub gives them."""
        size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
        part = found[size * (page - 1) : size * page]
        headers = {}
        if size * page < len(found):
            query = "&".join(f"{name}={value}" for name, value in (request.query | {"page": str(page + 1)}).items())
            headers["Link"] = f'<{self.base}{request.path}?{query}>; rel="next"'
        return Answer(200, {"total_count": len(found), item: part} if item else part, headers)


def user(login: str) -> dict[str, Any]:
    """A user, or a bot by its name."""
    one: dict[str, Any] = example("issue-comment")["user"]
    return one | {"login": login, "type": "Bot" if login.endswith("[bot]") else "User"}


def repo(plain: dict[str, Any], name: str) -> dict[str, Any]:
    """A repository under another name."""
    owner, _, short = name.partition("/")
    return plain | {"full_name": name, "name": short, "owner": plain["owner"] | {"login": owner}}


def to_json(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


_REPO = rf"/repos/{OWN}"
ROUTES = (
    ("/user", "GET", "user"),
    (rf"{_REPO}/actions/runs/(\d+)", "GET", "run"),
    (rf"{_REPO}/actions/runs/(\d+)/artifacts", "GET", "artifacts"),
    (rf"{_REPO}/actions/runs/(\d+)/attempts/(\d+)/jobs", "GET", "jobs"),
    (rf"{_REPO}/actions/workflows/([^/]+)/runs", "GET", "workflow_runs"),
    (rf"{_REPO}/actions/artifacts", "GET", "all_artifacts"),
    (rf"{_REPO}/actions/artifacts/(\d+)/zip", "GET", "archive"),
    (rf"{_REPO}/commits/([0-9a-f]+)/statuses", "GET", "statuses"),
    (rf"{_REPO}/statuses/([0-9a-f]+)", "POST", "status"),
    (rf"{_REPO}/pulls", "GET", "pulls"),
    (rf"{_REPO}/issues/(\d+)/comments", "GET", "comments"),
    (rf"{_REPO}/issues/(\d+)/comments", "POST", "create"),
    (rf"{_REPO}/issues/comments/(\d+)", "PATCH", "edit"),
    (rf"{_REPO}/issues/comments/(\d+)", "DELETE", "delete"),
)
