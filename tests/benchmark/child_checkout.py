"""Our side of the checkout contest: a process that places a list of (mirror, commit, directory)."""

import json
import sys
from pathlib import Path

from phdb_ci.sources.git import checkout_many

if __name__ == "__main__":
    listed = json.loads(Path(sys.argv[1]).read_bytes())
    checkout_many(
        [(Path(mirror), commit, Path(dest)) for mirror, commit, dest in listed], jobs=int(sys.argv[2])
    )
