"""phdb-ci: do these exact commits work together, and what does that answer rest on?"""

__version__ = "0.1.0"
