"""Resolve every repo of a run to one commit: pins, `--repo`, `--stack` and the environment in, Sources out.

First it is decided who says where a repo comes from (pure, so that every contradiction is found before
anything is fetched), then all are resolved at once. What is pinned and in the cache needs neither network nor
git.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phdb_ci.base.locks import OnWait
from phdb_ci.base.nearest import perhaps
from phdb_ci.errors import DiskError, PhdbError, SourceError, UsageError
from phdb_ci.models.matrix import Matrix, Repo, is_folder
from phdb_ci.models.sources import Origin, Source, Sources, StackKind
from phdb_ci.sources.git import (
    FULL,
    Mirror,
    Taken,
    check_ref,
    import_directory,
    import_folder,
    import_worktree,
    is_bare,
    is_repository,
    mirror_of,
    pinned,
    take,
    take_local,
    take_ref,
)

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
    stack: bool = False
    instead: tuple[str, ...] = ()


def resolve(
    matrix: Matrix, repos: Iterable[str], *, cache: Path, specs: Mapping[str, str], stack: Path | None,
    environ: Mapping[str, str], home: Path = Path(), on_wait: OnWait | None = None,
) -> Sources:  # fmt: skip
    """Resolve the repos that a run needs.

    Args:
        matrix: where pins, URLs and the names of environment variables are.
        repos: the names that are needed, `./FOLDER` for a subfolder of `home`; others are not looked at.
        home: the folder that the matrix lies in.
        cache: the folder below which mirrors are.
        specs: `--repo NAME=SPEC` as given.
        stack: `--stack DIR`: every repo that no `--repo` names comes from DIR/NAME, and the environment does
            not count.
        environ: the caller's environment.
        on_wait: called with a lock's path when another run holds it.

    Raises:
        UsageError: an unknown name, a SPEC that cannot be one, variables that contradict each other.
        SourceError: a directory, repository, ref or commit does not exist.
        NetworkError: a remote cannot be reached.
    """
    needed = [name for name in dict.fromkeys(repos) if not is_folder(name)]
    folders = [name for name in dict.fromkeys(repos) if is_folder(name)]
    _check_names(matrix, [*needed, *specs])
    given = {name: _spec(f"--repo {name}={spec}", spec) for name, spec in specs.items()}
    wishes = {name: given.get(name) or _wish(name, matrix.repos[name], stack, environ) for name in needed}
    found = _each([_Task(name, matrix.repos[name], wish, cache, on_wait) for name, wish in wishes.items()])
    stack_kind = _kind(wishes, found)
    found += [_folder(name, home, cache, on_wait) for name in folders]
    return Sources(stack=stack_kind, repos={source.repo: source for source in found})


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


def _check_names(matrix: Matrix, names: Iterable[str]) -> None:
    for name in names:
        if name not in matrix.repos:
            tries = [f"the matrix has: {', '.join(matrix.repos)}"]
            raise UsageError(f"no repo is called {name!r}.{perhaps(name, matrix.repos)}", tries=tries)


def _spec(via: str, spec: str) -> _Wish:
    _refuse(via, spec)
    if spec.startswith(_DIRECTORY):
        return _directory(via, spec)
    instead = _instead(via, spec)
    try:
        check_ref(spec, via)
    except UsageError as error:
        error.tries = (*instead, *error.tries)
        raise
    return _Wish(via, ref=spec, instead=instead)


def _instead(via: str, spec: str) -> tuple[str, ...]:
    """What to try when a ref that reads like a directory of this place cannot be had."""
    if "/" not in spec or not os.path.isdir(spec):  # noqa: PTH112 - Path's raises for a name too long
        return ()
    return (f"{via.removesuffix(spec)}./{spec} for the directory of that name",)


def _refuse(via: str, value: str) -> None:
    if not value or value.startswith("-") or _CONTROL.search(value):
        raise UsageError(f"{_CONTROL.sub('?', via)}: neither a directory nor a ref")


def _directory(via: str, spec: str) -> _Wish:
    """`DIR` or `DIR@REF`; a directory's name may hold `@`: the longest part that exists is it."""
    whole = _expand(via, spec)
    if not whole.is_dir():
        for at in [i for i, sign in enumerate(spec) if sign == "@"][::-1]:
            path = _expand(via, spec[:at] or ".")
            if path.is_dir():
                check_ref(spec[at + 1 :], via)
                return _Wish(via, directory=path.resolve(), ref=spec[at + 1 :])
    return _Wish(via, directory=whole.resolve())


def _expand(via: str, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{via}: {error}") from error


def _wish(name: str, repo: Repo, stack: Path | None, environ: Mapping[str, str]) -> _Wish:
    if stack is not None:
        _refuse(f"--stack {stack}", str(stack))
        top = _expand("--stack", str(stack))
        if not top.is_dir():
            raise SourceError(f"--stack {stack}: no such directory")
        return _Wish(f"--stack {stack}", directory=(top / name).resolve(), stack=True)
    return _from_environment(name, repo, environ) or _Wish("matrix.toml")


def _from_environment(name: str, repo: Repo, environ: Mapping[str, str]) -> _Wish | None:
    wishes = []
    for variable in repo.override.path:
        if environ.get(variable):
            _refuse(f"${variable}", environ[variable])
            path = _expand(f"${variable}", environ[variable])
            wishes.append(_Wish(f"${variable}", directory=path.resolve()))
    for variable in repo.override.ref:
        if environ.get(variable):
            _refuse(f"${variable}", environ[variable])
            check_ref(environ[variable], f"${variable}")
            wishes.append(_Wish(f"${variable}", ref=environ[variable]))
    for other in wishes[1:]:
        if (other.directory, other.ref) != (wishes[0].directory, wishes[0].ref):
            tries = [f"unset one of them, or say --repo {name}=…, which wins"]
            raise UsageError(f"{name}: {wishes[0].via} and {other.via} disagree", tries=tries)
    return wishes[0] if wishes else None


@dataclass(frozen=True)
class _Task:
    """One repo to resolve."""

    name: str
    repo: Repo
    wish: _Wish
    cache: Path
    on_wait: OnWait | None

    def mirror(self) -> Mirror:
        """The mirror of what the wish names."""
        url = self.repo.url if self.wish.directory is None else str(self.wish.directory)
        return mirror_of(self.cache, self.name, url, on_wait=self.on_wait)

    def quick(self) -> Source | None:
        """The answer where no process is needed: a full id that was taken before."""
        commit = self.repo.pin if self.wish.ref is None else self.wish.ref
        if self.wish.directory is not None or not FULL.fullmatch(commit):
            return None
        taken = pinned(self.mirror(), commit)
        return None if taken is None else self._source(taken)

    def run(self) -> Source:
        """The answer, whatever it takes."""
        wish = self.wish
        if wish.directory is not None:
            return self._local(wish.directory)
        at = self.mirror()
        return self._source(take(at, self.repo.pin) if wish.ref is None else take_ref(at, wish.ref))

    def _source(self, taken: Taken, *, origin: Origin | None = None, dirty: bool = False) -> Source:
        at = self.mirror()
        return Source(
            repo=self.name,
            commit=taken.commit,
            origin=origin or ("ref" if self.wish.ref else "pin"),
            via=self.wish.via,
            where=at.where,
            objects=at.path,
            pin=self.repo.pin,
            dirty=dirty,
            reachable=taken.reachable,
            notes=taken.notes,
        )

    def _local(self, directory: Path) -> Source:
        via = self.wish.via
        if not directory.is_dir():
            raise SourceError(f"{via}: {self.name}: no such directory: {directory}")
        if self.wish.ref is not None:
            if not is_repository(directory):
                raise SourceError(f"{via}: {directory} is not a git repository, so it has no {self.wish.ref!r}")
            return self._source(take_local(self.mirror(), self.wish.ref))
        if not is_repository(directory):
            return self._source(Taken(import_directory(self.mirror()).commit), origin="tree")
        if is_bare(directory):
            tries = [f"{directory}@main, or another ref of it"]
            raise SourceError(f"{via}: {directory} has no working tree", tries=tries)
        tree = import_worktree(self.mirror())
        return self._source(Taken(tree.commit, notes=tree.notes), origin="tree", dirty=tree.dirty)


def _each(tasks: Sequence[_Task]) -> list[Source]:
    """Resolve all, the slow ones side by side; every failure is told, not only the first."""
    done = {task.name: task.quick() for task in tasks}
    slow = [task for task in tasks if done[task.name] is None]
    if slow:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            results = list(pool.map(_attempt, slow))
        _raise([result for result in results if isinstance(result, PhdbError)])
        done |= {result.repo: result for result in results if isinstance(result, Source)}
    return [source for source in done.values() if source is not None]


def _attempt(task: _Task) -> Source | PhdbError:
    try:
        return task.run()
    except PhdbError as error:
        error.tries = (*task.wish.instead, *error.tries)
        return error
    except OSError as error:
        return DiskError(f"{task.name}: {error}", tries=["is there space in the cache? may it be written?"])


def _raise(errors: Sequence[PhdbError]) -> None:
    if not errors:
        return
    if len(errors) == 1:
        raise errors[0]
    # The class of the first decides the exit code; what it says covers them all.
    tries = dict.fromkeys(line for error in errors for line in error.tries)
    raise type(errors[0])("\n       ".join(error.message for error in errors), tries=tries) from errors[0]


def _kind(wishes: Mapping[str, _Wish], found: Iterable[Source]) -> StackKind:
    found = list(found)
    # A commit that is the pin is the public one, wherever its objects came from: its id says what is in it.
    if all(wishes[source.repo].directory is None or source.commit == source.pin for source in found):
        return "public"
    plain = all(source.origin == "tree" and not is_repository(Path(source.where)) for source in found)
    return "stand-in" if plain and all(wish.stack for wish in wishes.values()) else "local"
