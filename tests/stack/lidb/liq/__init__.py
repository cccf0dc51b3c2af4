"""liq: a small query language that compiles to one SQL statement with typed parameters."""

from .compiler import Compiled, compile
from .errors import LiqError

__all__ = ["Compiled", "LiqError", "compile"]
