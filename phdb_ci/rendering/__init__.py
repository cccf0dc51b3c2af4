"""Records → text for people and for GitHub. Pure: a record gives one text, anywhere.

Python decides what is shown and makes every value safe, templates only loop. No clock, no environment, no network; of
the disk only the templates.
"""
