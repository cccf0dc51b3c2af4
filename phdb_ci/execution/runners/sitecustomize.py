"""Python imports this when it starts, as its folder is the first of PYTHONPATH: it loads the hook, then the next one.

The next one is the `sitecustomize` that Python would have imported otherwise: the system's, or one of the job's own.
"""

import importlib.machinery
import importlib.util
import os
import sys

import phdb_ci_hook  # noqa: F401 - it acts by being imported

HERE = os.path.dirname(os.path.abspath(__file__))


def _next() -> None:
    others = [folder for folder in sys.path if os.path.abspath(folder or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


_next()
