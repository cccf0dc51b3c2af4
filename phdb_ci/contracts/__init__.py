"""The contracts between lidb, lis and the agents: JSON Schemas with versions, and the checks that drive the programs.

    *.schema.json   one contract each: `$id` and `x-version` name it, `x-family` shares a protocol version
    schemas.py      an answer against its contract: which field is wrong, in one line
    shapes.py       what the answers looked like, merged and written down; diff.py compares two such records
    drive.py        programs with time limits, bounded output, ended to the last child
    stack.py        how lis, the bridge, liorm and lidb_embed are called
    stage.py        what the checks share, and the order in which they run; report.py writes JUnit
    checks/         the checks, one function each, named by state and outcome
    probes/         small scripts that run inside the job's own Python, with lidb's packages

`python -m phdb_ci.contracts run …` is the job. Nothing here knows of the matrix, of plans or verdicts.
"""
