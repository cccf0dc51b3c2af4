"""A Postgres server for one leg alone: where its cluster lies, as whom it runs, its command lines. Starts nothing.

It listens on 127.0.0.1 and a free port and has no Unix socket (no path can be too long); a password by chance keeps
other users of the machine out. fsync and every other setting that costs time stay as Postgres has them, because the
engine that it is compared with is durable too; for the same reason the cluster lies on the disk of the job's data.
"""

import contextlib
import os
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from phdb_ci.errors import ToolError
from phdb_ci.execution.services.address import Address
from phdb_ci.execution.services.binaries import Binaries, reachable

USERS = ("postgres", "nobody")  # as whom a server runs that root has started: Postgres refuses root
FOLDERS = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - one of our own is made in it
SETTINGS = {
    "listen_addresses": "127.0.0.1", "port": "{port}", "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the cluster: a kill leaves nothing in /dev/shm
}  # fmt: skip


@dataclass(frozen=True)
class Cluster:
    """A server to be; the keeper fills in `{port}`."""

    folder: Path
    programs: Binaries
    user: pwd.struct_passwd | None
    password: str

    @classmethod
    def plan(cls, leg: Path, programs: Binaries) -> "Cluster":
        """Choose its folder: in the leg's own, so that both engines write to one disk, or where its user can go."""
        user, folder = _user(), leg / "server"
        if user and not reachable(leg.parent):
            folder = _near(leg) / f"phdb-ci-{secrets.token_hex(8)}"
        elif user:
            leg.chmod(0o711)  # it holds nothing that others may not see
        return cls(folder, programs, user, secrets.token_hex(16))

    @property
    def copies(self) -> bool:
        """Whether its user cannot go where the programs are, so that it gets a copy of them."""
        return self.user is not None and not reachable(self.programs.bin)

    @property
    def admin(self) -> Address:
        """Its superuser."""
        return Address(urlsplit(f"postgresql://postgres:{self.password}@127.0.0.1:{{port}}/postgres"))

    def orders(self) -> dict[str, object]:
        """What the keeper needs: it makes the folder too. initdb alone does without fsync, nothing is measured then."""
        data, secret = self.folder / "data", self.folder / "password"
        programs = self.programs.moved(self.folder / "programs") if self.copies else self.programs
        return {
            "folder": str(self.folder), "data": str(data), "secret": [str(secret), self.password],
            "copy": [str(self.programs.root), str(programs.root)] if self.copies else None,
            "uid": self.user.pw_uid if self.user else None, "gid": self.user.pw_gid if self.user else None,
            "init": [
                str(programs.bin / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
            ],
            "run": [
                str(programs.bin / "postgres"), "-D", str(data),
                *(word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")),
            ],
        }  # fmt: skip


def _near(leg: Path) -> Path:
    """A folder that every user may write in, on the disk of the leg where there is one."""
    found = [one for one in FOLDERS if one.is_dir()]
    if not found:
        raise ToolError(
            f"Postgres does not run as root, and no other user has a place: no {FOLDERS[0]}, no {FOLDERS[1]}"
        )
    return min(found, key=lambda one: one.stat().st_dev != leg.stat().st_dev)


def _user() -> pwd.struct_passwd | None:
    """None for whoever we are; where we are root, an unprivileged user that is there."""
    if os.geteuid() != 0:
        return None
    for name in USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ToolError(f"Postgres does not run as root, and this machine has no user {' or '.join(USERS)}")
