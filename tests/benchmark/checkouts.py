"""Checking out pinned commits from bare repositories on this disk: from nothing, and with all there already.

Against bare git (scripts, as many at a time as there are cores), `git clone`, and the tools that pin many
repositories: west, vcs (vcs2l), pre-commit. Each at its quickest settings, its configuration written
beforehand, as the process or processes that a user would start. "Present" means: say that the commit is
there, or make it so; pre-commit does not look at the files. Every contestant is checked once for having
placed what was asked.
"""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.benchmark import remotes
from tests.benchmark.measure import OURS, Limit, Row, interleave, rows
from tests.benchmark.programs import BIN, HERE, ProgramError, clean_env, cores, missing, output, say, timed
from tests.benchmark.remotes import Remote

PEERS = ("west", "vcs", "pre-commit")
SCRIPT = """\
mkdir -p "$3/.git/objects/info" "$3/.git/refs" && cd "$3" && git init -q --template= &&
echo "$1/objects" > .git/objects/info/alternates && git checkout -q --detach "$2"
"""
WORKTREE = 'git --git-dir="$1" worktree add -q --detach "$3" "$2"'
CLONE = 'git clone -q --no-checkout "$1" "$3" && git -C "$3" checkout -q --detach "$2"'
STATUS = 'cd "$3" && test "$(git rev-parse HEAD)" = "$2" && test -z "$(git status --porcelain --ignored)"'


def run(root: Path, rounds: int) -> list[Row]:
    """The four pins, then 4, 40 and 400 small repositories; the more there are, the fewer rounds."""
    found = []
    for case, count in (("4 pins", 0), ("4 small", 4), ("40 small", 40), ("400 small", 400)):
        say(f"checkouts: {case}")
        place = root / case.replace(" ", "-")
        place.mkdir()
        wanted = remotes.small(count, place) if count else remotes.of_stack(Path("tests/stack"), place)
        turns = max(1, min(rounds, 2)) if count == 400 else rounds if count == 40 else 2 * rounds
        found += _case(case, wanted, place, turns)
        shutil.rmtree(place)
    return found


def _case(case: str, wanted: Sequence[Remote], root: Path, rounds: int) -> list[Row]:
    contest = Contest(wanted, root)
    limits = {name: Limit("ratio", 1.0, below=True) for name in PEERS}
    cold = {name: partial(contest.cold, make) for name, make in contest.makers().items()}
    found = rows("checkouts", f"{case}, cold", interleave(cold, rounds), limits)
    present = {name: contest.present(name) for name in (OURS, "git status, each", *contest.peers)}
    # Ours reads every file and the peers read none: shown, without a limit.
    return found + rows("checkouts", f"{case}, present", interleave(present, rounds), {})


class Contest:
    """One set of repositories. A contestant is made for a new folder, and gives the command that fills it."""

    def __init__(self, wanted: Sequence[Remote], root: Path) -> None:
        self.wanted, self.root = wanted, root
        self.env = clean_env()
        self.turn = 0
        self.checked: set[str] = set()
        self.peers = [name for name in PEERS if not missing(name)]
        self.folders: dict[str, Path] = {}

    def makers(self) -> dict[str, Callable[[Path], list[str]]]:
        """Contestant → what writes its configuration into a folder and gives its command."""
        mine: dict[str, Callable[[Path], list[str]]] = {
            OURS: self._ours,
            "git init, alternates": lambda folder: self._script(folder, SCRIPT),
            "git worktree add": lambda folder: self._script(folder, WORKTREE),
            "git clone": lambda folder: self._script(folder, CLONE),
        }
        peers = {"west": self._west, "vcs": self._vcs, "pre-commit": self._pre_commit}
        self.names = {id(make): name for name, make in (mine | peers).items()}
        return mine | {name: peers[name] for name in self.peers}

    def cold(self, make: Callable[[Path], list[str]]) -> float:
        """Seconds from nothing to all; checks what was placed when it is this contestant's first turn."""
        self.turn += 1
        name = self.names[id(make)]
        folder = self.root / f"turn{self.turn}"
        folder.mkdir()
        command = make(folder)
        seconds = timed(command, cwd=folder, env=self._env(folder))
        self._check(name, folder)
        self.folders[name] = folder
        return seconds

    def present(self, name: str) -> Callable[[], float]:
        """The same command over what its last turn has placed."""
        if name == "git status, each":
            folder = self.folders["git init, alternates"]
            command = self._script(folder, STATUS)
        else:
            folder = self.folders[name]
            command = self.makers()[name](folder)
        return lambda: timed(command, cwd=folder, env=self._env(folder))

    def _env(self, folder: Path) -> Mapping[str, str]:
        return self.env | {"PRE_COMMIT_HOME": str(folder / "store"), "HOME": str(self.root)}

    def _check(self, name: str, folder: Path) -> None:
        if name in self.checked:
            return
        self.checked.add(name)
        found = sum(1 for path in folder.rglob(".pre-commit-hooks.yaml") if ".git" not in path.parts)
        if found != len(self.wanted):
            raise ProgramError(f"{name} placed {found} of {len(self.wanted)} repositories")

    def _ours(self, folder: Path) -> list[str]:
        listed = [(str(one.path), one.commit, str(folder / "ws" / one.name)) for one in self.wanted]
        (folder / "list.json").write_text(json.dumps(listed))
        return [sys.executable, str(HERE / "child_checkout.py"), str(folder / "list.json"), str(cores())]

    def _script(self, folder: Path, text: str) -> list[str]:
        lines = "".join(f"{one.path} {one.commit} {folder / 'ws' / one.name}\n" for one in self.wanted)
        (folder / "list").write_text(lines)
        (folder / "one.sh").write_text(text)
        (folder / "ws").mkdir(exist_ok=True)
        return ["xargs", f"-P{cores()}", "-n3", "-a", str(folder / "list"), "sh", str(folder / "one.sh")]

    def _west(self, folder: Path) -> list[str]:
        projects = [
            {"name": one.name, "url": str(one.path), "revision": one.commit, "path": one.name} for one in self.wanted
        ]
        (folder / "manifest").mkdir(exist_ok=True)
        (folder / "manifest" / "west.yml").write_text(json.dumps({"manifest": {"projects": projects}}))
        (folder / ".west").mkdir(exist_ok=True)
        (folder / ".west" / "config").write_text("[manifest]\npath = manifest\nfile = west.yml\n")
        return [str(BIN / "west"), "--quiet", "update", "--narrow", "--fetch", "smart"]

    def _vcs(self, folder: Path) -> list[str]:
        listed = {one.name: {"type": "git", "url": str(one.path), "version": one.commit} for one in self.wanted}
        (folder / "all.repos").write_text(json.dumps({"repositories": listed}))
        (folder / "ws").mkdir(exist_ok=True)
        return [
            str(BIN / "vcs"),
            "import",
            "--workers",
            str(cores()),
            "--input",
            str(folder / "all.repos"),
            str(folder / "ws"),
        ]

    def _pre_commit(self, folder: Path) -> list[str]:
        repos = [{"repo": str(one.path), "rev": one.commit, "hooks": [{"id": "nothing"}]} for one in self.wanted]
        (folder / ".pre-commit-config.yaml").write_text(json.dumps({"repos": repos}))
        if not (folder / ".git").exists():
            output(["git", "init", "--quiet", str(folder)])
        return [str(BIN / "pre-commit"), "install-hooks"]
