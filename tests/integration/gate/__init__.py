"""The gate, end to end, on the stand-in stack: real git, cmake, node and python, no stubs."""
