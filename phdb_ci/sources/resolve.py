"""Resolve every repo of a run to one commit: pins, `--repo`, `--stack` and the environment in, Sources out.

First it is decided who says where a repo comes from (pure, so that every contradiction is found before
anything is fetched), then all are resolved at once. What is pinned and in the cache needs neither network nor
git.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from phdb_ci.base.locks import OnWait
from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import DiskError, PhdbError, SourceError, UsageError
from phdb_ci.models.matrix import Matrix, Repo, is_folder
from phdb_ci.models.sources import Merged, Source, Sources, StackKind
from phdb_ci.sources.git.bundle import take_bundled
from phdb_ci.sources.git.merge import merge
from phdb_ci.sources.git.mirror import Mirror, Taken, mirror_of, take, take_local
from phdb_ci.sources.git.refs import check_ref
from phdb_ci.sources.git.trees import import_directory, import_folder, import_worktree, is_bare, is_repository

_DIRECTORY = ("/", "./", "../", "~")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_AT_ONCE = 8  # fetching waits for the network, not for processors


@dataclass(frozen=True)
class _Wish:
    """Who wants a repo from where: a directory, with or without a ref; a ref of its URL; else its pin.

    `instead` is what to try instead when it cannot be had.
    """

    via: str
    directory: Path | None = None
    ref: str | None = None
    instead: tuple[str, ...] = ()


def resolve(
    matrix: Matrix, repos: Iterable[str], *, cache: Path, specs: Mapping[str, str], stack: Path | None,
    environ: Mapping[str, str], home: Path = Path(), on_wait: OnWait | None = None, bundle: Path | None = None,
    patience: Sequence[float] = (), merges: Mapping[str, str] = MappingProxyType({}),
) -> Sources:  # fmt: skip
    """Resolve the repos that a run needs, and no other; `./FOLDER` is a subfolder of the matrix's own folder, `home`.

    `specs` are `--repo NAME=SPEC`. With `stack`, `--stack DIR`, every repo that none of them names comes from DIR/NAME,
    and the environment does not count. `on_wait` is called with a lock's path when another run holds it. With `bundle`
    every commit of a URL comes from that file, and no remote is asked. `patience`: the seconds before each further try
    of a remote that did not answer. `merges` are `--merge NAME=REF`: the repo's commit is merged into that one.

    Raises:
        UsageError: an unknown name, a SPEC that cannot be one, variables that contradict each other.
        SourceError: a directory, repository, ref or commit does not exist.
        NetworkError: a remote cannot be reached.
    """
    names = list(dict.fromkeys(repos))
    needed = [name for name in names if not is_folder(name)]
    _check_names(matrix, [*needed, *specs, *merges])
    overrides = {name: _spec(f"--repo {name}={spec}", spec) for name, spec in specs.items()}
    wishes = {name: overrides.get(name) or _wish(name, matrix.repos[name], stack, environ) for name in needed}

    def source(name: str) -> Source:
        if name not in wishes:
            return _folder(name, home, cache, on_wait)
        repo, wish = matrix.repos[name], wishes[name]
        at = mirror_of(cache, name, str(wish.directory or repo.url), on_wait=on_wait, patience=patience)
        try:
            base = _base(at, wish, merges[name]) if name in merges else None
            source = _source(at, repo.pin, wish, bundle)
            return _merged(at, source, base) if base else source
        except PhdbError as error:
            error.tries = (*wish.instead, *error.tries)
            raise

    sources = _each(source, names)
    by_stack = stack is not None and wishes.keys().isdisjoint(specs)
    return Sources(stack=_kind(wishes, sources, by_stack=by_stack), repos=sources)


def _check_names(matrix: Matrix, names: Iterable[str]) -> None:
    for name in names:
        if name not in matrix.repos:
            tries = [f"the matrix has: {', '.join(matrix.repos)}"]
            raise UsageError(f"no repo is called {name!r}.{perhaps(name, matrix.repos)}", tries=tries)


def _spec(via: str, spec: str) -> _Wish:
    _refuse(via, spec)
    if spec.startswith(_DIRECTORY):
        return _directory(via, spec)
    instead: tuple[str, ...] = ()
    if "/" in spec and os.path.isdir(spec):  # noqa: PTH112 - Path's raises for a name too long
        instead = (f"{via.removesuffix(spec)}./{spec} for the directory of that name",)
    check_ref(spec, via, *instead)
    return _Wish(via, ref=spec, instead=instead)


def _refuse(via: str, value: str) -> None:
    if not value or value.startswith("-") or _CONTROL.search(value):
        raise UsageError(f"{_CONTROL.sub('?', via)}: neither a directory nor a ref")


def _directory(via: str, spec: str) -> _Wish:
    """`DIR` or `DIR@REF`; a directory's name may hold `@`: the longest part that exists is the directory."""
    path = _expand(via, spec)
    if not path.is_dir():
        for at in [i for i, sign in enumerate(spec) if sign == "@"][::-1]:
            shorter = _expand(via, spec[:at] or ".")
            if shorter.is_dir():
                check_ref(spec[at + 1 :], via)
                return _Wish(via, directory=shorter.resolve(), ref=spec[at + 1 :])
    return _Wish(via, directory=path.resolve())


def _expand(via: str, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{via}: {error}") from error


def _wish(name: str, repo: Repo, stack: Path | None, environ: Mapping[str, str]) -> _Wish:
    if stack is not None:
        via = f"--stack {stack}"
        _refuse(via, str(stack))
        top = _expand(via, str(stack))
        if not top.is_dir():
            raise SourceError(f"{via}: no such directory")
        return _Wish(via, directory=(top / name).resolve())
    variables = (*repo.override.path, *repo.override.ref)
    wishes = [_variable(variable, environ[variable], repo) for variable in variables if environ.get(variable)]
    for other in wishes[1:]:
        if (other.directory, other.ref) != (wishes[0].directory, wishes[0].ref):
            tries = [f"unset one of them, or say --repo {name}=…, which wins"]
            raise UsageError(f"{name}: {wishes[0].via} and {other.via} disagree", tries=tries)
    return wishes[0] if wishes else _Wish("matrix.toml")


def _variable(variable: str, value: str, repo: Repo) -> _Wish:
    via = f"${variable}"
    _refuse(via, value)
    if variable in repo.override.path:
        return _Wish(via, directory=_expand(via, value).resolve())
    check_ref(value, via)
    return _Wish(via, ref=value)


def _each(source: Callable[[str], Source], names: Sequence[str]) -> dict[str, Source]:
    """Resolve all side by side; every failure is reported, not only the first."""

    def attempt(name: str) -> Source | PhdbError:
        try:
            return source(name)
        except PhdbError as error:
            return error
        except OSError as error:
            return DiskError(f"{name}: {error}", tries=["is there space in the cache? may it be written?"])

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        results = list(pool.map(attempt, names))
    errors = [result for result in results if isinstance(result, PhdbError)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        # The class of the first decides the exit code; what it says covers them all.
        tries = dict.fromkeys(line for error in errors for line in error.tries)
        raise type(errors[0])("\n       ".join(error.message for error in errors), tries=tries) from errors[0]
    return {result.repo: result for result in results if isinstance(result, Source)}


def _source(at: Mirror, pin: str, wish: _Wish, bundle: Path | None) -> Source:
    """The repo that the mirror is of."""
    ref = wish.ref or pin
    if wish.directory:
        result = _local(at, wish.directory, wish)
    else:
        result = take_bundled(at, bundle, ref) if bundle else take(at, ref)
    origin = "ref" if wish.ref else "tree" if wish.directory else "pin"
    return Source(
        repo=at.repo, commit=result.commit, origin=origin, via=wish.via, where=at.where, objects=at.path, pin=pin,
        dirty=result.dirty, reachable=result.reachable, notes=result.notes,
    )  # fmt: skip


def _base(at: Mirror, wish: _Wish, ref: str) -> str:
    """The commit that a repo's own is merged into, before that is taken: one fetch has both."""
    check_ref(ref, f"--merge {at.repo}={ref}")
    return (take_local if wish.directory else take)(at, ref).commit


def _merged(at: Mirror, source: Source, base: str) -> Source:
    """The source, its commit merged into its base."""
    commit = merge(at, base, source.commit)
    note = f"{at.repo}: {source.commit[:12]} is tested as merged into {base[:12]}"
    return source.model_copy(update={
        "commit": commit, "merged": Merged(base=base, head=source.commit),
        "origin": source.origin if commit == source.commit else "ref",
        "notes": source.notes if commit == source.commit else (*source.notes, note),
    })  # fmt: skip


def _local(at: Mirror, directory: Path, wish: _Wish) -> Taken:
    """What a directory has at the wanted ref, or as it stands."""
    if not directory.is_dir():
        raise SourceError(f"{wish.via}: {at.repo}: no such directory: {directory}")
    if not is_repository(directory):
        if wish.ref is None:
            return import_directory(at)
        raise SourceError(f"{wish.via}: {directory} is not a git repository, so it has no {wish.ref!r}")
    if wish.ref is not None:
        return take_local(at, wish.ref)
    if is_bare(directory):
        tries = [f"{directory}@main, or another ref of it"]
        raise SourceError(f"{wish.via}: {directory} has no working tree", tries=tries)
    return import_worktree(at)


def _folder(name: str, home: Path, cache: Path, on_wait: OnWait | None) -> Source:
    """A subfolder of the matrix's own folder, as it stands."""
    path = (home / name).resolve()
    if not path.is_dir():
        raise SourceError(f"{name}: there is no folder {path}", tries=["it is looked for beside the matrix"])
    at = mirror_of(cache, "matrix-folder", str(path), on_wait=on_wait)
    folder = import_folder(at)
    state = "in no repository"
    if folder.head:
        state = f"{'changed since' if folder.dirty else 'as in'} {folder.head[:12]}"
    return Source(
        repo=name, commit=folder.commit, origin="folder", via=f"beside the matrix, {state}", where=at.where,
        objects=at.path, pin=None, tree=folder.tree, dirty=folder.dirty, notes=folder.notes,
    )  # fmt: skip


def _kind(wishes: Mapping[str, _Wish], sources: Mapping[str, Source], *, by_stack: bool) -> StackKind:
    """`by_stack`: every repo comes from `--stack`."""
    # A commit that is the pin is the public one, wherever its objects came from: its id says what is in it.
    if all(wish.directory is None or sources[name].commit == sources[name].pin for name, wish in wishes.items()):
        return "public"
    plain = all(not is_repository(Path(sources[name].where)) for name in wishes)
    return "stand-in" if by_stack and plain else "local"
