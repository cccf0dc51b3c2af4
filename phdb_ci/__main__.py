"""`python -m phdb_ci`: the same as the console script."""

import sys

from phdb_ci.cli import main

if __name__ == "__main__":
    sys.exit(main())
