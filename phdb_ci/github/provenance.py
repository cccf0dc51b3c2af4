"""Who built a file: GitHub's own attestation of it, verified by `gh`. A file without one is not taken."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.text import one_line
from phdb_ci.errors import ArtifactError

SECONDS = 120.0
LONGEST = 300  # characters of gh's own words


@dataclass(frozen=True)
class Builder:
    """Who must have built it: a workflow of a repository, on a branch of it."""

    repository: str
    workflow: str
    branch: str


def verify(file: Path, builder: Builder, environ: Mapping[str, str]) -> None:
    """Raises ArtifactError unless GitHub attests that this builder has made exactly these bytes."""
    program = shutil.which("gh", path=environ.get("PATH"))
    if program is None:
        raise ArtifactError("who built it cannot be verified: there is no program gh")
    argv = [
        program, "attestation", "verify", str(file), "--repo", builder.repository,
        "--signer-workflow", f"{builder.repository}/{builder.workflow}", "--source-ref", f"refs/heads/{builder.branch}",
        "--deny-self-hosted-runners",
    ]  # fmt: skip
    env = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    env |= {"GH_TOKEN": environ.get("GITHUB_TOKEN", ""), "GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            argv, env=env, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ArtifactError(f"who built it cannot be verified: gh: {type(error).__name__}") from error
    if done.returncode:
        words = one_line(done.stderr.replace(env["GH_TOKEN"] or "\0", "***"), LONGEST)
        raise ArtifactError(f"who built it is not attested: gh ends with {done.returncode}: {words or 'no words'}")
