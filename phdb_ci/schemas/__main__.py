"""`python -m phdb_ci.schemas`: rewrite the JSON Schemas that are not current."""

import sys

from phdb_ci.schemas import rewrite

for path in rewrite():
    sys.stdout.write(f"rewrote {path}\n")
