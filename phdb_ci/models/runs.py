"""What a runner of tests told the harness itself: one record per run, whatever the job printed or reported."""

from typing import Literal

from phdb_ci.models.base import Record

Runner = Literal["pytest", "node"]
NAMED = 20  # tests that a record names; all are counted


class Run(Record):
    """One run of a runner, from its start to its end; of a job, not of one of its tests.

    Attributes:
        command: what the runner was started with, one line.
        ended: whether it came to its own end; a test may have ended the process.
        exit_code: None where the runner did not tell.
        report: where its report went: `asked` for the harness's own file, else the file's name; None for no report.
        passed: tests that ran and passed; `executed` and `failed` likewise.
        failing: the first of those that failed, each with its message.
        left_out: the first of the tests that this run collected and no run of the job executed; named skips are not
            among them.
        stopped: why the runner stopped before its end; cut_off: which test ended the process of its file.
        cannot_fail: what the runner saw of tests that cannot fail.
        not_collected: what looks like a test and is none to the runner.
        partly: tests that passed and had a part that was skipped; a report shows them as skipped.
        comparable: whether its report must show just as many passed tests.
        empty_files: files that were run as tests and hold none.
        subtests_skipped: parts of tests that were skipped.
    """

    runner: Runner
    command: str
    ended: bool = True
    exit_code: int | None = None
    report: str | None = None
    executed: int = 0
    passed: int = 0
    failed: int = 0
    failing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    left_out_count: int = 0
    cannot_fail: tuple[str, ...] = ()
    not_collected: tuple[str, ...] = ()
    stopped: str | None = None
    cut_off: str | None = None
    subtests_skipped: int = 0
    partly: tuple[str, ...] = ()
    comparable: bool = False
    empty_files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
