"""Reports: any report of a job → Suite; the results of a run → one JUnit file.

Everything here reads what a job wrote and believes none of it: cases are counted one by one, in constant
memory, and a file that cannot be trusted becomes a Suite with a `problem`, never an exception. No rule of
evidence lives here.
"""

from phdb_ci.reports.reader import read_report, read_suite, with_output

__all__ = ["read_report", "read_suite", "with_output"]
