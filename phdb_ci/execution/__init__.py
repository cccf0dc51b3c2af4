"""Plan → Results: obtain the artifacts, run the legs, watch, cancel. The verdict over what comes out is verdict.py's.

schedule.py   any graph of callables on threads, longest path first
artifact.py   one artifact: from the store, handed in, or built under a lock
leg.py        one leg: workspace, commands, facts, status
reports.py    from a leg's report files to its suites
housekeeping  the cache's work and trash folders
"""

from phdb_ci.execution.context import Context, Progress
from phdb_ci.execution.execute import Results, run_plan

__all__ = ["Context", "Progress", "Results", "run_plan"]
