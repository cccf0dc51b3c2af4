"""Two records of shapes compared: what was removed, renamed, retyped, added, and whether the version allows it. Pure.

The rule of semantic versioning, from the side of those who read the answers: a field that goes, that changes its
type, that becomes nullable or is no longer in every answer breaks them and needs a higher major version. An added
field does not.
"""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Annotated, Literal

from pydantic import Field, StrictInt, StrictStr

from phdb_ci.contracts.shapes import FIELDS, lowest, numbers
from phdb_ci.models.base import Record

Kind = Literal["removed", "renamed", "retyped", "added"]
BREAKING: tuple[Kind, ...] = ("removed", "renamed", "retyped")
ALIKE = 0.5  # how alike two names must be before one passes for the other
PAIRS = (
    10_000  # fields that are gone times fields that came: with more of them nobody guesses what was renamed
)
NAME = 40  # characters of a name that are compared
CONTRACTS = 30  # of a record; ours has nine
CHECKS = 500  # names of checks that have failed; there are some fifty


class Shape(Record):
    """One contract as it was recorded: the version of our schema, the protocol version of the answers, the fields."""

    contract: str
    family: str = ""
    protocol_version: StrictStr | StrictInt | None = None
    fields: Annotated[dict[str, str], Field(max_length=FIELDS)]


class Shapes(Record):
    """A whole record, as `shapes.py` writes it; of a run in which checks have failed, contracts may be missing."""

    schema_: Literal[1] = Field(alias="schema")
    status: Literal["recorded"]
    failed: Annotated[tuple[str, ...], Field(max_length=CHECKS)] = ()
    contracts: Annotated[dict[str, Shape], Field(max_length=CONTRACTS)]

    def version_of(self, family: str) -> str | int | None:
        """The lowest version that a contract of this family has; None where there is none."""
        known = (shape.protocol_version for shape in self.contracts.values() if shape.family == family)
        return lowest(version for version in known if version is not None) if family else None


class Change(Record):
    """One field that differs; `text` is the sentence for people."""

    field: str
    kind: Kind
    text: str


class Comparison(Record):
    """One contract, compared: `broken` when a reader of the old answers fails on the new ones without a warning."""

    contract: str
    old_version: str | int | None
    new_version: str | int | None
    raised: bool
    broken: bool
    changes: tuple[Change, ...]
    reason: str = ""


def compare(old: Shapes, new: Shapes) -> tuple[Comparison, ...]:
    """Every contract that either record has, by name; one without a difference has no changes."""
    return tuple(_contract(name, old, new) for name in sorted({*old.contracts, *new.contracts}))


def _contract(name: str, before: Shapes, after: Shapes) -> Comparison:
    old, new = before.contracts.get(name), after.contracts.get(name)
    changes = _whole(name, old, new) if old is None or new is None else fields(old.fields, new.fields)
    breaks = [change for change in changes if change.kind in BREAKING]
    # One that is not there any more is announced by those of its family that are.
    family = (new or old or Shape(contract="", fields={})).family
    was = old.protocol_version if old else None
    now = new.protocol_version if new else after.version_of(family)
    shared = after.version_of(family) or now
    raised = _major(shared) > _major(was) and _major(now) > _major(was)
    reason = _odd(was, now) or _alone(name, family, now, shared)
    if (
        not reason
        and old is not None
        and (numbers(now) or ()) < (numbers(was) or ())
        and (new or now is not None)
    ):
        reason = f"the protocol version went down: {_told(was)} became {_told(now)}"
    elif not reason and breaks and not raised:
        same = "is still" if was == now else f"{_told(was)} became"
        reason = f"{breaks[0].field} {breaks[0].kind}, and the protocol version {same} {_told(now)}"
    return Comparison(
        contract=name,
        old_version=was,
        new_version=now,
        raised=raised,
        broken=bool(reason),
        changes=tuple(changes),
        reason=reason,
    )


def _odd(was: str | int | None, now: str | int | None) -> str:
    """Why a version is none; empty when both are."""
    odd = [str(version) for version in (was, now) if numbers(version) is None]
    return f"{odd[0]!r:.60} is no protocol version: 1, 1.2 or 1.2.3 is one" if odd else ""


def _alone(name: str, family: str, now: str | int | None, shared: str | int | None) -> str:
    """Why a contract may not have the version that it has: its family has another; empty when it may."""
    if not family or _major(now) == _major(shared):
        return ""
    return f"{name} says {_told(now)} where another contract of {family} says {_told(shared)}: they share one version"


def _whole(name: str, old: Shape | None, new: Shape | None) -> list[Change]:
    if new is None:
        return [Change(field="$", kind="removed", text=f"$ removed: no answer of {name} was recorded")]
    return (
        [Change(field="$", kind="added", text=f"$ added: no answer of {name} was recorded before")]
        if old is None
        else []
    )


def fields(old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """What became of each field; of a part that is gone or new as a whole only its top is named."""
    gone = _tops(path for path in old if path not in new)
    come = _tops(path for path in new if path not in old)
    renamed = _renamed(gone, come, old, new)
    names = set(renamed.values())
    found = [
        Change(field=path, kind="renamed", text=f"{path} renamed, it seems, to {renamed[path]}")
        if path in renamed
        else Change(field=path, kind="removed", text=f"{path} removed ({_types(old[path])})")
        for path in gone
    ]
    found += [
        Change(field=path, kind="retyped", text=f"{path} {told}")
        for path in old
        if path in new and (told := _retyped(old[path], new[path]))
    ]
    found += [
        Change(field=path, kind="added", text=f"{path} added ({_types(new[path])})")
        for path in come
        if path not in names
    ]
    return found


def _retyped(old: str, new: str) -> str:
    """How a reader of the old types fails on the new ones; empty when none does."""
    before, after = set(old.removesuffix("?").split("|")), set(new.removesuffix("?").split("|"))
    if before == {"null"}:  # nobody knew its type
        return ""
    known = before | ({"integer"} if "number" in before else set())
    if more := sorted(after - known - {"null"}) or (["null"] if after == {"null"} else []):
        return f"retyped: {_types(old)} became {_types(new)}, {' and '.join(more)} is new"
    if "null" in after - before:
        return f"became nullable: {_types(old)} became {_types(new)}"
    if new.endswith("?") and not old.endswith("?"):
        return "is no longer in every answer"
    return ""


def _renamed(
    gone: list[str], come: list[str], old: Mapping[str, str], new: Mapping[str, str]
) -> dict[str, str]:
    """Old → new for fields beside each other, of one type, that are called alike; each new name once."""
    if len(gone) * len(come) > PAIRS:
        return {}
    pairs = [
        (alike, path, other)
        for path in gone
        for other in come
        if _parent(path) == _parent(other) and old[path] == new[other] and (alike := _alike(path, other))
    ]
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, path, other in sorted(pairs, reverse=True):
        if path not in found and other not in taken:
            found[path] = other
            taken.add(other)
    return found


def _alike(path: str, other: str) -> float:
    """How alike two fields are called; 0.0 when it is too little."""
    matcher = SequenceMatcher(None, _leaf(path)[:NAME], _leaf(other)[:NAME])
    ratio = matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0
    return ratio if ratio >= ALIKE else 0.0


def _tops(paths: Iterable[str]) -> list[str]:
    """Without those below another one."""
    found: list[str] = []
    # So sorted, what is below a field follows it at once: `$.a.b` before `$.a-b`.
    for path in sorted(paths, key=lambda path: path.replace(".", "\x00").replace("[", "\x01")):
        if not (found and path.startswith((f"{found[-1]}.", f"{found[-1]}["))):
            found.append(path)
    return sorted(found)


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _leaf(path: str) -> str:
    return path.rpartition(".")[2]


def _types(text: str) -> str:
    return text.removesuffix("?").replace("|", " or ") + (
        ", not in every answer" if text.endswith("?") else ""
    )


def _major(version: str | int | None) -> int:
    """Its first number; 0 for what is no version."""
    return (numbers(version) or (0,))[0]


def _told(version: str | int | None) -> str:
    return "none (that is 1)" if version is None else str(version)
