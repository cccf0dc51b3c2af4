"""Numbers, durations and lists as people read them. All words are our own."""

from collections import Counter
from collections.abc import Iterable, Sequence

TIMES, DASH = "\u00d7", "\u2013"  # a dash where nothing is counted, which is not the same as none
_LONGEST = 1e7  # seconds; what claims to be longer is no duration


def seconds(value: float) -> float:
    """A duration that can be reckoned with: finite, not negative."""
    return min(max(value, 0.0), _LONGEST)


def clock(value: float) -> str:
    """A duration as a cell shows it: `4:58`, `1:02:03`."""
    total = round(seconds(value))
    hours, minutes = total // 3600, total // 60 % 60
    return f"{hours}:{minutes:02}:{total % 60:02}" if hours else f"{minutes}:{total % 60:02}"


def spoken(value: float) -> str:
    """A duration as a sentence says it: `8 min 42 s`."""
    total = round(seconds(value))
    parts = [(total // 3600, "h"), (total // 60 % 60, "min"), (total % 60, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "under 1 s"


def listed(items: Sequence[str], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and 7 more`."""
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def tallied(words: Iterable[str]) -> str:
    """`2 failed, 1 unproven`, in the order in which they come first."""
    return ", ".join(f"{number} {word}" for word, number in Counter(words).items())
