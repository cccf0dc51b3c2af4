"""The guards: what must never become true of the stack. A pytest suite, run as the job `guards`.

    rules.toml      the rules, as data: files, pattern, exceptions with their reasons
    rules.py        reads the rules and the files that they name; finds what breaks them
    manifests.py    green results of a benchmark that no measurement supports
    probes.py       runs the stack's programs once and records what they load and open
    watch/          what a Python program reports about itself while it runs
    store.mjs       asks the agents' own code for its default store
    test_guards.py  one case per guard, named like it

A guard that cannot tell fails. What the guards do not see: docs/guards.md.
"""
