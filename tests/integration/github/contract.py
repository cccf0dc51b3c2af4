"""GitHub's own description of its API, cut to what is used, as a judge over every request and every answer."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.integration.github.downloads import description

API = "https://api.github.com"
REPO = "/repos/{owner}/{repo}"
USED = {
    "/user": ("get",),
    REPO: ("get",),
    f"{REPO}/actions/runs/{{run_id}}": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/artifacts": ("get",),
    f"{REPO}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs": ("get",),
    f"{REPO}/actions/artifacts": ("get",),
    f"{REPO}/actions/workflows/{{workflow_id}}": ("get",),
    f"{REPO}/actions/workflows/{{workflow_id}}/runs": ("get",),
    f"{REPO}/actions/artifacts/{{artifact_id}}/{{archive_format}}": ("get",),
    f"{REPO}/commits/{{ref}}": ("get",),
    f"{REPO}/commits/{{ref}}/statuses": ("get",),
    f"{REPO}/statuses/{{sha}}": ("post",),
    f"{REPO}/pulls": ("get",),
    f"{REPO}/pulls/{{pull_number}}": ("get",),
    f"{REPO}/issues/{{issue_number}}/comments": ("get", "post"),
    f"{REPO}/issues/comments/{{comment_id}}": ("get", "patch", "delete"),
}
KEY = hashlib.sha256(json.dumps(USED, sort_keys=True).encode()).hexdigest()[:12]


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The used operations with all that they refer to."""
    paths = {
        path: {name: one for name, one in whole["paths"][path].items() if name in (*methods, "parameters")}
        for path, methods in USED.items()
    }
    components: dict[str, dict[str, Any]] = {}
    todo = list(_refs(paths))
    while todo:
        _, _, kind, name = todo.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = whole["components"][kind][name]
            todo += _refs(components[kind][name])
    kept = {name: whole[name] for name in ("openapi", "info")}
    return {**kept, "servers": [{"url": API}], "paths": paths, "components": components}


def _refs(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for one in part.values():
            yield from _refs(one)
    elif isinstance(part, list):
        for one in part:
            yield from _refs(one)


@cache
def github() -> dict[str, Any]:
    """The cut, from the cache of downloads."""
    return description(cut, KEY)


def example(name: str) -> Any:
    """One of the description's own examples: a fresh copy each time."""
    return json.loads(json.dumps(github()["components"]["examples"][name]["value"]))


@cache
def loaded() -> OpenAPI:
    """The description, ready to judge; once for each worker."""
    return OpenAPI.from_dict(github())


class Contract:
    """The judge. It collects every breach, so that a test can say at its end that there was none."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self.checked = 0
        self._api = loaded()
        self._lock = threading.Lock()

    def check(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes,
        status: int, answer: bytes, *, answered: bool = True,
    ) -> None:  # fmt: skip
        """Judge a request, and its answer where it is one that GitHub documents."""
        request = MockRequest(API, method.lower(), path, args=dict(query), headers=dict(headers), data=body or None)
        response = MockResponse(answer, status, {"Content-Type": "application/json"}, "application/json")
        with self._lock:
            self.checked += 1
            try:
                self._api.validate_request(request)
                if answered:
                    self._api.validate_response(request, response)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a breach
                cause = getattr(error, "__cause__", None)
                told = "; ".join(
                    f"{list(one.absolute_path)}: {one.message[:200]}" for one in getattr(cause, "schema_errors", ())
                )
                self.breaches.append(f"{method} {path} → {status}: {type(error).__name__} {told}")
