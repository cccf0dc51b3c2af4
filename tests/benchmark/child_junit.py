"""Read one JUnit file in a fresh process; prints seconds (with imports), peak memory (kB), number of cases.

python child_junit.py phdb-ci|junitparser|nothing FILE
"""

import json
import resource
import sys
import time
from pathlib import Path


def ours(path: Path) -> int:
    from phdb_ci.reports import read_report

    suite = read_report("junit", path, skips={"*": "all of them"}, critical=())
    assert suite.problem is None, suite.problem
    counts = suite.counts
    return counts.executed + counts.skipped + counts.todo


def junitparser(path: Path) -> int:
    from junitparser import JUnitXml

    return sum(1 for suite in JUnitXml.fromfile(str(path)) for _ in suite)


def nothing(_path: Path) -> int:
    return 0


def peak() -> int:
    """The most memory that this program had at once; the process's own figure may be its parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    read = {"phdb-ci": ours, "junitparser": junitparser, "nothing": nothing}[sys.argv[1]]
    started = time.perf_counter()
    count = read(Path(sys.argv[2]))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak": peak(), "cases": count}))
