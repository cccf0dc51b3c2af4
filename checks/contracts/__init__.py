"""PH-DB's contract checks: pytest suites that drive lidb_embed, lis, the bridge and liorm. See docs/contracts.md.

schemas/   one JSON Schema per contract: `$id` and `x-version` name it, `x-family` shares a protocol version
protocol/  what programs answer, held to the schemas
data/      what was acknowledged is there: after a crash, beside other writers, by every way in
roads/     what nobody promises yet
diff.py    a program: the records of two runs compared

The checkouts and the engine come in through the variables CONTRACTS_*; nothing here knows of phdb-ci.
"""
