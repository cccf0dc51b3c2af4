"""Records → text for people and for GitHub. Pure: a record gives one text, anywhere.

    comment/         a verdict as the pull request's comment, the step summary, the commit status
    workflows.py     a matrix as workflow files
    matrix_page.py   a matrix as a page, proofs_page.py what its jobs notice
    markdown.py      text → Markdown that GitHub shows as that text and as nothing else

Python decides what is shown and makes every value safe, templates only loop. No clock, no environment, no network; of
the disk only the templates.
"""
