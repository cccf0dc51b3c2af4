"""`lis db …`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from . import profile
from .errors import LisError
from .supervisor import Supervisor


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lis")
    areas = parser.add_subparsers(dest="area", required=True)
    commands = areas.add_parser("db", help="the database").add_subparsers(dest="command", required=True)
    for name, what in {
        "start": "migrate, register the plans, become ready",
        "migrate": "bring the schema up to date",
        "status": "exit 0 only when ready",
        "stop": "forget the state, keep the data",
    }.items():
        command = commands.add_parser(name, help=what)
        command.add_argument("--json", action="store_true", help="print a JSON document")
        command.add_argument("--data-dir", default=os.environ.get("LI_DATA_DIR", "./.li-data"))
        command.add_argument("--profile", default=os.environ.get("LI_PROFILE", "registry-min"))
    return parser


def _show(command: str, document: dict[str, Any], *, as_json: bool) -> None:
    """Print a document; `status` is one in any case, `stop` is one line of it."""
    if as_json or command == "status":
        print(json.dumps(document, indent=2 if as_json and command != "stop" else None))
    else:
        print(f"lis db {command}: ok data_dir={document['data_dir']}")


def main(argv: list[str] | None = None) -> int:
    """Run one command."""
    args = _parser().parse_args(argv)
    try:
        supervisor = Supervisor(Path(args.data_dir), profile.load(args.profile))
        document: dict[str, Any] = getattr(supervisor, args.command)()
    except LisError as error:
        print(f"lis: {error}", file=sys.stderr)
        return 1
    _show(args.command, document, as_json=args.json)
    return 0 if document.get("ready", True) else 1


if __name__ == "__main__":
    sys.exit(main())
