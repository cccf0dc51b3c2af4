"""Reports: any report of a job → Suite; the results of a run → one JUnit file.

Everything here reads what a job wrote and believes none of it: cases are counted one by one, in constant
memory, and a file that cannot be trusted becomes a Suite with a `problem`, never an exception. No rule of
evidence lives here.
"""

from phdb_ci.reports.dialects import XmlKind
from phdb_ci.reports.lines import read_lines
from phdb_ci.reports.reader import read_report
from phdb_ci.reports.said import with_output
from phdb_ci.reports.tally import exit_suite
from phdb_ci.reports.writer import write_junit

__all__ = ["XmlKind", "exit_suite", "read_lines", "read_report", "with_output", "write_junit"]
