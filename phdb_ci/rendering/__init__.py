"""Records → text for people and for GitHub. Pure: a record gives one text, anywhere.

Every value from a repository is made safe in Python. No clock, no environment, no network; of the disk only the
templates.
"""
