"""Every error that a user can be expected to meet: what failed, why, what to try, and the exit code.

Anything that is not one of these is a bug of phdb-ci and is reported as one (see cli.py). Exit codes are
those of the interface: 2 usage or matrix, 3 this machine cannot do it, 130 interrupted; 0 and 1 belong to
verdicts.
"""

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What the process returns; one meaning per number."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


class PhdbError(Exception):
    """Base of all expected errors.

    Attributes:
        exit_code: what the process returns.
        tries: things to try, one line each.
    """

    exit_code: Exit = Exit.USAGE

    def __init__(self, message: str, *, tries: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.tries = tuple(tries)

    def render(self) -> str:
        """The message as a user sees it, the things to try below it."""
        if not self.tries:
            return f"error: {self.message}"
        return "\n".join([f"error: {self.message}", "Things to try:", *(f"  - {line}" for line in self.tries)])


class UsageError(PhdbError):
    """The command line asks for something that does not exist or contradicts itself."""


class MatrixError(PhdbError):
    """matrix.toml cannot be used; the message holds every fault, located."""


class SourceError(PhdbError):
    """A repository, ref or commit that was asked for does not exist."""


class ConflictError(SourceError):
    """Two commits that are to be tested together do not merge."""


class ArtifactError(PhdbError):
    """An artifact file that was handed in is not what its manifest says."""


class OtherReleaseError(ArtifactError):
    """An artifact was built by another release of phdb-ci, whose keys are made in another way: sound, and not used."""


class ResultsError(PhdbError):
    """A results directory or verdict file cannot be read as what it claims to be."""


class NetworkError(PhdbError):
    """A remote could not be reached; the message names the URL."""

    exit_code = Exit.INCOMPLETE


class RightsError(PhdbError):
    """The token is missing a permission; the message names what to grant."""

    exit_code = Exit.INCOMPLETE


class RefusedError(PhdbError):
    """GitHub does not have what was asked for, or does not take what was sent."""

    exit_code = Exit.INCOMPLETE


class ToolError(PhdbError):
    """A program that the run needs is missing or does not work on this machine."""

    exit_code = Exit.INCOMPLETE


class DiskError(PhdbError):
    """The cache or the run directory cannot be written."""

    exit_code = Exit.INCOMPLETE


class Interrupted(PhdbError):  # noqa: N818 - the word users know
    """Ctrl-C or SIGTERM before there was anything to give a verdict on."""

    exit_code = Exit.INTERRUPTED
