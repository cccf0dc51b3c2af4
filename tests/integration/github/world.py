"""A scenario: a GitHub, and the second stage run against it through the command's own entry."""

import io
import zipfile
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phdb_ci.commands import publish
from phdb_ci.errors import PhdbError
from phdb_ci.github.client import Waits
from phdb_ci.models.posting import CONTEXT, REGRESSIONS
from phdb_ci.models.verdict import Verdict
from phdb_ci.rendering.comment.marker import PREFIX
from tests.builders import case, leg, suite, verdict
from tests.helpers import job, matrix
from tests.integration.github.fake import BOT, OWN, Fake

TOKEN = "ghs_" + "t" * 36
QUICK = Waits(requests=0, writes=0, secondary=0.2, longest=1.0, backoff=0.01, posts=(0.01, 0.02, 0.03), timeout=5)


@dataclass(frozen=True)
class Ran:
    """How the second stage ended."""

    code: int
    out: str
    error: PhdbError | None = None

    @property
    def told(self) -> str:
        """All that a user saw."""
        return self.out + (self.error.render() if self.error else "")


class World:
    """A fake, and `phdb-ci publish` against it."""

    def __init__(self, fake: Fake, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake, self._capture, self._monkeypatch = fake, capture, monkeypatch
        self.token = TOKEN
        self.table = matrix({"smoke": job(), "e2e-engine": job()})
        monkeypatch.setattr("phdb_ci.commands.publish.load", lambda _: self.table)
        for name in ("GITHUB_STEP_SUMMARY", "GITHUB_SERVER_URL"):
            monkeypatch.delenv(name, raising=False)

    def gate(self, run_id: int = 4242, made: Verdict | None = None, **fields: Any) -> Verdict:
        """A run of the gate that is over, with its verdict; by default a pass."""
        if made is not None:
            self.table = matrix({one.result.job: job() for one in made.legs} | {one.job: job() for one in made.missing})
        number, attempt = fields.get("number", 318), fields.get("attempt", 1)
        if made is None:
            made = passing(run_id=str(run_id), attempt=attempt, **({"head": fields["sha"]} if "sha" in fields else {}))
        ends = {"pass": "success"}.get(made.outcome, "failure")
        self.fake.add_run(run_id, number, **{"conclusion": ends, **{k: v for k, v in fields.items() if k != "number"}})
        self.fake.add_jobs(run_id, *(f"gate / {one.result.leg}" for one in made.legs), "gate / verdict")
        self.fake.add_artifact(run_id, zipped(made), f"verdict@{made.attempt}")
        return made

    def publish(self, run: int | None = 4242, **options: Any) -> Ran:
        """`phdb-ci publish --run-id RUN`; the token is in nothing that it says."""
        told = {
            "verdict": None, "dry_run": False, "repository": OWN, "run_id": run, "workflow": None,
            "author": None, "json": False, "matrix": Path("matrix.toml"),
        }  # fmt: skip
        self._monkeypatch.setenv("GITHUB_API_URL", self.fake.base)
        self._monkeypatch.setenv("GITHUB_TOKEN", self.token)
        error = None
        try:
            code = publish.main(Namespace(**told | options), QUICK)
        except PhdbError as raised:
            error, code = raised, int(raised.exit_code)
        seen = self._capture.readouterr()
        ran = Ran(code, seen.out + seen.err, error)
        assert self.token not in ran.told
        return ran

    def sticky(self, login: str = BOT) -> list[str]:
        """The comments that bear our marker and are of this author."""
        return [body for body in self.fake.bodies(login) if body.startswith(PREFIX)]

    @property
    def states(self) -> list[str]:
        """Every commit status of a verdict, the oldest first."""
        return [one["state"] for _, one in self.fake.statuses if one["context"] == CONTEXT]

    @property
    def compared(self) -> list[str]:
        """Every second status, that of what is worse than on the base, the oldest first."""
        return [one["state"] for _, one in self.fake.statuses if one["context"] == REGRESSIONS]


def passing(**fields: Any) -> Verdict:
    """A verdict that passed."""
    return verdict(leg("smoke"), leg("e2e-engine", calls=4), **fields)


def failing(**fields: Any) -> Verdict:
    """A verdict that failed."""
    bad = suite(case("test_join", "failed", message="expected 3 rows, got 2"), passed=3)
    return verdict(leg("smoke"), leg("e2e-engine", "failed", bad), **fields)


def zipped(made: Verdict | bytes | str, name: str = "verdict.json", change: Callable[..., None] | None = None) -> bytes:
    """A verdict as a run keeps it."""
    raw = made.model_dump_json().encode() if isinstance(made, Verdict) else made
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
        if change:
            change(archive)
    return packed.getvalue()
