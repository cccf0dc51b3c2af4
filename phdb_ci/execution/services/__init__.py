"""Gives a leg its services: a server, and on it one fresh database that is gone when the leg is over.

serve.py is what a leg uses; cluster.py lays out a server of our own, binaries.py finds the programs, address.py
speaks to a server, keeper.py is the process that starts and ends it.
"""

from phdb_ci.execution.services.serve import Place, Running, serving

__all__ = ["Place", "Running", "serving"]
