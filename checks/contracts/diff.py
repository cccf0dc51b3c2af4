"""`python diff.py OLD NEW`: what the programs of two runs answer, compared field by field.

OLD and NEW are records (`contract-shapes.json`) or directories that hold one. A field that goes, changes its type, may
be null now or is no longer in every answer breaks those who read it, and needs a higher major version; an added field
does not. Exit 0: nothing is broken, 1: something is, 2: nothing was compared. Needs nothing but Python.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RECORD, RESULT = ("contract-shapes.json", "result.json")  # the record of a job; the leg's result, in the folder above
LIMIT = 8 * 1024 * 1024  # bytes of a record; ours has some ten kilobytes
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){0,2}")
ABSENT: dict[str, Any] = {"family": "", "versions": [], "fields": {}}
Contracts = Mapping[str, Mapping[str, Any]]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="contracts-diff", description="Compare the answers of two runs.")
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    arguments = parser.parse_args(argv)
    try:
        (old, of_old), (new, of_new) = read(arguments.old), read(arguments.new)
        broken, lines = report(old, new)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        print(plain(f"not two records that can be compared: {error or type(error).__name__}"), file=sys.stderr)
        return 2
    print("\n".join(map(plain, [f"old: {of_old}", f"new: {of_new}", *lines])))
    return int(broken > 0)


def report(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[int, list[str]]:
    """How many contracts are broken, and the comparison for people: a line per contract that differs, its fields below.

    Raises ValueError when the old record lacks contracts because cases have failed in its run: they would pass for new.
    """
    lacking = sorted(set(new["contracts"]) - set(old["contracts"]))
    if old["failed"] and lacking:
        raise ValueError(f"the old one lacks {', '.join(lacking)}, and cases have failed in its run")
    lines, broken, same = [], 0, 0
    for name in sorted({*old["contracts"], *new["contracts"]}):
        was, now, changes, reason = compare(name, old["contracts"], new["contracts"])
        if not changes and not reason and was == now:
            same += 1
            continue
        broken += bool(reason)
        lines.append(f"{'BROKEN' if reason else 'ok':6} {name} (protocol version {was or 'none'} → {now or 'none'})")
        lines += [f"         {change}" for change in changes] + ([f"       ✗ {reason}"] if reason else [])
    lines.append(f"{same} the same, {len(lacking)} not compared: the old record lacks them")
    if broken:
        lines.append(f"{broken} broken: give a higher major protocol version, or bring the fields back")
    return broken, lines


def compare(name: str, old: Contracts, new: Contracts) -> tuple[str | None, str | None, list[str], str]:
    """One contract: its versions, what has changed, and why it is broken (empty: it is not)."""
    before, after = old.get(name, ABSENT), new.get(name, ABSENT)
    family = (after if name in new else before)["family"]
    was, now = _version(old, name, family) if name in old else None, _version(new, name, family)
    breaks, added = changes(before["fields"], after["fields"])
    reason = _reason(was if name in old else now, now, _version(new, "", family) or now, breaks)
    return was, now, breaks + added, reason


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What became of the fields: what breaks a reader, and what was added; of a part as a whole only its top."""
    breaks = [f"{path} removed ({_types(old[path])})" for path in _tops(old.keys() - new.keys())]
    breaks += [f"{path} {change}" for path in old if path in new and (change := _change(old[path], new[path]))]
    return breaks, [f"{path} added ({_types(new[path])})" for path in _tops(new.keys() - old.keys())]


def read(place: Path) -> tuple[dict[str, Any], str]:
    """The one record at a place, and the commits of its run. Raises ValueError when there is none, or not one."""
    below = [path for path in place.rglob(RECORD) if path.is_file() and not path.is_symlink()]
    paths = sorted(below) if place.is_dir() else [place]
    contents = {path.open("rb").read(LIMIT) for path in paths}
    if len(contents) != 1:
        raise ValueError(f"{place} holds {len(contents) or 'no'} {RECORD}{' that differ' if contents else ''}")
    record = json.loads(contents.pop())
    if record["schema"] != 1 or record["status"] != "recorded" or not record["contracts"]:
        raise ValueError(f"{paths[0]} holds no contract")
    failed = f"; {len(record['failed'])} cases have failed there" if record["failed"] else ""
    return record, _commits(paths[0].absolute().parents[1] / RESULT) + failed


def plain(text: str) -> str:
    """A text as a terminal may show it: one line of a bounded length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:1000])


def _reason(was: str | None, now: str | None, shared: str | None, breaks: Sequence[str]) -> str:
    """Why a contract is broken; `shared` is the lowest version of its family."""
    for version in (was, now):
        if _numbers(version) is None:
            return f"{version!r:.60} is no protocol version: 1, 1.2 or 1.2.3 is one"
    old, new, family = _numbers(was) or (), _numbers(now) or (), _numbers(shared) or (0,)
    if new[0] != family[0]:
        return f"says {now or 1} where another contract of its family says {shared}: they share one version"
    if new < old:
        return f"the protocol version went down: {was or 1} became {now or 1}"
    if breaks and new[0] <= old[0]:
        step = f"is still {now or 1}" if was == now else f"{was or 1} became {now or 1}"
        return f"{breaks[0].partition(' (')[0]}, and the protocol version {step}"
    return ""


def _version(contracts: Contracts, name: str, family: str) -> str | None:
    """What the answers of a contract said, else the lowest version of its family; None (no version) means 1."""
    versions = contracts.get(name, ABSENT)["versions"]
    if len(versions) > 1:
        return " and ".join(map(json.dumps, versions))
    members = (shape["versions"] for shape in contracts.values() if family and shape["family"] == family)
    known = versions or [version for versions in members for version in versions]
    return min(map(str, known), key=lambda version: _numbers(version) or (), default=None)


def _numbers(version: str | None) -> tuple[int, ...] | None:
    """A version as three numbers; None for what is no version."""
    if version is None:
        return 1, 0, 0
    return tuple(map(int, f"{version}.0.0".split(".")[:3])) if VERSION.fullmatch(version) else None


def _change(old: str, new: str) -> str:
    """How a reader of the old types fails on the new ones; empty when none does."""
    before, after = set(old.removesuffix("?").split("|")), set(new.removesuffix("?").split("|"))
    if before == {"null"}:  # nobody knew its type
        return ""
    known = before | {"null"} | ({"integer"} if "number" in before else set())
    if after - known or after == {"null"}:
        return f"retyped: {_types(old)} became {_types(new)}"
    if "null" in after - before:
        return f"became nullable: {_types(old)} became {_types(new)}"
    return "is no longer in every answer" if new.endswith("?") and not old.endswith("?") else ""


def _types(types: str) -> str:
    return types.removesuffix("?").replace("|", " or ") + (", not in every answer" if types[-1:] == "?" else "")


def _tops(paths: set[str]) -> list[str]:
    """Without the fields of a part that is among them."""
    parents = {path: path[:-2] if path.endswith("[]") else path.rpartition(".")[0] for path in paths}
    return sorted(path for path, parent in parents.items() if parent not in paths)


def _commits(result: Path) -> str:
    """The commits of the leg that wrote a record, as its result names them."""
    try:
        sources = json.loads(result.read_bytes())["sources"]
        return ", ".join(f"{source['repo']} {source['commit'][:7]}" for source in sources)
    except (OSError, ValueError, TypeError, LookupError):
        return "commits not known"


if __name__ == "__main__":
    sys.exit(main())
