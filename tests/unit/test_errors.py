"""Every expected error: one exit code each, and what to try."""

import inspect

import pytest

from phdb_ci import errors
from phdb_ci.errors import Exit, PhdbError

# The interface: 2 usage or matrix, 3 this machine cannot, 130 interrupted; 0 and 1 belong to verdicts.
CODES = {
    "UsageError": 2,
    "MatrixError": 2,
    "SourceError": 2,
    "ConflictError": 2,
    "ArtifactError": 2,
    "OtherReleaseError": 2,
    "ResultsError": 2,
    "NetworkError": 3,
    "RightsError": 3,
    "RefusedError": 3,
    "ToolError": 3,
    "DiskError": 3,
    "Interrupted": 130,
}
CLASSES = {
    name: one
    for name, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, PhdbError) and one is not PhdbError
}


def test_every_error_has_the_exit_code_of_the_interface() -> None:
    assert {name: int(error.exit_code) for name, error in CLASSES.items()} == CODES


def test_no_error_has_the_exit_code_of_a_verdict() -> None:
    every: list[type[PhdbError]] = [*CLASSES.values(), PhdbError]
    assert not {one.exit_code for one in every} & {Exit.PASS, Exit.FAIL}


def test_each_exit_code_has_one_meaning() -> None:
    assert {name: int(code) for name, code in Exit.__members__.items()} == {
        "PASS": 0,
        "FAIL": 1,
        "USAGE": 2,
        "INCOMPLETE": 3,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("one", CLASSES.values(), ids=CLASSES)
def test_error_shows_what_happened_and_what_to_try(one: type[PhdbError]) -> None:
    error = one("it broke", tries=(line for line in ("this", "that")))
    assert error.render() == "error: it broke\nThings to try:\n  - this\n  - that"
    assert one("it broke").render() == "error: it broke"
    assert str(error) == error.message == "it broke"


@pytest.mark.parametrize("one", CLASSES.values(), ids=CLASSES)
def test_error_says_what_it_is_for(one: type[PhdbError]) -> None:
    assert one.__doc__
    assert one.__doc__ != PhdbError.__doc__
