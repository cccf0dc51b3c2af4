"""The workflows of a checkout: jobs and their steps, with what they run and where each thing stands. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import WORKFLOW
from phdb_ci.guards.yamlish import Map, Node, NotReadableError, Scalar, Seq, get, parse, text_of


@dataclass
class Step:
    """One step; `node` holds its keys."""

    node: Map

    @property
    def run(self) -> Scalar | None:
        """What it runs in a shell."""
        run = get(self.node, "run")
        return run if isinstance(run, Scalar) else None

    @property
    def uses(self) -> str:
        """The action that it calls."""
        return text_of(get(self.node, "uses"))


@dataclass
class JobOf:
    """One job of a workflow."""

    file: File
    name: str
    line: int
    node: Map
    steps: list[Step] = field(default_factory=list)

    @property
    def uses(self) -> str:
        """The workflow that it calls instead of steps."""
        return text_of(get(self.node, "uses"))


@dataclass
class Workflow:
    """One file of `.github/workflows`, or a composite action as one job."""

    file: File
    root: Node
    jobs: list[JobOf]


def workflows(checkout: Checkout) -> Iterator[Workflow | Finding]:
    """Every workflow; one that cannot be read is a finding."""
    for file in checkout.files:
        if WORKFLOW.match(file.path):
            yield read(file)


def read(file: File) -> Workflow | Finding:
    """One workflow file."""
    try:
        root = parse(file.text)
    except NotReadableError as error:
        return file.at(error.line, f"cannot tell: this workflow cannot be read: {error}")
    jobs = get(root, "jobs")
    if not isinstance(jobs, Map):
        composite = get(root, "runs", "steps")
        if composite is None and text_of(get(root, "runs", "using")):
            return Workflow(file, root, [])
        if isinstance(composite, Seq):
            runs = get(root, "runs")
            node = runs if isinstance(runs, Map) else Map(1)
            return Workflow(file, root, [JobOf(file, "action", node.line, node, _steps(composite))])
        return file.at(1, "cannot tell: this workflow has no jobs")
    return Workflow(
        file,
        root,
        [
            JobOf(file, name, jobs.lines.get(name, node.line), node, _steps(get(node, "steps")))
            for name, node in jobs.items.items()
            if isinstance(node, Map)
        ],
    )


def _steps(node: Node | None) -> list[Step]:
    return [Step(item) for item in node.items if isinstance(item, Map)] if isinstance(node, Seq) else []


def local_file(checkout: Checkout, uses: str) -> File | None:
    """The workflow or action of the same repo that `uses: ./…` names."""
    if not uses.startswith("./"):
        return None
    path = uses[2:].partition("@")[0].rstrip("/")
    for name in (path, f"{path}/action.yml", f"{path}/action.yaml"):
        if name in checkout.by_path:
            return checkout.by_path[name]
    return None
