"""The fake-green corpus: ways to look green without having tested, and honest variants that must stay green.

    cases/*.toml   the corpus, one file per theme: what is done to the stand-in stack, what it must get, and why
    files/         longer texts that cases put into the stack (`"@name"`)
    corpus.py      reads the corpus; pure but for that
    stage.py       does what a case says to a scenario, runs it, and gathers what was said
    plain.py       what a plain exit code and a plain JUnit count say of the very same run
    score.py       results → caught, missed, false alarms; pure
    table.py       results → terminal, JSON; pure

`nox -s fakegreen -- [--only ID…]`, or `python -m tests.fakegreen`. A case is a mistake, drift or wishful thinking, as
they happen; what takes a job that is out to deceive (README, "What it cannot see") is none.
"""
