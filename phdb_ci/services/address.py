"""The address of a Postgres server, and its own client `psql`: one statement per call, no password on a command line.

Nothing here starts or ends a server.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from phdb_ci.errors import UsageError

SCHEMES = ("postgresql", "postgres")
LOOPBACK = ("127.0.0.1", "::1", "localhost", None)
PATIENCE = 15.0  # seconds for one statement


@dataclass(frozen=True)
class Address:
    """A server and a user on it; `url()` names one of its databases."""

    parts: SplitResult

    @classmethod
    def of(cls, text: str, variable: str) -> "Address":
        """The address that a variable holds. Raises UsageError for what is none."""
        try:
            parts = urlsplit(text.strip())
            parts.port  # noqa: B018 - a port that is no number raises here
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in SCHEMES:
            raise UsageError(f"{variable} is no address of the form postgresql://user@host:port/database")
        return cls(parts)

    def at(self, port: int) -> "Address":
        """The same with a port in the place of `{port}`; an address without one is as it was."""
        return Address(self.parts._replace(netloc=self.parts.netloc.replace("{port}", str(port))))

    @property
    def remote(self) -> bool:
        """Whether the network is between this machine and the server."""
        return self.parts.hostname not in LOOPBACK

    def url(self, database: str | None = None, *, password: bool = True) -> str:
        """The address with another database; a `dbname=` behind the `?` would overrule it, so it goes."""
        path = self.parts.path if database is None else f"/{database}"
        netloc = self.parts.netloc
        if not password and self.parts.password is not None:
            user, _, host = netloc.rpartition("@")
            netloc = f"{user.partition(':')[0]}@{host}"
        kept = [pair for pair in parse_qsl(self.parts.query) if database is None or pair[0] != "dbname"]
        return f"{self.parts.scheme}://{netloc}{path}" + (f"?{urlencode(kept)}" if kept else "")

    def psql(self, program: Path, statement: str) -> list[str]:
        """The command line of one statement."""
        options = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        return [str(program), *options, "-d", self.url(password=False), "-c", statement]

    def env(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of that command line."""
        secret = {"PGPASSWORD": unquote(self.parts.password)} if self.parts.password else {}
        return {**base, "PGCONNECT_TIMEOUT": "5", **secret}

    def ask(self, program: Path, statement: str, base: Mapping[str, str]) -> str:
        """The answer to a statement. Raises OSError when there is none; the text says why."""
        try:
            done = subprocess.run(
                self.psql(program, statement), env=self.env(base), stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors="replace", timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise OSError(f"no answer within {PATIENCE:.0f} s") from None
        if done.returncode:
            raise OSError((done.stderr.strip().splitlines() or ["psql failed"])[0][:300])
        return done.stdout.strip()
