"""What a plain CI says of a run that phdb-ci has judged: the exit codes of its commands, the cases of its reports."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import ParseError

from phdb_ci.models.results import Command

Sign = Literal["green", "red", "-"]


def exit_sign(commands: Iterable[Command]) -> Sign:
    """Green when every command that ran exited 0; `-` when no run command did run."""
    kept = tuple(commands)
    if any(command.exit_code != 0 for command in kept):
        return "red"
    return "green" if any(command.phase == "run" for command in kept) else "-"


def junit_sign(folder: Path) -> Sign:
    """Green when no case of a folder's reports failed, as junitparser reads them; `-` when there is no report."""
    signs = [_report_sign(path) for path in sorted(folder.glob("*.xml"))]
    if not signs:
        return "-"
    return "red" if "red" in signs else "green"


def _report_sign(path: Path) -> Sign:
    from junitparser import JUnitXmlError

    try:
        return "red" if any(_bad_cases(path)) else "green"
    except (ParseError, JUnitXmlError, ValueError, AttributeError, TypeError):
        return "red"  # a plugin that cannot read its report says so


def _bad_cases(path: Path) -> Iterator[object]:
    from junitparser import Error, Failure, JUnitXml, TestSuite

    root = JUnitXml.fromfile(str(path))
    for suite in [root] if isinstance(root, TestSuite) else root:
        for case in suite:
            yield from (result for result in case.result if isinstance(result, Failure | Error))
