"""The four connection modes of the plan: embed, lis supervisor, subprocess bridge, TCP (not implemented)."""

from phdb_ci.contracts.checks.engine import INSERT
from phdb_ci.contracts.checks.one_store import liorm_has
from phdb_ci.contracts.drive import Done
from phdb_ci.contracts.stage import Check, SkippedError, Stage, demand

NO_TCP = "not implemented: registry-min uses in-process only (tcp_port 0)"


def embed(stage: Stage) -> None:
    """LI_DATA_DIR and the checkout are enough: no supervisor, a directory of its own."""
    stack = stage.stack.at(stage.stack.scratch / "mode-embed").without(
        "LI_CONTROL_PLANE_STORE", "LI_LIDB_REPO"
    )
    row = {"id": "k1", "name": "embedded"}
    for verb in ("open", "migrate"):
        done = stack.engine(verb)
        demand(done.code == 0, f"{verb}: exit 0 expected, got {done.told}")
    stage.answer("exec-json", stack.exec_json(INSERT, *row.values(), "a package"))
    liorm_has(stack, "packages", row)


def supervisor(stage: Stage) -> None:
    """What lis has started, an agent with LI_LIDB_URL=lidb://embedded finds: engine and rows."""
    stack = stage.stack.with_env(LI_LIDB_URL="lidb://embedded")
    status = stage.answer("lis-status", stage.stack.db("status"), code=None)
    demand(status["ready"], "$.ready: true expected before an agent connects, got false")
    answer = stage.answer("bridge-probe", stack.bridge("probe"), one_line=True)
    demand(answer["engine"], "$.engine: true expected with LI_LIDB_URL=lidb://embedded, got false")
    _run_is_there(stage, stack.bridge("read_liq", "read agent_runs { id }"))


def bridge(stage: Stage) -> None:
    """The agents' own variables are enough: LI_DATA_DIR, LI_LIDB_REPO, LI_CONTROL_PLANE_STORE."""
    stack = stage.stack.without("LIDB_REPO", "LIDB_ROOT", "LIDB_DATA_DIR")
    _run_is_there(stage, stack.bridge("read_liq", "read agent_runs { id }"))


def tcp(stage: Stage) -> None:
    """Skipped as long as nothing listens; a server that does is a mode that nobody tests."""
    if stage.stack.lis is not None:
        status = stage.answer("lis-status", stage.stack.db("status"), code=None)
        said = (stage.started or status, "start"), (status, "status")
        for answer, what in said:
            listens, port = answer["tcp_listen"], answer["tcp_port"]
            told = f"expected of {what} as long as TCP is not tested"
            demand(not listens, f"$.tcp_listen: false {told}, got true")
            demand(port == 0, f"$.tcp_port: 0 {told}, got {port}")
    raise SkippedError(NO_TCP)


def _run_is_there(stage: Stage, done: Done) -> None:
    demand(stage.run_id, "there is no run to read: upsert_agent_run has written none")
    rows = stage.answer("bridge-read_liq", done, one_line=True)["rows"]
    demand({"id": stage.run_id} in rows, f"$.rows: agent run {stage.run_id} expected, it is not there")


CHECKS = (
    Check("mode/embed", embed),
    Check("mode/lis-supervisor", supervisor, ("lis", "agents")),
    Check("mode/bridge", bridge, ("agents",)),
    Check("mode/tcp", tcp),
)
