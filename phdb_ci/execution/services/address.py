"""The address of a Postgres server, and its own client `psql`: one statement per call, no password on a command line.

A password may stand before the host or behind the `?`, where libpq prefers it. That of a client key (`sslpassword`)
has no variable: the job gets it, our own client does without. Nothing here starts or ends a server.
"""

import contextlib
import ipaddress
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from phdb_ci.errors import UsageError

SCHEMES = ("postgresql", "postgres")
HIDDEN = ("password", "sslpassword")  # behind the `?`
PATIENCE = 15.0  # seconds for one statement


@dataclass(frozen=True)
class Address:
    """A server and a user on it; `url()` names one of its databases."""

    parts: SplitResult

    @classmethod
    def of(cls, text: str, variable: str) -> "Address":
        """The address that a variable holds. Raises UsageError for what is none."""
        try:
            parts = urlsplit(text.strip(), allow_fragments=False)
            parts.port  # noqa: B018 - a port that is no number raises here
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in SCHEMES:
            raise UsageError(f"{variable} is no address of the form postgresql://user@host:port/database")
        return cls(parts)

    def on(self, database: str) -> "Address":
        """The same with another database."""
        return Address(urlsplit(self.url(database), allow_fragments=False))

    def at(self, port: int) -> "Address":
        """The same with a port in the place of `{port}`; an address without one is as it was."""
        return Address(self.parts._replace(netloc=self.parts.netloc.replace("{port}", str(port))))

    @property
    def remote(self) -> bool:
        """Whether the network is between this machine and a server; behind the `?`, hostaddr and host overrule."""
        hosts = self._option("hostaddr") or self._option("host") or unquote(self.parts.hostname or "")
        return not all(map(_is_local, hosts.split(",")))

    @property
    def password(self) -> str:
        """The password, wherever it stands; empty when there is none."""
        return self._option("password") or unquote(self.parts.password or "")

    def _pairs(self) -> list[tuple[str, str]]:
        """What stands behind the `?`, name and text as it is: `+` means itself there."""
        parts = filter(None, self.parts.query.split("&"))
        return [(unquote(part.partition("=")[0]), part) for part in parts]

    def _option(self, wanted: str) -> str:
        """The last option of that name behind the `?`; empty when there is none."""
        found = [unquote(part.partition("=")[2]) for name, part in self._pairs() if name == wanted]
        return found[-1] if found else ""

    def url(self, database: str | None = None, *, password: bool = True) -> str:
        """The address with another database; a `dbname=` behind the `?` would overrule it, so it goes."""
        path = self.parts.path if database is None else f"/{database}"
        netloc = self.parts.netloc
        if not password and self.parts.password is not None:
            user, _, host = netloc.rpartition("@")
            netloc = f"{user.partition(':')[0]}@{host}"
        gone = (() if database is None else ("dbname",)) + (() if password else HIDDEN)
        kept = "&".join(part for name, part in self._pairs() if name not in gone)
        return f"{self.parts.scheme}://{netloc}{path}" + (f"?{kept}" if kept else "")

    def psql(self, program: Path, statement: str) -> list[str]:
        """The command line of one statement."""
        options = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        return [str(program), *options, "-d", self.url(password=False), "-c", statement]

    def env(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment of that command line."""
        secret = {"PGPASSWORD": self.password} if self.password else {}
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


def _is_local(host: str) -> bool:
    """A socket (a path, or `@` and a name), this machine's own name, or an address of its loopback."""
    if host.lower() in ("", "localhost") or host.startswith(("/", "@")):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
