"""matrix.toml → Matrix. All problems are reported at once, each with its line and what was expected.

Shapes are pydantic's to check, what takes several values is for the rules (names, rules, placeholder_rules). A sound
file costs neither positions (locate) nor words about them (shapes, problems).
"""

from phdb_ci.matrix.load import load, parse, schema

__all__ = ["load", "parse", "schema"]
