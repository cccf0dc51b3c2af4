"""The records that runners leave of themselves → Runs. They are a job's word: bounded, checked, never believed more.

A test that one run left out and another run of the job executed was not left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from phdb_ci.base.files import open_regular
from phdb_ci.base.strict_json import parse
from phdb_ci.base.text import counted
from phdb_ci.models.matrix import Report
from phdb_ci.models.results import Suite
from phdb_ci.models.runs import NAMED, Run, Runner
from phdb_ci.reports.tally import Patterns
from phdb_ci.reports.text import message_line, name_line

MAX_BYTES = 16 * 1024 * 1024  # of one record
MAX_FILES = 2_000

# What a runner saw that tells of a test: the start of its words, and what it means.
CANNOT_FAIL = (
    "AssertionsOff: ", "AssertionInThread: ", "PytestReturnNotNoneWarning ", "PytestUnhandledThreadExceptionWarning ",
    "PytestUnraisableExceptionWarning ", "PytestUnhandledCoroutineWarning ",
    "PytestAssertRewriteWarning assertion is always true", "SyntaxWarning assertion is always true",
)  # fmt: skip
NEVER_AWAITED = ("RuntimeWarning coroutine ", "was never awaited")
NOT_COLLECTED = ("PytestCollectionWarning ",)

Short = Annotated[str, Field(max_length=2_000)]
Count = Annotated[int, Field(ge=0, le=10**9)]


class _Told(BaseModel):
    """A part of a record; keys of another release are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Names(_Told):
    """Names with messages: `count` of them, the first ones kept."""

    count: Count = 0
    names: Annotated[tuple[tuple[Short, Short], ...], Field(max_length=2_000)] = ()


class Start(_Told):
    """The first line of a record."""

    runner: Runner
    name: Short = ""
    args: Annotated[tuple[Short, ...], Field(max_length=50)] = ()
    worker_of: Short | None = None


class Events(_Told):
    """What node says in public of the tests of a run."""

    failed: Count = 0
    failing: Annotated[tuple[tuple[Short, Short], ...], Field(max_length=20)] = ()


class End(_Told):
    """The last line of a record."""

    exit: int | None = None
    session: bool = True
    root: Short = ""
    report: Short | None = None
    stopped: Short | None = None
    unwarned: bool = False
    subtests: dict[str, Count] = Field(default_factory=dict, max_length=10)
    executed: Names = Names()
    passed: Names = Names()
    failed: Names = Names()
    skipped: Names = Names()
    hidden: Names = Names()
    rerun: Names = Names()
    deselected: Names = Names()
    dropped: Names = Names()
    ignored: Names = Names()
    partly: Names = Names()
    doubts: Names = Names()
    empty: Names = Names()
    unfinished: Names = Names()
    events: Events | None = None


class Told(NamedTuple):
    """One record: its start, and its end where it has one."""

    start: Start
    end: End | None

    @property
    def done(self) -> set[tuple[str, str]]:
        """The tests that it executed or reported as skipped, each with the folder or file that its name starts from."""
        if self.end is None:
            return set()
        ran = (self.end.passed, self.end.failed, self.end.executed, self.end.skipped)
        return {(self.end.root, name) for names in ran for name, _ in names.names}


def read_runs(folder: Path, reports: Sequence[Report], asked: Mapping[str, str]) -> tuple[tuple[Run, ...], str | None]:
    """The runs of a job in the order in which they began, and why a record cannot be read, if one cannot.

    `asked`: by runner, the file that the harness asked its report for.
    """
    try:
        files = sorted((path for path in folder.iterdir() if path.suffix == ".jsonl"), key=lambda path: path.name)
        told = [_read(path) for path in files[:MAX_FILES]]
    except (OSError, ValueError) as error:  # ValidationError and NotStrictError are ValueErrors
        return (), message_line(f"a runner's record cannot be read: {type(error).__name__}")
    problem = f"more than {MAX_FILES} runs of tests" if len(files) > MAX_FILES else None
    names = {record.start.name for record in told}
    done = {test for record in told for test in record.done}
    groups = [
        [record, *(part for part in told if part.start.worker_of == record.start.name)]
        for record in told
        if record.start.worker_of not in names
    ]
    # `--help` has no session and no failure; a wrong option has no session and an exit code.
    ran = [group for group in groups if group[0].end is None or group[0].end.session or group[0].end.exit]
    runs = [_run(group, done, reports, asked) for group in ran]
    return tuple(runs), problem


def with_parts(suite: Suite, runs: Sequence[Run]) -> Suite:
    """The suite, in which a test that passed and skipped a part of itself has passed."""
    titles = {title for run in runs if run.runner == suite.kind and run.report == "asked" for title in run.partly}
    chosen = {id(case) for case in suite.cases if case.status == "skipped" and case.title in titles}
    unnamed = [title for title in suite.unnamed_skips if title not in titles]
    if not chosen:
        return suite
    counts = suite.counts.model_copy(update={
        "passed": suite.counts.passed + len(chosen), "skipped": suite.counts.skipped - len(chosen),
    })  # fmt: skip
    cases = tuple(case.model_copy(update={"status": "passed"}) if id(case) in chosen else case for case in suite.cases)
    left = suite.unnamed_skip_count - (len(suite.unnamed_skips) - len(unnamed))
    return suite.model_copy(
        update={"counts": counts, "cases": cases, "unnamed_skips": tuple(unnamed), "unnamed_skip_count": left}
    )


def _read(path: Path) -> Told:
    with open_regular(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError
    first, *rest = [line for line in data.split(b"\n") if line.strip()]
    end = End.model_validate(parse(rest[-1], surrogates=True)) if rest else None
    return Told(Start.model_validate(parse(first, surrogates=True)), end)


def _run(group: Sequence[Told], done: set[tuple[str, str]], reports: Sequence[Report], asked: Mapping[str, str]) -> Run:
    """A run from its own record and those of its parts: workers of pytest-xdist, the files of node."""
    start, end = group[0]
    command = message_line(" ".join([start.runner, *start.args]))
    ends = [record.end for record in group if record.end is not None]
    if end is None or len(ends) < len(group):
        return Run(runner=start.runner, command=command, ended=False)
    left = _left_out(group, done, [report for report in reports if report.kind == start.runner])
    doubts = list(dict.fromkeys(name for part in ends for name, _ in part.doubts.names))
    counts = ends if start.runner == "node" else [end]
    failing = _failing(start, counts)
    return Run(
        runner=start.runner, command=command, exit_code=end.exit, report=_place(start, end, asked),
        executed=sum(part.executed.count for part in counts), passed=sum(part.passed.count for part in counts),
        failed=max(len(failing), sum(part.failed.count + part.hidden.count for part in counts)),
        failing=tuple(failing[:NAMED]), left_out=tuple(left[:NAMED]), left_out_count=len(left),
        stopped=message_line(end.stopped) if end.stopped else None,
        cut_off=_cut_off(ends),
        cannot_fail=tuple(message_line(text) for text in doubts if _cannot_fail(text))[:NAMED],
        not_collected=tuple(message_line(text) for text in doubts if text.startswith(NOT_COLLECTED))[:NAMED],
        comparable=start.runner == "pytest", subtests_skipped=end.subtests.get("skipped", 0),
        partly=tuple(_title(start, name) for name, _ in end.partly.names),
        empty_files=tuple(name_line(name) for part in ends for name, _ in part.empty.names)[:NAMED],
        notes=tuple(_notes(end)),
    )  # fmt: skip


def _failing(start: Start, ends: Sequence[End]) -> list[str]:
    """The tests that failed, each with its message; what node says in public where its tests show none."""
    pairs = [pair for end in ends for names in (end.failed, end.hidden) for pair in names.names]
    if not pairs:
        pairs = [pair for end in ends if end.events is not None for pair in end.events.failing]
    titles = {_title(start, name): text for name, text in pairs}
    return [message_line(f"{title}: {text}" if text else title) for title, text in titles.items()]


def _cut_off(ends: Sequence[End]) -> str | None:
    """The first test of node that was not over when its process was."""
    count = sum(end.unfinished.count for end in ends)
    first = next((name for end in ends for name, _ in end.unfinished.names), "?")
    return message_line(f"{counted(count, 'test')} not over when its process ended: {first}") if count else None


def _cannot_fail(text: str) -> bool:
    start, end = NEVER_AWAITED
    return text.startswith(CANNOT_FAIL) or (text.startswith(start) and text.endswith(end))


def _place(start: Start, end: End, asked: Mapping[str, str]) -> str | None:
    if end.report is None:
        return None
    return "asked" if end.report == asked.get(start.runner) else name_line(end.report.rpartition("/")[2])


def _left_out(group: Sequence[Told], done: set[tuple[str, str]], reports: Sequence[Report]) -> list[str]:
    """Tests that were collected and that no run executed, by title, but for those that the row names."""
    skips = Patterns({pattern: reason for report in reports for pattern, reason in report.skips.items()})
    left: dict[str, None] = {}
    for start, end in group:
        for names in (end.deselected, end.dropped) if end else ():
            for name, _ in names.names:
                title = _title(start, name)
                if end and (end.root, name) not in done and not skips.met_by(title.rpartition(" > ")[2], title):
                    left[title] = None
            if names.count > len(names.names):
                left[f"{names.count - len(names.names)} more"] = None
    return list(left)


def _title(start: Start, name: str) -> str:
    """A test's name as its runner's report has it: `tests.test_a.TestB > test_c`."""
    if start.runner != "pytest":
        return name_line(name)
    file, *inner = name.split("::")
    parts = [file.removesuffix(".py").replace("/", "."), *inner]
    return name_line(" > ".join(part for part in (".".join(parts[:-1]), parts[-1]) if part))


def _notes(end: End) -> Iterable[str]:
    if end.ignored.count:
        first = name_line(end.ignored.names[0][0]) if end.ignored.names else "?"
        yield f"{counted(end.ignored.count, 'test file')} ignored by an option: {first}"
    if end.rerun.count:
        first = name_line(end.rerun.names[0][0]) if end.rerun.names else "?"
        yield f"{counted(end.rerun.count, 'test')} failed first and were run again: {first}"
    if end.unwarned:
        yield "pytest's warnings were switched off: what they tell of tests that cannot fail was not seen"
