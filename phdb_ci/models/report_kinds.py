"""The kinds of report, each said once: how the harness obtains it, and what follows from that everywhere.

A new kind is a name in ReportKind, its entry here, and its reader in `phdb_ci/reports/reader.py`; a test and mypy name
whichever is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ReportKind = Literal["pytest", "node", "lines", "junit", "exit"]


@dataclass(frozen=True)
class KindOfReport:
    """How the harness obtains the reports of one kind.

    Attributes:
        words: what it is, for people who write a matrix.
        place: where it is: a file that the harness asks the runner for (`asked`), a file that the job writes at the
            row's own `path` (`path`), or the output of the run commands (`log`).
        env: variables that ask the runner for the file. `{file}` is its path, `{folder}` a folder for what the runner
            keeps between runs, `{reporter}` the address of the harness's own reporter; each quoted. `asked` alone.
        cases: whether it has cases; without them the exit code is all there is.
    """

    words: str
    place: Literal["asked", "path", "log"]
    env: Mapping[str, str] = field(default_factory=dict)
    cases: bool = True

    @property
    def once(self) -> bool:
        """Whether a job has at most one of them: the cases of two could not be told apart."""
        return self.cases and self.place != "path"


REPORT_KINDS: Mapping[ReportKind, KindOfReport] = {
    "pytest": KindOfReport(
        words="JUnit, asked for through pytest's own environment variable",
        place="asked", env={"PYTEST_ADDOPTS": "--junitxml={file} -o cache_dir={folder}"},
    ),
    "node": KindOfReport(
        words="JUnit, asked for through node's own environment variable",
        place="asked",
        env={
            "NODE_OPTIONS": "--test-reporter=spec --test-reporter-destination=stdout"
            " --test-reporter=junit --test-reporter-destination={file}"
            " --test-reporter={reporter} --test-reporter-destination=stderr"
        },
    ),
    "lines": KindOfReport(
        words="the `PASS|SKIP|FAIL name` lines of the job's output, and those of other `words`", place="log"
    ),
    "junit": KindOfReport(words="JUnit that the job writes by itself at `path`", place="path"),
    "exit": KindOfReport(words="the exit code alone, without test cases", place="log", cases=False),
}  # fmt: skip


def report_env(kind: ReportKind, places: Mapping[str, str]) -> dict[str, str]:
    """The variables that ask a runner to write its report; `places` are the values of `{file}` and the others.

    In double quotes, as every shell-like reader of such a variable takes them (pytest and node do).
    """
    env = dict(REPORT_KINDS[kind].env)
    for name, place in places.items():
        quoted = '"' + place.replace("\\", "\\\\").replace('"', '\\"') + '"'
        env = {variable: value.replace(f"{{{name}}}", quoted) for variable, value in env.items()}
    return env
