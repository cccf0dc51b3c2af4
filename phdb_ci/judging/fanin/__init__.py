"""Results that other machines left → Gathered: GitHub's fan-in.

    results/<job>@<os>/result.json     one folder per leg, as `run --out` leaves it
    results/<job>@<os>@<attempt>/…     the same as an artifact, whose name ends in the attempt that uploaded it
    results/result.json                the only artifact that there is, which GitHub extracts without a folder
    needs.json                         what GitHub says of the run's own jobs: `toJSON(needs)`

Nothing that a result says of itself is believed but its facts: whether it is quarantined, what it must leave and what
its status is follow from the matrix.
"""

from phdb_ci.judging.fanin.gather import gather
from phdb_ci.judging.fanin.read import read_needs, read_results

__all__ = ["gather", "read_needs", "read_results"]
