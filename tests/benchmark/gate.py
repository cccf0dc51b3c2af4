"""A whole gate on the stand-in stack, over the bound of any schedule and the best plain schedule.

Warm: the artifact is there; cold: it is built first. What both sides would download is in one shared cache.
"""

import itertools
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from phdb_ci.matrix import load
from phdb_ci.planning.plan import repos_of, select
from phdb_ci.sources.resolve import resolve
from tests.benchmark.bare import BUILD, Bare, Gate, makefile
from tests.benchmark.measure import OURS, Limit, Row, Times, Work, best, bound, interleave, ratio, rows
from tests.benchmark.programs import BIN, ProgramError, clean_env, cores, missing, say, timed_cpu

NAME, STACK, MATRIX = "pr-gate", Path("tests/stack"), Path("matrix.toml")
OVERHEAD = Limit("ratio", 1.10)
TOOLS = ("cmake", "c++", "make", "node", "npm", "bash", "xargs")


def run(root: Path, rounds: int) -> list[Row]:
    """Warm in all rounds, cold in half of them."""
    if lacking := missing(*TOOLS):
        say(f"gate: left out, {', '.join(lacking)} not found")
        return []
    contest = Contest(root)
    say("gate: first run, fills the download caches")
    contest.ours()
    contest.ready_place()
    found = contest.rows("warm", rounds)
    return found + contest.rows("cold", max(1, rounds // 2))


class Contest:
    """Both sides in one folder with one cache."""

    def __init__(self, root: Path) -> None:
        self.root, self.cache = root, root / "cache"
        matrix = load(MATRIX)
        _, jobs, _ = select(matrix, [NAME])
        sources = resolve(matrix, repos_of(matrix, jobs), cache=self.cache, specs={}, stack=STACK, environ={})
        self.gate = Gate(matrix, jobs, sources, self.cache)
        self.numbers = itertools.count()
        self.cpu: list[float] = []  # of our own runs, in their order

    def ours(self) -> float:
        """A run by phdb-ci; it must pass."""
        out = self.root / f"run{next(self.numbers)}"
        env = clean_env(PHDB_CI_CACHE=str(self.cache))
        command = [str(BIN / "phdb-ci"), "run", NAME, "--stack", str(STACK), "--out", str(out)]
        wall, cpu = timed_cpu(command, env=env)
        self.cpu.append(cpu)
        return wall

    def ours_cold(self) -> float:
        """The same with nothing built: neither stored artifact nor build directory."""
        for name in ("store", "builds"):
            (self.cache / name).rename(self.root / f"{name}{next(self.numbers)}")
        return self.ours()

    def ready_place(self) -> None:
        """Build once by the bare commands, for the warm rounds of the bare side."""
        built = self._bare().prepare()
        self._run(built, ["sh", str(built.scripts[BUILD])])
        self.gate = replace(self.gate, place=built.place)

    def rows(self, case: str, rounds: int) -> list[Row]:
        """Ours over the bound and over the best schedule, which is named."""
        cold = case == "cold"
        if cold:
            self.gate = replace(self.gate, place=None)
        alone = self._alone(max(1, rounds // 2))
        schedules = self._schedules(alone, cold=cold)
        mine = self.ours_cold if cold else self.ours
        say(f"gate, {case}: {rounds} rounds of {len(schedules) + 1}")
        self.cpu.clear()
        times = interleave({OURS: mine, **schedules}, rounds)
        quickest = best(times, schedules)
        limit = bound(alone, cores())
        ours = times[OURS]
        found = [Row("gate", f"{NAME}, {case}", "the bound of any schedule", ratio(ours, [limit]), median(ours), limit)]
        named: Times = {OURS: ours, f"the best plain schedule: {quickest}": times[quickest]}
        found += rows("gate", f"{NAME}, {case}", named, dict.fromkeys(named, OVERHEAD))
        rest: Times = {OURS: ours} | {name: times[name] for name in schedules if name != quickest}
        found += rows("gate", f"{NAME}, {case}", rest, {})
        mine_cpu, theirs = median(self.cpu), sum(job.cpu for job in alone.values())
        work = f"{NAME}, {case}, processor time"
        return [*found, Row("gate", work, "the bare commands, each alone", mine_cpu / theirs, mine_cpu, theirs)]

    def _bare(self) -> Bare:
        return Bare(self.gate, self.root / f"bare{next(self.numbers)}")

    def _alone(self, rounds: int) -> dict[str, Work]:
        """Each bare job by itself, one after the other."""
        say(f"gate: each bare job alone, {rounds} rounds")
        seen: dict[str, list[tuple[float, float]]] = {}
        for _ in range(rounds):
            bare = self._bare().prepare()
            for name, script in bare.scripts.items():
                seen.setdefault(name, []).append(self._run(bare, ["sh", str(script)]))
        return {
            name: Work(bare.needs[name], median(wall for wall, _ in taken), median(cpu for _, cpu in taken))
            for name, taken in seen.items()
        }

    def _schedules(self, alone: dict[str, Work], *, cold: bool) -> dict[str, Callable[[], float]]:
        """Plain schedulers at our parallelism, in the matrix's order and the longest job first."""
        longest = sorted(alone, key=lambda name: -alone[name].wall)
        orders = {"as listed": list(alone), "longest first": longest}
        found: dict[str, Callable[[], float]] = {}
        for label, order in orders.items():
            found[f"make -j{cores()}, {label}"] = partial(self._make, order)
            if not cold:  # xargs knows no dependencies
                found[f"xargs -P{cores()}, {label}"] = partial(self._xargs, order)
        return found

    def _make(self, order: Iterable[str]) -> float:
        bare = self._bare().prepare()
        path = bare.root / "Makefile"
        path.write_text(makefile(bare.scripts, bare.needs, order))
        return self._run(bare, ["make", "--silent", f"-j{cores()}", "-f", str(path)])[0]

    def _xargs(self, order: Iterable[str]) -> float:
        bare = self._bare().prepare()
        path = bare.root / "list"
        path.write_text("".join(f"{bare.scripts[name]}\n" for name in order))
        return self._run(bare, ["xargs", f"-P{cores()}", "-n1", "-a", str(path), "sh"])[0]

    def _run(self, bare: Bare, argv: list[str]) -> tuple[float, float]:
        try:
            return timed_cpu(argv, env=dict(os.environ))
        except ProgramError as error:
            logs = "\n".join(path.read_text(errors="replace")[-500:] for path in sorted(bare.root.glob("*.log")))
            raise ProgramError(f"{error}\n{logs}") from error
