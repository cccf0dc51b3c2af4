"""One line of shell as pieces with the operators between them: which command's exit code goes where. Pure.

Quotes, expansions and redirections belong to the words; `( )`, `{ }` and `$( )` open and close groups.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<word>\\.|'[^']*+'|"(?:\\.|[^"\\])*+"|\$\{[^}]*+\}|[<>]&|&>>?|>\||\$\(\([^()]*+\)\)|[^\\'"$<>&|;(){}`\n]++)
    | (?P<op>\|\||&&|\|&|;;|\$\(|[;&|()`\n]|(?<!\S)\{(?!\S)|(?<![^\s;])\}(?![^\s;)]))|.""",
    re.VERBOSE | re.DOTALL,
)
ENDS = frozenset({";", ";;", "\n", "&"})


@dataclass(frozen=True)
class Piece:
    """What stands between two operators; `before` is the one in front of it, `at` where it begins."""

    before: str
    text: str
    at: int
    depth: int


def pieces(line: str) -> list[Piece]:
    """All pieces of a line, in order; empty ones included, so that every operator is seen."""
    found: list[Piece] = []
    before, begin, depth, ticks = "", 0, 0, False
    for token in _TOKEN.finditer(line):
        if not token["op"]:
            continue
        found.append(Piece(before, line[begin : token.start()], begin, depth))
        before, begin = token["op"], token.end()
        if before == "`":
            ticks = not ticks
            before = "$(" if ticks else ")"
        if before in ("(", "{", "$("):
            depth += 1
        elif before in (")", "}"):
            before, depth = ")", max(0, depth - 1)
    return [*found, Piece(before, line[begin:], begin, depth)]


def opened(line: str, at: int) -> str:
    """The line without the quotes around this place: what they hold is a command too."""
    for token in _TOKEN.finditer(line):
        if token.start() <= at < token.end():
            if token[0][0] in "'\"" and len(token[0]) > 1:
                return f"{line[: token.start()]} {token[0][1:-1]} {line[token.end() :]}"
            break
    return line


def place(found: list[Piece], at: int) -> int:
    """The number of the piece that holds this character."""
    return max(number for number, piece in enumerate(found) if piece.at <= at or number == 0)


def head(found: list[Piece], number: int) -> str:
    """How the list begins that this piece is part of: `if a` of `if a && b`."""
    depth = found[number].depth
    while number and found[number].before in ("&&", "||", "|", "|&", ")"):
        number -= 1
        while number and found[number].depth > depth:
            number -= 1
    return found[number].text


def holder(found: list[Piece], number: int) -> str | None:
    """What stands before the `$(` that this piece is in; None where it is in none."""
    depth = found[number].depth
    for at in range(number, 0, -1):
        if found[at].depth == depth and found[at].before == "$(":
            return found[at - 1].text
        if found[at].depth < depth:
            return None
    return None


def fallbacks(found: list[Piece], number: int) -> list[str]:
    """The right sides of every `||` that a failure of this piece leads to, one after the other; none without `||`.

    A group that the piece ends is looked behind as well: `(a) || b`.
    """
    sides: list[list[str]] = []
    depth = found[number].depth
    for piece in found[number + 1 :]:
        if piece.depth < depth and piece.before == ")":
            depth = piece.depth
            sides += [[]] if sides else []
        elif piece.depth <= depth and piece.before in ENDS:
            break
        elif piece.depth == depth and piece.before == "||":
            sides.append([])
        if sides:
            sides[-1].append(f"{piece.before if sides[-1] else ''}{piece.text}")
    return ["".join(side) for side in sides if side]


def follows(found: list[Piece], number: int, operator: str) -> bool:
    """Whether the list goes on with this operator behind the piece, or behind a group that it ends."""
    depth = found[number].depth
    for piece in found[number + 1 :]:
        if piece.depth < depth and piece.before == ")":
            depth = piece.depth
        elif piece.depth <= depth:
            if piece.before in ENDS:
                return piece.before == operator
            if (
                piece.before.rstrip("&") == operator.rstrip("&")
                if operator == "|"
                else piece.before == operator
            ):
                return True
    return False


def rest(found: list[Piece], number: int) -> list[str]:
    """What is run after the list that the piece is in, up to the end of the line."""
    depth = found[number].depth
    texts: list[str] = []
    ended = False
    for piece in found[number + 1 :]:
        depth = min(depth, piece.depth)
        ended = ended or (piece.depth <= depth and piece.before in ENDS)
        if ended and piece.text.strip():
            texts.append(piece.text)
    return texts
