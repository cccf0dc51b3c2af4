"""`python -m phdb_ci`: the same as the console script."""

from phdb_ci.cli import entry

if __name__ == "__main__":
    entry()
