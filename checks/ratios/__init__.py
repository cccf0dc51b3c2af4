"""lidb against Postgres: the registry benchmark over several rounds, and whether its ratios may be believed.

    python3 -m ratios --benchmarks DIR --launcher FILE --engine FILE --to FILE -- COMMAND…

One round, in the short profile, goes through the launcher and a recorder: it shows that the engine is called and
whether its answers hold rows; its times do not count. The rounds that follow are timed on the engine itself: a
launcher's start would be part of the times. The command runs in a copy of the checkout, because it rewrites tracked
files; each round must write its manifest anew. The benchmark's own threshold and status decide nothing. What comes out
is a document of figures: one for each scenario, its ratios over the rounds or why they were not measured. Times of
empty answers stand beside the reason why they are no ratio.

What this cannot see: what a statement of a timed round answered, how many samples a P95 is of (only how many statements
the witnessed round had), whether the rows are the right ones, and on which disk the data lay.
"""
