"""What does each job notice? Jobs run against broken engines put in the artifact's place; reports are tampered with.

engine.py    the broken engine, a program of its own
faults.py    the faults by name; what can be wrong with a report
other.py     a build of another commit
measure.py   the whole table
"""

from phdb_ci.proving.measure import Estimate, measure, provable

__all__ = ["Estimate", "measure", "provable"]
