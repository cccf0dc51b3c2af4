"""The rendered files as each repository has them: `<root>/<repo>/.github/workflows/*.yml`, this project's own too.

So the tools see what they would see there: workflows that name each other, and a repository around them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from phdb_ci.matrix import load
from phdb_ci.models.matrix import Matrix
from phdb_ci.rendering.workflows import OWN, files_of, workflow_files

ROOT = Path(__file__).parents[2]
Files = Mapping[str, str]


def home_of(matrix: Matrix) -> str:
    """The name of this project's own repository."""
    assert matrix.self_ is not None
    return matrix.self_.repository.rpartition("/")[2]


def repositories(matrix: Matrix) -> dict[str, dict[str, str]]:
    """Every repository's files by their path in it."""
    assert matrix.self_ is not None
    files = workflow_files(matrix)
    own = {path: text for path, text in files.items() if path.startswith(f"{OWN}/")}
    others = dict.fromkeys([*matrix.repos, *matrix.self_.aggregators])
    return {home_of(matrix): own} | {repo: files_of(files, repo) for repo in others}


def rendered() -> tuple[Matrix, dict[str, dict[str, str]]]:
    """The project's own matrix and what it renders."""
    matrix = load(ROOT / "matrix.toml")
    return matrix, repositories(matrix)


def lay_out(root: Path, repos: Mapping[str, Files]) -> list[str]:
    """Write every repository's files; their paths below `root`."""
    return [path for repo, files in repos.items() for path in _lay_out(root, repo, files)]


def _lay_out(root: Path, repo: str, files: Files) -> Iterable[str]:
    (root / repo / ".git").mkdir(parents=True)  # by this a tool knows where a repository begins
    for path, text in files.items():
        place = root / repo / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())
        yield f"{repo}/{path}"
