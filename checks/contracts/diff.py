"""`python diff.py OLD NEW`: what the programs of two runs answer, compared field by field.

OLD and NEW are records (`contract-shapes.json`) or directories that hold one. A field that goes, changes its type, may
be null now or is no longer in every answer breaks those who read it, and needs a higher major version: in the answers,
or in the document of the protocol where the answers say none. An added field does not. What a run did not come to is
"not reached", and no break. Exit 0: nothing is broken, 1: something is, 2: not all was compared. Needs nothing but
Python.
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
Record = Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="contracts-diff", description="Compare the answers of two runs.")
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    arguments = parser.parse_args(argv)
    try:
        (old, of_old), (new, of_new) = read(arguments.old), read(arguments.new)
        broken, missed, lines = report(old, new)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        print(plain(f"not two records that can be compared: {error or type(error).__name__}"), file=sys.stderr)
        return 2
    print("\n".join(map(plain, [f"old: {of_old}", f"new: {of_new}", *lines])))
    return 1 if broken else 2 if missed else 0


def report(old: Record, new: Record) -> tuple[int, int, list[str]]:
    """How many contracts are broken, how many a run did not come to, and the comparison for people.

    That has a line per contract that differs, and its fields below.
    """
    lines, broken, same = [], 0, 0
    both = sorted(old["contracts"].keys() & new["contracts"].keys())
    for name in both:
        was, now, changes, reason = compare(name, old, new)
        if not changes and not reason and was == now:
            same += 1
            continue
        broken += bool(reason)
        versions = f"protocol version {was or 'none'} → {now or 'none'}"
        lines.append(f"{'BROKEN' if reason else 'ok':6} {name} ({versions})")
        lines += [f"         {change}" for change in changes] + ([f"       ✗ {reason}"] if reason else [])
    gone, added = (sorted(one["contracts"].keys() - set(both)) for one in (old, new))
    lines += [f"not reached: {name}, in the new run" for name in gone]
    lines += [f"not reached: {name}, in the old run" for name in added]
    lines.append(f"{same} the same, {broken} broken, {len(gone) + len(added)} not reached")
    if broken:
        lines.append(f"give a higher major protocol version{_where(new)}, or bring the fields back")
    return broken, len(gone) + (len(added) if old["failed"] else 0), lines


def compare(name: str, old: Record, new: Record) -> tuple[str | None, str | None, list[str], str]:
    """One contract: its versions, what has changed, and why it is broken (empty: it is not)."""
    before, after = old["contracts"][name], new["contracts"][name]
    was, now = _version(old, name), _version(new, name)
    breaks, added = changes(before["fields"], after["fields"])
    family = after["family"]
    reason = _reason(was, now, [lowest(new, family), _document(new, family).get("version")], breaks)
    return was, now, breaks + added, reason


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """What became of the fields: what breaks a reader, and what was added; of a part as a whole only its top."""
    gone = {path for path in old.keys() - new.keys() if not _in_empty_array(path, new)}
    breaks = [f"{path} removed ({_types(old[path])})" for path in _tops(gone)]
    breaks += [f"{path} {change}" for path in old if path in new and (change := _change(old[path], new[path]))]
    return breaks, [f"{path} added ({_types(new[path])})" for path in _tops(new.keys() - old.keys())]


def read(place: Path) -> tuple[dict[str, Any], str]:
    """The one record at a place, and the commits of its run. Raises ValueError when there is none, or not one."""
    below = [path for path in place.rglob(RECORD) if path.is_file() and not path.is_symlink()]
    paths = sorted(below) if place.is_dir() else [place]
    contents = {path.open("rb").read(LIMIT) for path in paths}
    if len(contents) != 1:
        raise ValueError(
            f"{place} holds {len(contents)} {RECORD} that differ"
            if contents
            else f"{place} holds no {RECORD}: its run did not come to it"
        )
    record = json.loads(contents.pop())
    if record["schema"] != 1 or record["status"] != "recorded" or not record["contracts"]:
        raise ValueError(f"{paths[0]} holds no contract")
    failed = f"; {len(record['failed'])} cases have failed there" if record["failed"] else ""
    return record, _commits(paths[0].absolute().parents[1] / RESULT) + failed


def plain(text: str) -> str:
    """A text as a terminal may show it: one line of a bounded length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:1000])


def lowest(record: Record, family: str) -> str | None:
    """The lowest version that the answers of a family say; None: they say none."""
    members = (shape["versions"] for shape in record["contracts"].values() if family and shape["family"] == family)
    known = (str(version) for versions in members for version in versions)
    return min(known, key=lambda version: _numbers(version) or (), default=None)


def _reason(was: str | None, now: str | None, shared: Sequence[str | None], breaks: Sequence[str]) -> str:
    """Why a contract is broken; `shared` is the lowest version of its family's answers, and that of its document."""
    for version in (was, now):
        if _numbers(version) is None:
            return f"{version!r:.60} is no protocol version: 1, 1.2 or 1.2.3 is one"
    old, new = _numbers(was) or (), _numbers(now) or ()
    for version, place in zip(shared, ("another contract of its family", "the document of its protocol"), strict=True):
        if version is not None and (_numbers(version) or (0,))[0] != new[0]:
            return f"says {now or 1} where {place} says {version}: they share one version"
    if new < old:
        return f"the protocol version went down: {was or 1} became {now or 1}"
    if breaks and new[0] <= old[0]:
        step = f"is still {now or 1}" if was == now else f"{was or 1} became {now or 1}"
        return f"{breaks[0].partition(' (')[0]}, and the protocol version {step}"
    return ""


def _version(record: Record, name: str) -> str | None:
    """What the answers of a contract said, else those of its family, else its document; None (no version) means 1."""
    contract = record["contracts"][name]
    versions, family = contract["versions"], contract["family"]
    if len(versions) > 1:
        return " and ".join(map(json.dumps, versions))
    return str(versions[0]) if versions else lowest(record, family) or _document(record, family).get("version")


def _document(record: Record, family: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = record.get("documents", {}).get(family, {})
    return document


def _where(record: Record) -> str:
    """The documents in which versions stand, for a message."""
    paths = sorted(str(document["path"]) for document in record.get("documents", {}).values())
    return f" (the bridge's stands in {', '.join(paths)})" if paths else ""


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


def _in_empty_array(path: str, new: Mapping[str, str]) -> bool:
    """Whether a path leads into an array that is still there, and had no item in any answer: nobody has seen it."""
    arrays = [path[: at.start()] for at in re.finditer(r"\[\]", path)]
    return any(array in new and f"{array}[]" not in new for array in arrays)


def _commits(result: Path) -> str:
    """The commits of the leg that wrote a record, as its result names them."""
    try:
        sources = json.loads(result.read_bytes())["sources"]
        return ", ".join(f"{source['repo']} {source['commit'][:7]}" for source in sources)
    except (OSError, ValueError, TypeError, LookupError):
        return "commits not known"


if __name__ == "__main__":
    sys.exit(main())
