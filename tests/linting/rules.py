"""Our own rules by name, for what no linter sees, and the one function that applies them all.

A rule is a function of a workflow and the facts, and gives lines with what is wrong there. Most are lists of what is
allowed, not of what is forbidden: a new way to do harm is then refused before anybody has thought of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from phdb_ci.models.matrix import Matrix
from phdb_ci.rendering.workflows import OWN as FOLDER
from tests.linting import rules_gate, rules_pins, rules_rights, rules_steps
from tests.linting.facts import Facts
from tests.linting.layout import home_of
from tests.linting.workflow import Finding, Workflow, YAMLError, parse

OWN = "own"  # the tool's name in findings
Rule = Callable[[Workflow, Facts], Iterator[tuple[int, str]]]

RULES: Mapping[str, Rule] = {
    "action-comment": rules_pins.action_comment,
    "action-pin": rules_pins.action_pin,
    "build-artifact": rules_gate.build_artifact,
    "cache": rules_steps.cache,
    "call-head": rules_pins.call_head,
    "call-inputs": rules_pins.call_inputs,
    "call-permissions": rules_pins.call_permissions,
    "caller-condition": rules_pins.caller_condition,
    "concurrency": rules_rights.concurrency,
    "concurrency-cancel": rules_rights.concurrency_cancel,
    "concurrency-group": rules_rights.concurrency_group,
    "container": rules_pins.container,
    "download": rules_steps.download,
    "environment": rules_rights.environment,
    "environment-file": rules_steps.environment_file,
    "expression-in-run": rules_steps.expression_in_run,
    "generated": rules_gate.generated,
    "ignores": rules_gate.ignores,
    "image": rules_pins.image,
    "install": rules_steps.install,
    "leg-artifact": rules_gate.leg_artifact,
    "leg-command": rules_gate.leg_command,
    "leg-condition": rules_gate.leg_condition,
    "leg-result": rules_gate.leg_result,
    "legs": rules_gate.legs,
    "literal-secret": rules_steps.literal_secret,
    "named": rules_gate.named,
    "own-tests": rules_gate.own_tests,
    "permissions-comment": rules_rights.permissions_comment,
    "permissions-job": rules_rights.permissions_job,
    "permissions-top": rules_rights.permissions_top,
    "persist-credentials": rules_steps.persist_credentials,
    "provenance": rules_gate.provenance,
    "quarantine": rules_gate.quarantine,
    "run-sources": rules_gate.run_sources,
    "runner": rules_rights.runner,
    "second-stage-head": rules_steps.second_stage_head,
    "second-stage-run": rules_steps.second_stage_run,
    "secrets": rules_rights.secrets,
    "self-checkout": rules_pins.self_checkout,
    "self-pin": rules_pins.self_pin,
    "shell": rules_steps.shell,
    "signs-alone": rules_rights.signs_alone,
    "step-continues": rules_steps.step_continues,
    "strategy": rules_rights.matrix_strategy,
    "swallowed-failure": rules_steps.swallowed_failure,
    "timeout": rules_rights.timeout,
    "token": rules_rights.token,
    "trigger-filter": rules_rights.trigger_filter,
    "triggers": rules_rights.triggers,
    "upload": rules_steps.upload,
    "verdict": rules_gate.verdict,
    "verdict-cancelled": rules_gate.verdict_cancelled,
    "verdict-command": rules_gate.verdict_command,
    "write-scope": rules_rights.write_scope,
}


def facts_of(matrix: Matrix, repos: Mapping[str, Mapping[str, str]]) -> Facts:
    """The facts of what the matrix renders."""
    home = home_of(matrix)
    gates = {name: f"{FOLDER}/{name}.yml" for name in matrix.gates}
    return Facts(matrix, {name: parse(home, path, repos[home][path]) for name, path in gates.items()})


def check(files: Iterable[tuple[str, str, str]], facts: Facts) -> list[Finding]:
    """Everything that our own rules find in these files: repository, path and text of each."""
    return sorted(found for file in files for found in _check(*file, facts))


def _check(repo: str, path: str, text: str, facts: Facts) -> Iterator[Finding]:
    try:
        flow = parse(repo, path, text)
    except YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        yield Finding(OWN, "readable", f"{repo}/{path}", line, str(getattr(error, "problem", error)))
        return
    for name, rule in RULES.items():
        for line, message in rule(flow, facts):
            yield Finding(OWN, name, flow.file, line, message)
