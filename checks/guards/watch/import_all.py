"""Imports every module of the packages in the folders that are named; one that cannot be imported is passed over."""

import importlib
import pkgutil
import sys

for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    for package in pkgutil.iter_modules([folder]):
        if not package.ispkg or package.name == "tests":
            continue
        modules = pkgutil.walk_packages([f"{folder}/{package.name}"], f"{package.name}.", onerror=lambda _: None)
        for name in [package.name, *(module.name for module in modules)]:
            if name.endswith("__main__"):
                continue
            try:
                importlib.import_module(name)
            except (Exception, SystemExit) as error:
                print(f"{name}: {error}", file=sys.stderr)
