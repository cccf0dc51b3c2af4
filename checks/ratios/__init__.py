"""lidb against Postgres: the registry benchmark over several rounds, and whether its ratios may be believed.

    python3 -m ratios --benchmarks DIR --launcher FILE --engine FILE --rounds N --to FILE -- COMMAND…

One round under the launcher shows that the engine is called; its times do not count. The rounds that follow are timed
on the engine itself: a launcher's start would be part of the times. Each round must write its manifest anew. What comes
out is a document of figures: one for each scenario, its ratios over the rounds or why they were not measured.

What this cannot see: the statements that the engine ran (only that it was started), how many samples a P95 is of (only
rows), and on which disk its data lay.
"""
