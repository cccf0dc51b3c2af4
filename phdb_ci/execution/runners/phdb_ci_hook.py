"""Waits in every Python of a job for the modules that matter, and acts once one of them has been imported.

    _pytest.config     phdb_ci_recorder.py is attached: no option of pytest decides whether it is loaded
    venv, virtualenv   an environment that the job makes by itself gets the line that loads this file, too

It costs a look at a dictionary per import, and runs on every Python that a job may have (3.8 and later), with the
standard library alone. Without PHDB_CI_RECORDS in the environment it does nothing.
"""

from __future__ import annotations

import importlib.util
import os
import sys

TYPING = False
if TYPING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = "phdb-ci.pth"


def pth(folder: str = HERE) -> str:
    """The text of a .pth file that loads the hook of `folder`, as long as it is there."""
    load = "sys.path.append(p), __import__('phdb_ci_hook'), sys.path.remove(p)"
    return f"import os, sys; p = {folder!r}; os.environ.get('PHDB_CI_RECORDS') and os.path.isdir(p) and ({load})\n"


class _Run:
    """The pytest run of this process, if there is one: its depth in calls of pytest.main, and what records it."""

    depth = 0
    recorder: Any = None


def _attach_recorder(config: Any) -> None:
    entry = "_main" if hasattr(config, "_main") else "main"  # pytest 9 has both ways in call one function
    main, get_config = getattr(config, entry), config.get_config

    def recorded_main(*args: Any, **kwargs: Any) -> Any:
        code = None
        _Run.depth += 1
        try:
            code = main(*args, **kwargs)
        finally:
            _Run.depth -= 1
            if not _Run.depth and _Run.recorder is not None:
                _Run.recorder.finish(code)
                _Run.recorder = None
        return code

    def recorded_config(*args: Any, **kwargs: Any) -> Any:
        made = get_config(*args, **kwargs)
        given = args[0] if args else kwargs.get("args")
        _record(made, sys.argv[1:] if given is None else list(given))
        return made

    setattr(config, entry, recorded_main)
    config.get_config = recorded_config


def _record(config: Any, args: list[str]) -> None:
    """Register a recorder, but for a run inside another one; a worker of pytest-xdist is a part of its run."""
    inside = os.environ.get("PHDB_CI_INSIDE") and not os.environ.get("PYTEST_XDIST_WORKER")
    if _Run.recorder is not None or inside:
        return
    spec = importlib.util.spec_from_file_location("phdb_ci_recorder", os.path.join(HERE, "phdb_ci_recorder.py"))
    if spec is not None and spec.loader is not None:
        module = sys.modules["phdb_ci_recorder"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        _Run.recorder = module.Recorder(args)
        config.pluginmanager.register(_Run.recorder, f"phdb-ci-{os.urandom(6).hex()}")


def _pass_on(site_packages: str) -> None:
    """Write the line into an environment; one that cannot be written to has none, and its runs leave no record."""
    try:
        with open(os.path.join(site_packages, LINE), "w", encoding="utf-8") as file:
            file.write(pth())
    except OSError:
        pass


def _follow_venv(venv: Any) -> None:
    create = venv.EnvBuilder.create

    def create_and_pass_on(self: Any, env_dir: Any) -> None:
        create(self, env_dir)
        version = "python{}.{}".format(*sys.version_info)
        _pass_on(os.path.join(os.path.abspath(os.fspath(env_dir)), "lib", version, "site-packages"))

    venv.EnvBuilder.create = create_and_pass_on


def _follow_virtualenv(run: Any) -> None:
    cli_run = run.cli_run

    def run_and_pass_on(*args: Any, **kwargs: Any) -> Any:
        session = cli_run(*args, **kwargs)
        _pass_on(str(session.creator.purelib))
        return session

    run.cli_run = run_and_pass_on


AFTER: dict[str, Callable[[ModuleType], None]] = {
    "_pytest.config": _attach_recorder,
    "venv": _follow_venv,
    "virtualenv.run": _follow_virtualenv,
}


class Loader:
    """A module's own loader, and what is to be done once it has loaded the module."""

    def __init__(self, loader: Any, after: Callable[[ModuleType], None]) -> None:
        self._loader, self._after = loader, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """What the module's own loader makes."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Load the module as ever, then act; whatever fails there must not fail the job's import."""
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        try:
            self._after(module)
        except Exception as error:  # noqa: BLE001 - a run without a record is seen; a job that we broke is not
            sys.stderr.write(f"phdb-ci: {module.__name__} of this version cannot be recorded: {error!r}\n")


class Finder:
    """The first finder: it lets the others find a module that is waited for, and puts its own loader in front."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module that is waited for; None for any other."""
        after = AFTER.get(name)
        if after is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = Loader(spec.loader, after)  # type: ignore[assignment]
                return spec
        return None


if os.environ.get("PHDB_CI_RECORDS"):
    sys.meta_path.insert(0, Finder())
