"""Our side of the checkout contest: a process that places a list of (mirror, commit, directory)."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from phdb_ci.sources.git.place import Checkout, checkout


def _place(wanted: tuple[str, str, str]) -> Checkout:
    mirror, commit, dest = wanted
    return checkout(Path(mirror), commit, Path(dest), again=True)


if __name__ == "__main__":
    with ThreadPoolExecutor(max_workers=int(sys.argv[2])) as pool:
        list(pool.map(_place, json.loads(Path(sys.argv[1]).read_bytes())))
