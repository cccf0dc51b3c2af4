"""`phdb-ci bump`: move pins to what they follow, and nothing else in matrix.toml; `--check` only says what would move.

A repo follows its branch, `self` this project's newest release, an action its newest release. For actions `--check`
verifies that each tag still points at its pinned commit.
"""

import argparse
import json
import shlex
import stat
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from phdb_ci.base.files import write_whole
from phdb_ci.base.github_url import clone_url, page_of
from phdb_ci.base.nearest import perhaps
from phdb_ci.base.page import table
from phdb_ci.base.text import counted
from phdb_ci.commands._options import matrix_option
from phdb_ci.errors import DiskError, Exit, UsageError
from phdb_ci.matrix import bump, load, parse
from phdb_ci.matrix.locate import Path as Keys
from phdb_ci.models.matrix import Matrix
from phdb_ci.sources.git.env import mask
from phdb_ci.sources.git.remote import remote_refs

SELF = "self"
WORKERS = 8  # remotes that are asked at once


def main(arguments: argparse.Namespace) -> int:
    """Move, or check; 1 when `--check` finds something that would move, or an action that is not what it says."""
    matrix = load(arguments.matrix)
    names = _names(matrix, arguments)
    actions = matrix.actions if arguments.actions else {}
    asks = {name: _ask(matrix, name) for name in (*names, *actions)}
    unique = list(dict.fromkeys(asks.values()))
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        answers = pool.map(lambda ask: remote_refs(ask[0], [ask[1]]), unique)
    asked = dict(zip(unique, answers, strict=True))
    moves = [_move(matrix, name, asked[asks[name]]) for name in names]
    of_actions = [(name, action, asks[name][0], asked[asks[name]]) for name, action in actions.items()]
    if arguments.check:
        return _check(moves, [bump.action_pin(*facts) for facts in of_actions], arguments)
    moves += [bump.action_move(*facts) for facts in of_actions]
    wanted = {path: new for move in moves if move.moved for path, new in move.values.items()}
    if wanted:
        _write(arguments.matrix, matrix, wanted)
    _report(matrix, moves, arguments)
    return Exit.PASS


def _names(matrix: Matrix, arguments: argparse.Namespace) -> list[str]:
    """The repos (and `self`) that were named; every repo when nothing was. Raises UsageError for an unknown one."""
    if arguments.actions and not matrix.actions:
        raise UsageError(f"--actions: {arguments.matrix} has none")
    if not arguments.names:
        return [] if arguments.actions else list(matrix.repos)
    known = [*matrix.repos, *([SELF] if matrix.self_ else [])]
    for name in arguments.names:
        if name not in known:
            tries = [f"one of {', '.join(known)}", "actions are moved all at once: --actions"]
            raise UsageError(f'"{name}" is no repo of the matrix.{perhaps(name, known)}', tries=tries)
    return list(dict.fromkeys(arguments.names))


def _ask(matrix: Matrix, name: str) -> tuple[str, str]:
    if name in matrix.repos:
        return matrix.repos[name].url, bump.HEADS + matrix.repos[name].track
    if name == SELF and matrix.self_:
        return clone_url(matrix.self_.repository), bump.RELEASES
    return clone_url(
        "/".join(name.split("/")[:2])
    ), bump.RELEASES  # an action may lie in a folder (`actions/cache/restore`)


def _move(matrix: Matrix, name: str, refs: bump.Refs) -> bump.Move:
    if name == SELF and matrix.self_:
        return bump.home_move(matrix.self_, clone_url(matrix.self_.repository), refs)
    repo = matrix.repos[name]
    # The other branches only when it is missing: a repository may have thousands.
    return bump.repo_move(name, repo, refs, () if refs else remote_refs(repo.url, [bump.HEADS + "*"]))


def _check(moves: list[bump.Move], pins: list[bump.Pin], arguments: argparse.Namespace) -> int:
    moving = [move for move in moves if move.moved]
    wrong = [pin for pin in pins if pin.fault]
    code = Exit.FAIL if moving or wrong else Exit.PASS
    if arguments.json:
        _print_json([*moves, *pins], written=False)
        return code
    pin_rows = [(pin.name, pin.commit[:7], pin.version, "WRONG" if pin.fault else "ok") for pin in pins]
    print("\n".join(table([*map(_row, moves), *pin_rows])))
    notes = [f"note: {pin.name}: {pin.newer} is newer than {pin.version}" for pin in pins if pin.newer]
    print("\n".join(["", *notes, *(f"wrong: {pin.name}: {pin.fault}" for pin in wrong)]).rstrip())
    if moves:
        command = shlex.join(["phdb-ci", "bump", *(move.name for move in moving), *matrix_option(arguments.matrix)])
        print(f"{len(moving)} of {len(moves)} would move" + (f": {command}" if moving else ""))
    if pins:
        print(f"{len(pins) - len(wrong)} of {counted(len(pins), 'action')} are at the commit that their tag names")
    return code


def _report(matrix: Matrix, moves: list[bump.Move], arguments: argparse.Namespace) -> None:
    moved = sum(move.moved for move in moves)
    if arguments.json:
        _print_json(moves, written=bool(moved))
        return
    print("\n".join(table(map(_row, moves))))
    print("\n".join(["", *(f"note: {move.name}: {move.note}" for move in moves if move.note)]).rstrip())
    if not moved:
        print(f"nothing to move: {arguments.matrix} is as it was")
        return
    gate = next(iter(matrix.gates), None) or next(iter(matrix.jobs))
    render, plan = (
        shlex.join(["phdb-ci", *words, *matrix_option(arguments.matrix)]) for words in (["render"], ["plan", gate])
    )
    print(f"wrote {arguments.matrix}: {moved} moved. Next: `{render}` and `{plan}`")


def _row(move: bump.Move) -> tuple[str, str, str, str]:
    version = f"{move.version} → {move.follows}" if move.version not in ("", move.follows) else move.follows
    if move.old == move.new:
        return move.name, f"{move.old[:7]} unchanged", version, ""
    page = page_of(move.url)
    link = f"{page}/compare/{move.old}...{move.new}" if page and move.old.strip("0") else ""
    return move.name, f"{move.old[:7]} → {move.new[:7]}", version, link


def _print_json(records: Iterable[bump.Move | bump.Pin], *, written: bool) -> None:
    shown = [
        asdict(record) | {"url": mask(record.url)} | ({"moved": record.moved} if isinstance(record, bump.Move) else {})
        for record in records
    ]
    print(json.dumps({"written": written, "records": shown}, indent=1))


def _write(path: Path, matrix: Matrix, wanted: Mapping[Keys, str]) -> None:
    """Put the new values into the file, whole or not at all; through a link, into what it leads to."""
    target = path.resolve()
    try:
        text, mode = target.read_bytes().decode(), stat.S_IMODE(target.stat().st_mode)
    except OSError as error:
        raise DiskError(f"{path} cannot be read: {error.strerror}") from error
    if parse(text, str(path)) != matrix:
        tries = ["run the command again"]
        raise UsageError(f"{path} was changed while the remotes were asked; nothing was written", tries=tries)
    write_whole(target, bump.edited(text, str(path), wanted), mode=mode)
