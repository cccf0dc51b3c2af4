"""Read matrix.toml, check it, and give the Matrix or one MatrixError that holds every problem."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from phdb_ci.errors import MatrixError, UsageError
from phdb_ci.matrix import names, placeholder_rules, rules
from phdb_ci.matrix.locate import Scanner
from phdb_ci.matrix.problems import Problem, described, key_text, quoted_line, report
from phdb_ci.matrix.table import Table
from phdb_ci.models.matrix import Matrix

RULES = (
    names.unknown, names.inputs, names.artifacts, names.circles, names.builds, names.faults, names.gates,
    names.collisions, names.outputs, names.lists,
    rules.overrides, rules.environment, rules.reports, rules.excuses, rules.versions, rules.exit_alone, rules.skips,
    rules.schedules, rules.services, rules.figures, rules.quarantine,
    placeholder_rules.in_builds, placeholder_rules.in_faults, placeholder_rules.in_jobs,
)  # fmt: skip
LIMIT = 1024 * 1024
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def load(path: Path) -> Matrix:
    """The Matrix of a file. Raises UsageError when it cannot be read, MatrixError when it is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        tries = ["run phdb-ci in the folder that holds matrix.toml, or below it", "or name the file: --matrix FILE"]
        raise UsageError(f"there is no file {path}", tries=tries) from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory", tries=[f"--matrix {path / 'matrix.toml'}"]) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}") from error
    if len(data) > LIMIT:
        raise MatrixError(f"{path} is larger than 1 MiB; a matrix never is")
    return parse(_decoded(data, str(path)), str(path))


def parse(text: str, name: str) -> Matrix:
    """The Matrix that text describes; messages call it `name`. Raises MatrixError with every problem."""
    text = text.replace("\r\n", "\n")
    try:
        document = _document(text, name)
        matrix, problems = _checked(document)
        if matrix is not None and not problems:
            return matrix
        raise MatrixError(report(problems, document, text, name))
    except RecursionError:
        raise MatrixError(f"{name}: its tables and lists are nested too deep") from None


def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    from phdb_ci.models.schema import toml_schema

    return toml_schema(Matrix)


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        quote = quoted_line(data.decode(errors="replace"), line)
        raise MatrixError(f"{name}:{line}: byte {data[error.start]:#04x} is not UTF-8.\n{quote}") from None
    if text.startswith("\ufeff"):
        raise MatrixError(f"{name}:1: the file starts with a byte order mark; save it as UTF-8 without one.")
    return text


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column, problem = _syntax_error(str(error), text)
        message = f"{name}:{line}: this is not TOML: {problem}.\n{quoted_line(text, line, column)}"
        raise MatrixError(message) from None
    except ValueError:  # Python's own limit on the digits of a number, which tomllib passes on
        raise MatrixError(f"{name}: a number has thousands of digits") from None


def _syntax_error(message: str, text: str) -> tuple[int, int | None, str]:
    """Line, column and problem of tomllib's message; it has no fields for them before Python 3.14."""
    place = _PLACE.search(message)
    problem = _PLACE.sub("", message)
    line, column = text.rstrip().count("\n") + 1, None
    if place is not None and place[1] is not None:
        line, column = int(place[1]), int(place[2]) - 1
    return line, column, _plainly(problem[:1].lower() + problem[1:], text, line)


def _plainly(problem: str, text: str, line: int) -> str:
    """The problem with its key as TOML has it, where tomllib shows Python's; of a second table, where the first is."""
    if problem == "cannot overwrite a value":
        return "this key has a value already"
    shown = problem[problem.find("(") : problem.rfind(")") + 1]
    try:
        path = ast.literal_eval(shown)
    except (ValueError, SyntaxError):
        return problem
    if not isinstance(path, tuple):
        return problem
    key = ".".join(map(key_text, path))
    if problem != f"cannot declare {shown} twice":
        return problem.replace(shown, key)
    above = "".join(f"{line_above}\n" for line_above in text.split("\n")[: line - 1])
    first = above.count("\n", 0, Scanner(above).offset_of(path)) + 1
    return f"the table [{key}] stands twice; the first is on line {first}"


def _checked(document: dict[str, Any]) -> tuple[Matrix | None, list[Problem]]:
    """The Matrix, and every problem; of a value that has the wrong shape already, the rules say nothing."""
    from pydantic import ValidationError

    version = document.get("schema", 1)
    if type(version) is not int or version != 1:
        # Another format: nothing else that we could say about it would be true.
        return None, [Problem(("schema",), f"this file says schema = {described(version)}; this phdb-ci reads 1")]
    problems = [problem for rule in RULES for problem in rule(Table((), document))]
    try:
        # strict: "4" is no number and "no" is no false. Strict tuples must be tuples.
        return Matrix.model_validate(_tuples(document), strict=True, by_alias=True, by_name=False), problems
    except ValidationError as error:
        from phdb_ci.matrix.shapes import shape_problems

        from_shapes = shape_problems(error, schema())
        paths = {problem.path for problem in from_shapes}
        return None, from_shapes + [problem for problem in problems if problem.path not in paths]


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
