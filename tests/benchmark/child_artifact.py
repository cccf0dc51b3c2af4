"""An artifact from the store, again and again in one process: find it, check its digests, place a copy.

python child_artifact.py STORE ARTIFACT KEY FOLDER ROUNDS     prints the seconds of each round as JSON
"""

import json
import sys
import time
from pathlib import Path

from phdb_ci.artifacts.store import Store, place


def main(store: str, artifact: str, key: str, folder: str, rounds: str) -> list[float]:
    taken = []
    for number in range(int(rounds) + 1):
        started = time.perf_counter()
        found = Store(Path(store)).find(artifact, key)
        assert found is not None
        place(found, Path(folder) / str(number))
        taken.append(time.perf_counter() - started)
    return taken[1:]  # the first one builds validators, as any first use in a run does


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
