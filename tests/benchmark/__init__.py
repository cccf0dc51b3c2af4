"""The benchmark: `nox -s benchmark -- [SECTION…]`, or `python -m tests.benchmark` with the group installed.

    measure.py    rounds, medians, ratios, rows; all of it pure
    programs.py   run a program and time it; the machine it ran on
    table.py      rows → terminal, Markdown, JSON; pure
    gate.py       a whole gate against the bare commands (bare.py) under plain schedulers
    checkouts.py  checkouts against git and its peers (remotes.py makes the repositories)
    artifact.py   an artifact from the store against building it
    startup.py    start-up against the bare interpreter
    reports.py    reading JUnit against junitparser
    child_*.py    what runs as a process of its own, so that imports count

Contestants take turns, round by round, so that a machine that gets slower does so for all; a ratio is the
median of the rounds' own ratios. All that is made lies in one temporary directory.
"""
