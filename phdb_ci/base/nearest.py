"""The known name that a mistyped one probably means, and the one phrase that suggests it."""

from collections.abc import Iterable

LONGEST = 100  # characters that are compared: the work grows with the square of the length


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The candidate most like the word; None when none is like it (`cutoff` from 0, anything, to 1, the same)."""
    from difflib import get_close_matches  # late: `--help` has no use for it

    near = get_close_matches(word[:LONGEST], list(candidates), n=1, cutoff=cutoff)
    return near[0] if near else None


def perhaps(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str:
    """` Perhaps you meant "x"?`, to stand behind a message; empty when no candidate is like the word."""
    near = nearest(word, candidates, cutoff)
    return f' Perhaps you meant "{near}"?' if near else ""
