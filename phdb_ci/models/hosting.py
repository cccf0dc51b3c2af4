"""What matrix.toml says for GitHub: pinned actions, services, this project itself, a repo's own jobs. Shapes alone."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from phdb_ci.models.base import Name, Record, Sha, Text
from phdb_ci.models.texts import Image, Probe, Repository, Setting, SettingName, Version

# To add a kind of service: its word here, the schemes of its addresses below, who starts it in SERVERS
# (execution/services), then `python -m phdb_ci.schemas`. tests/unit/test_service_kinds.py names what is missing.
ServiceKind = Literal["postgres"]
SERVICE_KINDS: Mapping[ServiceKind, tuple[str, ...]] = {"postgres": ("postgresql", "postgres")}


class Action(Record):
    """A GitHub action that the rendered workflows use, pinned by commit; `version` is the tag of that commit."""

    commit: Sha = Field(description="its full commit id", examples=["3d3c42e5aac5ba805825da76410c181273ba90b1"])
    version: Version = Field(description="the tag that names this commit", examples=["v7.0.1"])


class Home(Record):
    """This project on GitHub: what the callers in other repositories pin.

    `commit` is the last release: a file cannot name the commit that contains it.
    """

    repository: Repository = Field(description="owner and name of this project", examples=["li-langverse/phdb-ci"])
    commit: Sha = Field(description="the release callers pin", examples=["0123456789abcdef0123456789abcdef01234567"])
    aggregators: tuple[Name, ...] = Field(
        (), description="repositories that may start a gate by hand, on refs of their choice", examples=[["lic"]]
    )


class Service(Record):
    """A server that jobs talk to: on GitHub a container, by digest; elsewhere the caller's, or one of our own."""

    kind: ServiceKind = Field(description="which kind of server it is", examples=["postgres"])
    image: Image = Field(
        description="its image with tag and digest",
        examples=["postgres:16@sha256:95206741a5b214807675e14165369d05b93a9cf692223b616d07cca227e74b0b"],
    )
    port: int = Field(ge=1, le=65535, description="the port that it listens on", examples=[5432])
    env: dict[SettingName, Setting] = Field({}, description="its environment; no password has a place here")
    ready: Probe | None = Field(None, description="a command in the container: is it ready?", examples=["pg_isready"])
    variable: SettingName = Field(description="the variable that tells jobs where it is", examples=["POSTGRES_URL"])
    url: Setting = Field(
        description="what the variable holds on GitHub", examples=["postgresql://postgres@127.0.0.1:5432/bench"]
    )


class OwnJob(Record):
    """A job of a repo's own CI that no gate runs: listed, so that nobody takes it for covered."""

    job: Text = Field(description="workflow and job", examples=["CI → merge-gate"])
    on: Text = Field(description="what starts it", examples=["pull request"])
    shows: Text = Field(description="what it shows", examples=["meta merge gate"])
    gap: Text = Field(description="what it leaves open", examples=["does not run engine e2e"])


WEEKLY = "43 4 * * 1"  # when what is published is built anew, in UTC
CANCELLED = "cancelled"  # the id of the job that runs only in a run that was cancelled


def job_id(name: str, os: str) -> str:
    """The id of a leg's or build's job: GitHub allows letters, digits, `_` and `-` there."""
    return f"{'' if name[0].isalpha() else '_'}{name}__{os.replace('.', '_')}"


def attempt_name(name: str, attempt: object) -> str:
    """The name of an artifact that one attempt of a run keeps. GitHub gives a name once more in the next attempt.

    `@` is legal there, and an OS's name holds dots, so that what stands behind the last `@` is the attempt.
    """
    return f"{name}@{attempt}"


def published_name(artifact: str, key: str) -> str:
    """The name under which an artifact's own workflow publishes it: other runs look for it by its key."""
    return f"{artifact}-{key}"
