"""Plan → Results: obtain the artifacts, run the legs, watch, cancel. The verdict over what comes out is verdict.py's.

execute.py     a whole plan
schedule.py    any graph of callables on threads, longest path first
artifact.py    one artifact: from the store, handed in, or built under a lock
leg.py         one leg: workspace, commands, facts, status
reports.py     from a leg's report files to its suites
process.py     one command, with supervisor.py above it
context.py     what every node of a run shares
housekeeping   the cache's work and trash folders
"""
