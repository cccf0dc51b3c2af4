"""Tests of phdb-ci; they mirror its modules."""
