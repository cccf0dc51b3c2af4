"""Gives a leg its services: a server, and on it one fresh database that is gone when the leg is over.

SERVERS has one entry for each kind of models/hosting.py: who makes it.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from phdb_ci.execution.services.place import Place, Running
from phdb_ci.execution.services.postgres import database
from phdb_ci.models.hosting import Service, ServiceKind

__all__ = ["SERVERS", "Place", "Running", "serving"]

SERVERS: Mapping[ServiceKind, Callable[[str, Service, Place], AbstractContextManager[Running]]] = {
    "postgres": database.serving
}


def serving(name: str, service: Service, place: Place) -> AbstractContextManager[Running]:
    """A service for as long as the context lasts. Raises ToolError, UsageError or Interrupted when there is none."""
    return SERVERS[service.kind](name, service, place)
