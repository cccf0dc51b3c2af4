"""Issue: a failure of one leg as a report for the repository that it is about."""

from phdb_ci.models.base import Name, Record


class Issue(Record):
    """A report that is ready to be filed.

    Attributes:
        repository: the page of the repository on GitHub; None where it is none, or not known.
        cases: the titles of the failing cases that it is about; none where the job failed without one.
        title: one line of plain text.
        body: Markdown, in which nothing from a repository is more than text.
    """

    repository: str | None
    job: Name
    cases: tuple[str, ...] = ()
    title: str
    body: str
