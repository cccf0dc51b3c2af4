"""matrix.toml → Matrix. All problems are reported at once, each with its line and what was expected.

load      read, parse (tomllib), check shapes (pydantic) and rules; the one module that touches a disk
names, rules, placeholder_rules   rules over several values
table     the file as the rules read it: a value may be of any type, since all problems are shown in one run
shapes    pydantic's findings in plain words; only for a wrong file, like the two below
problems  what a problem is and how it is shown
locate    text → where each key and value stands
bump      new commits for the file, and its text with them
"""

from phdb_ci.matrix.load import load, parse, schema

__all__ = ["load", "parse", "schema"]
