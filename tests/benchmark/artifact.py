"""The engine from the store, against building it: with make, with Ninja, and with Ninja over a warm ccache.

The rebuild is the kindest to ccache that there is: the directory is configured, only the objects are gone.
"""

import json
import shutil
import sys
from pathlib import Path
from statistics import median

from phdb_ci.artifacts.store import Store, key_of
from phdb_ci.matrix import load
from phdb_ci.models.inventory import KeyInputs
from tests.benchmark.measure import Limit, Row, Times, interleave, ratio
from tests.benchmark.programs import BIN, HERE, clean_env, cores, missing, output, say, timed

NAME, TARGET = "embed", "lidb_embed"
CCACHE = "a rebuild with a warm ccache"
LIMIT = Limit("ratio", 0.1)


def run(root: Path, rounds: int) -> list[Row]:
    """Builds take seconds: half of the rounds."""
    if lacking := missing("cmake", "c++", "make"):
        say(f"artifact: left out, {', '.join(lacking)} not found")
        return []
    say("artifact: builds with make and Ninja, rebuilds with ccache, reuse from the store")
    builder = Builder(root)
    turns = {"a build (make)": builder.make, "a build (Ninja)": builder.ninja, CCACHE: builder.ccache}
    times: Times = interleave(turns, max(1, rounds // 2))
    ours = builder.reuse(20 * rounds)
    return [
        Row("artifact", "reuse from the store", name, ratio(ours, taken), median(ours), median(taken),
            limit=LIMIT if name == CCACHE else None)
        for name, taken in times.items()
    ]  # fmt: skip


class Builder:
    """The engine's sources in a folder of their own, and every way to get its binary."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "source"
        shutil.copytree(Path("tests/stack/lidb"), self.source)
        self.turn = 0
        self.env = clean_env(CCACHE_DIR=str(root / "ccache"))
        self.warm = self._configured("warm", "-GNinja", f"-DCMAKE_CXX_COMPILER_LAUNCHER={BIN / 'ccache'}")
        self._build(self.warm)

    def make(self) -> float:
        """A build from nothing."""
        return self._anew("-GUnix Makefiles")

    def ninja(self) -> float:
        """The same with Ninja."""
        return self._anew("-GNinja")

    def ccache(self) -> float:
        """Only what was compiled is gone; ccache has all of it."""
        output(["cmake", "--build", str(self.warm), "--target", "clean"], env=self.env)
        return self._build(self.warm)

    def reuse(self, rounds: int) -> list[float]:
        """Ours: a process that takes the binary from a store as often as asked for."""
        artifact = load(Path("matrix.toml")).artifacts[NAME]
        inputs = KeyInputs(
            artifact=NAME, trees={}, build=artifact.build, outputs=artifact.outputs, tools={}, platform="benchmark"
        )
        store = self.root / "store"
        Store(store).publish(self.warm, inputs, commit="0" * 40, source="benchmark", started="", seconds=0.0)
        words = [str(store), NAME, key_of(inputs), str(self.root / "placed"), str(rounds)]
        said = output([sys.executable, str(HERE / "child_artifact.py"), *words])
        return [float(seconds) for seconds in json.loads(said)]

    def _anew(self, generator: str) -> float:
        self.turn += 1
        folder = self.root / f"build{self.turn}"
        configure = self._configure(folder, generator)
        return timed(configure, env=self.env) + self._build(folder)

    def _configured(self, name: str, *options: str) -> Path:
        timed(self._configure(self.root / name, *options), env=self.env)
        return self.root / name

    def _configure(self, folder: Path, *options: str) -> list[str]:
        return ["cmake", "-S", str(self.source), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release", *options]

    def _build(self, folder: Path) -> float:
        return timed(["cmake", "--build", str(folder), "--target", TARGET, f"-j{cores()}"], env=self.env)
