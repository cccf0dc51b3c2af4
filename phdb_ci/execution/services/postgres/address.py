"""The address of a Postgres server: another database on it, the same without a password. Connects to nothing.

A password may stand before the host or behind the `?`, where libpq prefers it. That of a client key (`sslpassword`)
has no variable: the job gets it, the harness's own client does without.
"""

import contextlib
import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from phdb_ci.errors import UsageError
from phdb_ci.models.hosting import SERVICE_KINDS

HIDDEN = ("password", "sslpassword")  # behind the `?`


@dataclass(frozen=True)
class Address:
    """A server and a user on it; `url()` names one of its databases."""

    parts: SplitResult

    @classmethod
    def of(cls, text: str, variable: str) -> "Address":
        """The address that a variable holds. Raises UsageError for a text that is no address of Postgres."""
        try:
            parts = urlsplit(text.strip(), allow_fragments=False)
            parts.port  # noqa: B018 - a port that is no number raises here
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in SERVICE_KINDS["postgres"]:
            raise UsageError(f"{variable} is no address of the form postgresql://user@host:port/database")
        return cls(parts)

    @property
    def remote(self) -> bool:
        """Whether the network is between this machine and a server; behind the `?`, hostaddr and host overrule."""
        hosts = self._option("hostaddr") or self._option("host") or unquote(self.parts.hostname or "")
        return not all(map(_is_local, hosts.split(",")))

    @property
    def password(self) -> str:
        """The password, wherever it stands; empty when there is none."""
        return self._option("password") or unquote(self.parts.password or "")

    def url(self, database: str | None = None, *, password: bool = True) -> str:
        """The address with another database; a `dbname=` behind the `?` would overrule it, so it goes."""
        path = self.parts.path if database is None else f"/{database}"
        netloc = self.parts.netloc
        if not password and self.parts.password is not None:
            user, _, host = netloc.rpartition("@")
            netloc = f"{user.partition(':')[0]}@{host}"
        dropped = (() if database is None else ("dbname",)) + (() if password else HIDDEN)
        options = "&".join(text for name, text in self._options() if name not in dropped)
        return f"{self.parts.scheme}://{netloc}{path}" + (f"?{options}" if options else "")

    def _options(self) -> list[tuple[str, str]]:
        """What stands behind the `?`, name and text as it is: `+` means itself there."""
        parts = filter(None, self.parts.query.split("&"))
        return [(unquote(part.partition("=")[0]), part) for part in parts]

    def _option(self, wanted: str) -> str:
        """The last option of that name behind the `?`; empty when there is none."""
        values = [unquote(part.partition("=")[2]) for name, part in self._options() if name == wanted]
        return values[-1] if values else ""


def _is_local(host: str) -> bool:
    """A socket (a path, or `@` and a name), this machine's own name, or an address of its loopback."""
    if host.lower() in ("", "localhost") or host.startswith(("/", "@")):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
