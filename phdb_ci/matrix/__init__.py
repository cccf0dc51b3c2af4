"""matrix.toml → Matrix. All faults are reported at once, each with its line and what was expected.

    load    read, parse (tomllib), check shapes (pydantic) and rules; the one module that touches a disk
    check   the rules: names, rules (values that contradict each other), placeholder_rules
    table   the file as the rules read it: a value may be of any type, since all faults are shown in one run
    shapes  pydantic's findings in plain words; only for a faulty file, like the two below
    faults  what a fault is and how it is shown
    locate  text → where each key stands

There is no rule against cycles, since there can be none: jobs need artifacts, artifacts need repos, and no
job or artifact can name one of its own kind.
"""

from phdb_ci.matrix.load import load, parse, schema

__all__ = ["load", "parse", "schema"]
