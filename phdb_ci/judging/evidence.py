"""The rules that turn an exit code into a status: exit code 0 is a claim, the harness's own facts decide.

Each rule is a small pure function from a job's row and its facts to reasons; an empty answer means that it
holds. The first status with a reason wins, in this order: blocked, error, cancelled, timeout, unproven by a
forbidden variable, failed, unproven; only then passed.
"""

import re
from collections.abc import Callable, Iterable

from phdb_ci.base.text import cut
from phdb_ci.judging import figures, runs
from phdb_ci.models.matrix import Job, Report
from phdb_ci.models.report_kinds import REPORT_KINDS
from phdb_ci.models.results import ArtifactUse, Facts, Suite
from phdb_ci.models.statuses import Status

# Variables that falsify any job. PYTHONOPTIMIZE takes every assert out of what is run.
NEUTERING = ("PYTHONOPTIMIZE",)
FIRST = 200  # characters of the first failing case that a reason shows

Rule = Callable[[Job, Facts], Iterable[str]]


def judge(job: Job, facts: Facts) -> tuple[Status, tuple[str, ...], tuple[str, ...]]:
    """Status, the reasons for it (empty only for passed), and notes that a reader should see in any case."""
    notes = tuple(_notes(job, facts))
    for status, rules in RULES:
        reasons = tuple(reason for rule in rules for reason in rule(job, facts))
        if reasons:
            return status, reasons, notes
    return "passed", (), notes


def blocked(_job: Job, facts: Facts) -> Iterable[str]:
    """An artifact that it needs did not build."""
    return [] if facts.blocked_by is None else [facts.blocked_by]


def could_not_run(_job: Job, facts: Facts) -> Iterable[str]:
    """Tool missing, checkout or set-up failed, or the end of a command is not known."""
    if facts.error is not None:
        yield facts.error
    for command in facts.commands:
        if command.phase != "run" and command.exit_code != 0 and not (command.timed_out or command.cancelled):
            yield f"set-up failed with exit {command.exit_code}: {command.text}"
        if command.problem is not None:
            yield f"{command.problem}: {command.text}"


def was_cancelled(_job: Job, facts: Facts) -> Iterable[str]:
    """The run was interrupted before this job had ended."""
    cancelled = facts.cancelled or any(command.cancelled for command in facts.commands)
    return ["the run was interrupted"] if cancelled else []


def timed_out(job: Job, facts: Facts) -> Iterable[str]:
    """A command did not end within the job's time limit."""
    return [f"did not end within {job.timeout}: {command.text}" for command in facts.commands if command.timed_out]


def service_ended(job: Job, facts: Facts) -> Iterable[str]:
    """A server was absent, or ended before the job did: what the job did with it is not known."""
    for service in facts.services:
        if service.problem is not None:
            yield f"{service.name} did not last as long as the job: {service.problem}"
    for name in job.services:
        if facts.commands and name not in {service.name for service in facts.services}:
            yield f"{name} was not there"


def command_failed(_job: Job, facts: Facts) -> Iterable[str]:
    """A run command has an exit code other than 0."""
    for command in facts.commands:
        if command.phase == "run" and command.exit_code != 0:
            yield f"exit {command.exit_code}: {command.text}"


def left_processes(_job: Job, facts: Facts) -> Iterable[str]:
    """A command ended and left processes running: what it did is not over."""
    for command in facts.commands:
        if command.leftovers:
            names = ", ".join(command.leftovers[:5])
            yield f"left {len(command.leftovers)} process(es) running ({names}): {command.text}"


def report_unreadable(_job: Job, facts: Facts) -> Iterable[str]:
    """A declared report is missing, empty, truncated, foreign or left over from before."""
    return [f"{suite.kind} report: {suite.problem}" for suite in facts.suites if suite.problem is not None]


def case_failed(_job: Job, facts: Facts) -> Iterable[str]:
    """A test failed, whatever the exit code says."""
    return cases_failed(facts)


def cases_failed(facts: Facts) -> Iterable[str]:
    """A reason for each suite that has a failing case."""
    for suite in facts.suites:
        if suite.counts.failing:
            share = f"{suite.counts.failing} of {suite.counts.executed}"
            yield f"{share} {suite.kind} tests failed{_first_failure(suite)}"


def _first_failure(suite: Suite) -> str:
    """The first failing case and its message, as the end of a reason."""
    case = next((case for case in suite.cases if case.failing), None)
    if case is None:
        return ""
    text = f"{case.title}: {case.message}" if case.message else case.title
    return f": {cut(text, FIRST)}"


def document_wrong(_job: Job, facts: Facts) -> Iterable[str]:
    """A document that the job wrote is not what it must be, or says what it must not say."""
    return [problem for fact in (facts.manifest, facts.figures) if fact for problem in fact.problems]


def too_few_executed(job: Job, facts: Facts) -> Iterable[str]:
    """Fewer tests ran than the matrix demands: nothing executed, or all skipped."""
    for report, suite in _pairs(job, facts):
        executed, skipped = suite.counts.executed - suite.repeated, suite.counts.left_out
        outcome = f"{executed} {report.kind} tests were executed"
        if skipped and not suite.counts.executed:
            outcome = f"every test was skipped ({skipped})"
        if executed < report.min_tests:
            yield f"{outcome}, at least {report.min_tests} expected"


def report_absent(job: Job, facts: Facts) -> Iterable[str]:
    """The commands ran but the harness holds no record of a declared report."""
    if facts.commands and len(facts.suites) != len(job.reports):
        yield f"{len(job.reports)} reports declared, {len(facts.suites)} read"


def unnamed_skip(_job: Job, facts: Facts) -> Iterable[str]:
    """A test was skipped that no rule of the matrix names."""
    for suite in facts.suites:
        if suite.unnamed_skip_count:
            first = _with_message(suite, suite.unnamed_skips[0]) if suite.unnamed_skips else "?"
            yield f"skipped without a rule that names it: {first}{_more(suite.unnamed_skip_count)}"


def _with_message(suite: Suite, title: str) -> str:
    """A skipped case and what it said."""
    message = next((case.message for case in suite.cases if case.title == title and case.message), "")
    return f"{title}: {cut(message, FIRST)}" if message else title


def too_many_skipped(job: Job, facts: Facts) -> Iterable[str]:
    """More tests were skipped than the matrix allows, by whatever name."""
    for report, suite in _pairs(job, facts):
        if report.max_skips is not None and suite.counts.left_out > report.max_skips:
            yield f"{suite.counts.left_out} {report.kind} tests were skipped, at most {report.max_skips} may be"


def critical_not_executed(job: Job, facts: Facts) -> Iterable[str]:
    """A critical check did not run. Which are critical is the matrix's to say, not the result's."""
    for report, suite in _pairs(job, facts):
        executed = {rule.pattern: rule.matched for rule in suite.critical_rules}
        for pattern in report.critical:
            if not executed.get(pattern):
                yield f"critical check {pattern} was not executed"


def critical_excused(_job: Job, facts: Facts) -> Iterable[str]:
    """A skip rule reaches a critical case, whether it ran or not: the matrix takes back what it demands."""
    for suite in facts.suites:
        if suite.excused_critical:
            more = _more(len(suite.excused_critical))
            yield f"a skip rule of the matrix reaches the critical check {suite.excused_critical[0]}{more}"


def unknown_rule(job: Job, facts: Facts) -> Iterable[str]:
    """Tests were skipped by a rule that the matrix does not have: the result is of another matrix."""
    for report, suite in _pairs(job, facts):
        for rule in suite.skip_rules:
            if rule.matched and rule.pattern not in report.skips:
                yield f"skipped by a rule that the matrix does not have: {rule.pattern}"


def not_called(job: Job, facts: Facts) -> Iterable[str]:
    """The witnessed artifact was called less often than demanded; a call that failed is none."""
    witness = job.evidence.witness
    if witness is None:
        return
    use = next((use for use in facts.artifacts if use.name == witness.artifact), None)
    if use is None:
        yield f"{witness.artifact} was not there to be called"
        return
    calls = sum(use.verbs.get(verb, 0) for verb in witness.verbs) if witness.verbs else _asked(use)
    failed = sum(use.failed.get(verb, 0) for verb in witness.verbs or use.failed)
    if calls - failed < witness.min_calls:
        verbs = f" with {' or '.join(witness.verbs)}" if witness.verbs else ""
        verbs += f", {failed} of them in vain" if failed else ""
        over = " (the job built its own over it)" if use.rebuilt else ""
        yield f"{use.name} was called {calls} times{verbs}{over}, at least {witness.min_calls} expected"


def _asked(use: ArtifactUse) -> int:
    """Calls that asked for something: their first argument is a word, and not an option (`--help`) or nothing."""
    return use.calls - sum(count for verb, count in use.verbs.items() if not verb[:1].isalpha())


def critical_doubted(_job: Job, facts: Facts) -> Iterable[str]:
    """A critical check passed, and a line of the output speaks against it."""
    for suite in facts.suites:
        for doubt in suite.doubted:
            yield f"critical check passed, and this was printed of it: {cut(doubt, FIRST)}"


def report_copied(_job: Job, facts: Facts) -> Iterable[str]:
    """A report is a copy of a committed file: whoever ran those tests, it was not this job."""
    for suite in facts.suites:
        if suite.copy_of is not None:
            yield f"{suite.kind} report: it is a copy of {suite.copy_of}, the job did not write it"


def failure_printed(_job: Job, facts: Facts) -> Iterable[str]:
    """The job exited 0 and printed a failure that no record shows."""
    printed = dict.fromkeys(suite.printed for suite in facts.suites if suite.printed is not None)
    return [f"exit 0, and a failure was printed: {line}" for line in printed]


def artifact_changed(_job: Job, facts: Facts) -> Iterable[str]:
    """The artifact in the job's hands is not the one that was built."""
    for use in facts.artifacts:
        if use.after != use.before or use.before != use.digest:
            text = use.after if use.after in ("missing", "launcher replaced") else f"sha256:{use.after[:12]}"
            yield f"{use.name} was replaced during the job: sha256:{use.digest[:12]} became {text}"
        if use.rebuilt_as not in (None, use.digest):
            built = str(use.rebuilt_as)[:12]
            yield f"the job built another {use.name}: sha256:{built}, not sha256:{use.digest[:12]}"


def forbidden_env(job: Job, facts: Facts) -> Iterable[str]:
    """A variable that would falsify the job is in its environment, or set by one of its commands."""
    for name in (*NEUTERING, *job.evidence.forbid_env):
        setting = re.compile(rf"(?<![\w-]){name}=")
        if name in facts.env_names or any(setting.search(command.text) for command in facts.commands):
            yield f"{name} is in the job's environment"


def workspace_changed(_job: Job, facts: Facts) -> Iterable[str]:
    """The workspace shows what is in no commit: a build of the job's own, a link that leaves it, a changed file."""
    for path in facts.strays:
        yield f"another {path.rsplit('/', 1)[-1]} was built in the workspace: {path}"
    for path in facts.links_out:
        yield f"{path} is a link that leaves the workspace: what it shows is in no commit"
    if facts.changed:
        yield f"the job changed files of its checkout: {facts.changed[0]}{_more(len(facts.changed))}"
    if not facts.data_was_empty:
        yield "the data directory was not empty at the start"


def document_absent(job: Job, facts: Facts) -> Iterable[str]:
    """A document that the job must write is not there, was there before, or is a copy of a committed file."""
    for words, declared, fact in (
        ("manifest was", job.evidence.manifest, facts.manifest),
        ("figures were", job.evidence.figures, facts.figures),
    ):
        if declared is not None and fact is None:
            yield f"its {words} not looked at"
        elif declared is not None and fact is not None and fact.absent is not None:
            yield fact.absent


def nothing_ran(job: Job, facts: Facts) -> Iterable[str]:
    """No run command is on record, or fewer than the matrix has."""
    ran = sum(command.phase == "run" for command in facts.commands)
    if ran < len(job.run):
        yield f"{ran} of {len(job.run)} run commands were executed"


RULES: tuple[tuple[Status, tuple[Rule, ...]], ...] = (
    ("blocked", (blocked,)),
    ("error", (could_not_run,)),
    ("cancelled", (was_cancelled,)),
    ("timeout", (timed_out,)),
    ("unproven", (forbidden_env,)),  # whatever the tests say, they did not test what they are for
    ("failed", (
        runs.report_elsewhere, service_ended, case_failed, command_failed, left_processes, report_unreadable,
        document_wrong, *figures.RULES,
        *runs.FAILED,
    )),
    ("unproven", (
        nothing_ran, report_absent, too_few_executed, unnamed_skip, unknown_rule, too_many_skipped,
        critical_not_executed, critical_excused, critical_doubted, report_copied, failure_printed, not_called,
        artifact_changed, workspace_changed, document_absent, *runs.UNPROVEN,
    )),
)  # fmt: skip


def _more(count: int) -> str:
    """What follows the first of so many."""
    return f" and {count - 1} more" if count > 1 else ""


def _pairs(job: Job, facts: Facts) -> list[tuple[Report, Suite]]:
    return list(zip(job.reports, facts.suites, strict=False))


def _notes(job: Job, facts: Facts) -> Iterable[str]:
    yield from figures.notes(job, facts)
    yield from runs.notes(facts)
    yield from _service_notes(facts)
    yield from _version_notes(job, facts)
    if facts.commands and not any(REPORT_KINDS[report.kind].cases for report in job.reports):
        yield "no test cases: its exit code and the evidence are all there is"
    if any(command.network == "unenforced" for command in facts.commands):
        yield "network = false could not be enforced on this machine"
    elif any(command.network == "isolated" for command in facts.commands):
        yield "ran without a network (enforced)"
    for use in facts.artifacts:
        if use.rebuilt:
            yield f"rebuilt {use.name} (its build directory was not current)"
    for suite in facts.suites:
        yield from suite.notes
        for rule in suite.skip_rules:
            if not rule.matched and suite.counts.executed:
                yield f"named skip no longer happens: {rule.pattern} ({rule.reason})"


def _version_notes(job: Job, facts: Facts) -> Iterable[str]:
    for tool, wanted in job.versions.items():
        version = facts.versions.get(tool)
        if version and not re.search(rf"(?<![\d.]){re.escape(wanted)}(?!\d)", version):
            yield f"{tool} {wanted} is wanted; it ran with {version}"


def _service_notes(facts: Facts) -> Iterable[str]:
    for service in facts.services:
        yield f"{service.name} {service.version} from {service.origin}"
        if service.remote:
            yield f"{service.name} is on another machine: its times hold the network's"
