"""Postgres's own count of the rows that were written and read in the job's database."""

import time

# Who is connected, and the rows of the job's own tables that were written and read. A table that was dropped has no
# statistics of its own any more, so this takes the whole database's and leaves out the catalogs': theirs have the
# numbers below 16384, and creating a table alone makes eighty rows in them. An index that is read counts by entries.
# The question itself reads catalogs alone, so it does not count.
COUNTS = (
    "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = d.datname AND pid <> pg_backend_pid()), "
    "d.tup_inserted + d.tup_updated + d.tup_deleted - c.written, d.tup_returned - c.read "
    "FROM pg_stat_database d, (SELECT sum(pg_stat_get_tuples_inserted(oid) + pg_stat_get_tuples_updated(oid) "
    "+ pg_stat_get_tuples_deleted(oid)) AS written, sum(pg_stat_get_tuples_returned(oid)) AS read "
    "FROM pg_class WHERE oid < 16384 AND NOT relisshared) c WHERE d.datname = current_database()"
)
FLUSH = 2.0  # seconds in which a server counts what a client did that has just gone


class Server:
    """A server as it counts for itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._seen = (0, 0)

    def moved(self) -> tuple[int, int] | None:
        """Rows written and read since the last look; None when the server does not answer.

        What a client did is counted when it has gone, at the latest.
        """
        import psycopg  # noqa: PLC0415 - only a measurement needs it

        deadline = time.monotonic() + FLUSH
        while True:
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    row = connection.execute(COUNTS).fetchone()
            except psycopg.Error:
                return None
            connected, written, read = map(int, row or (0, 0, 0))
            if connected == 0 or time.monotonic() > deadline:
                before, self._seen = self._seen, (written, read)
                return written - before[0], read - before[1]
            time.sleep(0.02)
