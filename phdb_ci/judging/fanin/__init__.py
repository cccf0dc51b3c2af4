"""Results that other machines left → Verdict: GitHub's fan-in.

    results/<job>@<os>/result.json     one folder per leg, as `run --out` leaves it
    needs.json                         what GitHub says of the run's own jobs: `toJSON(needs)`

Nothing that a result says of itself is believed but its facts: whether it is quarantined, what it must leave and what
its status is follow from the matrix.

    read.py      the files, bounded and validated
    gather.py    which legs are there, which are missing and why
    assemble.py  the verdict over them
"""

from phdb_ci.judging.fanin.assemble import verdict_of
from phdb_ci.judging.fanin.gather import Run, gather
from phdb_ci.judging.fanin.read import read_needs, read_results

__all__ = ["Run", "gather", "read_needs", "read_results", "verdict_of"]
