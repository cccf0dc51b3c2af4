"""Gives a leg its services: a server, and on it one fresh database that is gone when the leg is over.

SERVERS has one entry for each kind of models/hosting.py: who makes it, for as long as a context lasts. Called with the
name, its row, the run, a folder of the leg's own, and the file of its log.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from phdb_ci.execution.context import Context
from phdb_ci.execution.services.postgres import database
from phdb_ci.execution.services.running import Running
from phdb_ci.models.hosting import Service, ServiceKind

__all__ = ["SERVERS", "Running"]

Server = Callable[[str, Service, Context, Path, Path], AbstractContextManager[Running]]
SERVERS: Mapping[ServiceKind, Server] = {"postgres": database.serving}
