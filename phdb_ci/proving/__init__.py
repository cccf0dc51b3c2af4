"""What does each job notice? Jobs run with broken artifacts and repos in their place; reports are tampered with.

variants.py    broken artifacts and repos, made by the matrix's own commands
tampering.py   what can be wrong with a report
measure.py     the whole table
"""
