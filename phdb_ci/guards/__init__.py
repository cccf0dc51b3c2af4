"""The guards: what must never become true of the stack, read off the files of its checkouts.

    checkout.py   the files of a checkout, bounded; findings
    kinds.py      kinds of files by their paths, and which of them must be read
    code.py       comments blanked out; shell.py: commands of a script; prose.py: statements of a page
    sequence.py   what follows a command in a line of shell; recipes.py: makefiles and justfiles
    yaml.py       YAML as text with lines, by ruamel.yaml; workflows.py: jobs and steps
    sqlite.py, store.py, tcp.py, e2e.py, images.py, dashboard.py, claims.py   the guards
    table.py      all guards by name; report.py: lines for people and the harness, JUnit

`python -m phdb_ci.guards NAME=DIR …` is the job. A guard is a pure function of files: it runs nothing, follows no link
out of a checkout and needs neither git nor a network. What it cannot tell is a failure, never a pass.
Lines are matched to their end, so every pattern must be linear: `tests/test_guards.py` measures them on hostile text.

They find drift and lazy shortcuts. Out of reach: what is hidden on purpose (names put together at run time, code that
is encoded, downloaded or generated), what other repos, images and settings of GitHub hold, Python that runs the engine
suite without `check=True`, a store whose default is chosen in another module, numbers that are consistent and made up,
claims that are spread over sentences or drawn in pictures.
Nothing here knows of the matrix, of plans or verdicts.
"""
