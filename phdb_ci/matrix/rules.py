"""Rules about values that contradict each other: environment, reports, times, runners."""

from collections.abc import Iterator
from typing import cast

from phdb_ci.matrix.problems import Problem, shown_text
from phdb_ci.matrix.table import Table, repeated
from phdb_ci.models.base import glob_matches
from phdb_ci.models.hosting import SERVICE_KINDS, ServiceKind
from phdb_ci.models.matrix import HARNESS_ENV, Job
from phdb_ci.models.report_kinds import REPORT_KINDS, KindOfReport, ReportKind


def overrides(root: Table) -> Iterator[Problem]:
    """A variable overrides one repo, in one way."""
    first: dict[str, str] = {}
    for repo in root.tables("repos"):
        for path, name in repo.table("override").texts("path", "ref"):
            if name in first:
                yield Problem(path, f"{name} overrides repo {first[name]} already; a variable stands for one thing")
            first.setdefault(name, repo.name)


def environment(root: Table) -> Iterator[Problem]:
    """A job sets no variable that the harness sets. What its evidence forbids is judged when it runs (evidence.py)."""
    for job in root.tables("jobs"):
        env = job.table("env")
        for name in env.values:
            if name in HARNESS_ENV:
                yield Problem(env.at(name), f"{name} is set by the harness for every job, so a job cannot set it")


def reports(root: Table) -> Iterator[Problem]:
    """Each kind of report has its own keys, and what can be told apart only once stands there once."""
    for job in root.tables("jobs"):
        rows = job.rows("reports")
        earlier: set[str] = set()
        for report in rows:
            name, kind = report.text("kind") or "", _kind(report)
            if kind is None:  # the shapes have a problem for it
                continue
            yield from _report(report, name, kind)
            if kind.once and name in earlier:
                yield Problem(report.path, f"a second report of kind {name}; a job has at most one of them")
            if not kind.cases and len(rows) > 1:
                yield Problem(report.path, f"kind {name} stands alone; where there are other reports, they say more")
            earlier.add(name)
        for path, text in repeated([entry for report in rows for entry in report.texts("path")]):
            yield Problem(path, f"another report is read from {shown_text(text)} already")


def excuses(root: Table) -> Iterator[Problem]:
    """No skip reaches a check that decides; where patterns meet in a name alone, it is seen when the job runs."""
    for job in root.tables("jobs"):
        for report in job.rows("reports"):
            for path, name in report.texts("critical"):
                for pattern in report.keys("skips"):
                    if glob_matches(pattern, name):
                        yield Problem(
                            path, f"the skip {shown_text(pattern)} reaches it: what decides cannot be skipped"
                        )


def versions(root: Table) -> Iterator[Problem]:
    """A job wants versions of its own tools alone."""
    for job in root.tables("jobs"):
        for tool in job.keys("versions"):
            if tool not in job.words("tools"):
                yield Problem(job.table("versions").at(tool), f"{tool} is not among the tools of this job")


def exit_alone(root: Table) -> Iterator[Problem]:
    """A job that reports by its exit code alone has other evidence."""
    for job in root.tables("jobs"):
        kinds = [_kind(report) for report in job.rows("reports")]
        other = {"witness", "manifest", "figures"} & set(job.table("evidence").values)
        if kinds and not other and all(kind is not None and not kind.cases for kind in kinds):
            yield Problem(
                job.at("reports"),
                "its exit code would be all there is; add evidence.witness, evidence.manifest or evidence.figures",
            )


def skips(root: Table) -> Iterator[Problem]:
    """A runner is either used or skipped."""
    for job in root.tables("jobs"):
        used = job.words("os") if "os" in job.values else Job.model_fields["os"].default
        for name in job.table("skip").values:
            if name in used:
                yield Problem(job.table("skip").at(name), f"the job runs on {name} (key `os`), so it cannot skip it")


def quarantine(root: Table) -> Iterator[Problem]:
    """Each known failure stands there once; one of a job's cases is of a job that reports cases."""
    rows = root.rows("quarantine")
    for row in rows:
        case, job = row.text("case"), root.table("jobs").table(row.text("job") or "")
        kinds = [_kind(report) for report in job.rows("reports")]
        if case is not None and kinds and not any(kind is None or kind.cases for kind in kinds):
            yield Problem(row.at("case"), f"{job.name} reports no cases; without `case` it is quarantined as a whole")
        if case is not None and not case.strip("*"):
            yield Problem(row.at("case"), "names every case; without `case` the whole job is quarantined")
    named = [(row.path, f"{row.text('job')}\n{row.text('case') or ''}") for row in rows]
    for path, _ in repeated(named):
        yield Problem(path, "this job or case is quarantined already")


def schedules(root: Table) -> Iterator[Problem]:
    """A gate that starts by itself says when, and no other does."""
    for gate in root.tables("gates"):
        by_itself = "schedule" in gate.words("on")
        if by_itself and "cron" not in gate.values:
            yield Problem(gate.at("cron"), 'needs a key `cron`, such as `cron = "17 3 * * *"`', missing=True)
        if not by_itself and "cron" in gate.values:
            yield Problem(gate.at("cron"), 'nothing starts at that time; add "schedule" to `on`')


def services(root: Table) -> Iterator[Problem]:
    """GitHub starts services on Linux runners alone; each service of a job has a variable of its own.

    A server listens outside of the network that `network = false` gives a job. An address is one of its kind.
    """
    for service in root.tables("services"):
        schemes = SERVICE_KINDS.get(cast("ServiceKind", service.text("kind")))
        url = service.text("url")
        if url is not None and schemes and url.partition("://")[0] not in schemes:
            yield Problem(
                service.at("url"), f"an address of this kind starts with {schemes[0]}://; got {shown_text(url)}"
            )
    for job in root.tables("jobs"):
        if job.words("services") and job.values.get("network") is False:
            yield Problem(job.at("network"), "a service listens outside the job's own network: drop `network = false`")
        holders: dict[str | None, str] = {}
        for path, name in job.texts("services"):
            variable = root.table("services").table(name).text("variable")
            if variable is not None and holders.get(variable, name) != name:
                yield Problem(path, f"{name} uses the variable {variable}, as {holders[variable]} does already")
            holders[variable] = name
        for path, name in job.texts("os"):
            if job.words("services") and not name.startswith("ubuntu"):
                yield Problem(path, f"GitHub starts no service on {name}; a job with services runs on ubuntu alone")


def figures(root: Table) -> Iterator[Problem]:
    """Measured figures decide nothing on a pull request."""
    measuring = [job.name for job in root.tables("jobs") if "figures" in job.table("evidence").values]
    for gate in root.tables("gates"):
        for path, name in gate.texts("jobs"):
            if name in measuring and "pull_request" in gate.words("on"):
                yield Problem(
                    path, f"{name} measures: a threshold on a shared machine decides nothing on a pull request"
                )


def _kind(report: Table) -> KindOfReport | None:
    return REPORT_KINDS.get(cast("ReportKind", report.text("kind")))


def _report(report: Table, name: str, kind: KindOfReport) -> Iterator[Problem]:
    """What one report may have by its kind."""
    least = report.values.get("min_tests")
    if kind.place == "path" and "path" not in report.values:
        yield Problem(report.at("path"), 'needs a key `path`, such as `path = "report.xml"`', missing=True)
    if not kind.cases and least not in (0, None):
        yield Problem(report.at("min_tests"), f"must be 0 for kind {name}, which counts no tests")
    if kind.cases and least == 0:
        yield Problem(report.at("min_tests"), "min_tests = 0 would make an empty report green; it must be at least 1")
    never = [] if kind.place == "path" else ["path"]
    never += [] if kind.cases else ["skips", "max_skips", "critical"]
    never += [] if kind.cases and kind.place == "log" else ["words"]
    for key in never:
        if key in report.values:
            yield Problem(report.at(key), f"a report of kind {name} ({kind.words}) has no {key}")
