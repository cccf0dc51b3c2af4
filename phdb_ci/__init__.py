"""phdb-ci: do these exact commits work together, and what evidence supports the answer?"""

__version__ = "0.1.0"
