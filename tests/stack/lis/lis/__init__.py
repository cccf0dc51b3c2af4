"""lis: a supervisor for lidb data directories."""
