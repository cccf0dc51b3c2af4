"""Postgres: database.py gives a leg its own database, on a server from address.py or wheel.py, until keeper.py ends."""
