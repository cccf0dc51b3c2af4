"""Prose → statements: sentences, bullets, table rows, package metadata; each with its line and headings. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from phdb_ci.guards.checkout import File
from phdb_ci.guards.code import is_doc

METADATA = re.compile(
    r"(^|/)(package\.json|pyproject\.toml|cargo\.toml|li\.toml|setup\.cfg|citation\.cff|codemeta\.json|"
    r"composer\.json)$",
    re.IGNORECASE,
)
# Below such a heading, or in such a column, a statement says what is not there, not here or not ours.
EXEMPT = re.compile(
    r"\b(not|no|non-goals?|anti-goals?|never|without|won['\u2019]t|out of scope|excluded|exclusions?|planned|plans?|"
    r"roadmap|future|later|targets?|goals?|deferred|todo|next|upcoming|proposals?|research|reject(ed)?|limitations?|"
    r"limits|gaps?|missing|blocked|blocking|unblock|checklist|learned from|survey|alternatives|related work|"
    r"comparison|competitors?|prior art|inspiration|backlog|anti-patterns?|open questions|risks|wave \d|phases?|"
    r"milestones?|drift|postgres 15|oracle)\b",
    re.IGNORECASE,
)
DESCRIPTION = re.compile(
    r"(?:^|[{,])\s*+[\"']?(?:description|summary|abstract|long_description)[\"']?\s*+[:=]\s*+"
    r"(?:(?P<quotes>\"\"\"|''')(?P<open>.*)|(?P<block>[|>][-+\d]*\s*$|$)|\"(?P<quoted>(?:\\.|[^\"\\])*+)\"|(?P<rest>.*))"
)
KEYWORDS = re.compile(r"(?:^|[{,])\s*+[\"']?(?:keywords|categories|classifiers)[\"']?\s*+[:=]")
BLOCK = "\n"  # of lines below their key; no line holds it
FENCE = re.compile(r"\s*+(`{3,}+(?=[^`]*$)|~{3,}+)")
GAP = re.compile(r"(?<=[.!?])\s++(?=[A-Z*`\[])")  # between two sentences


@dataclass(frozen=True)
class Statement:
    """Some words of a file; `heading` is the path of headings above them."""

    line: int
    text: str
    heading: str = ""
    bullet: bool = False
    cells: tuple[str, ...] = ()
    metadata: bool = False
    keyword: bool = False
    exempt: bool = False


@lru_cache(maxsize=1024)
def statements(file: File) -> tuple[Statement, ...]:
    """Everything that a file states; nothing for code."""
    if METADATA.search(file.path):
        return tuple(_metadata(file))
    if is_doc(file) and not file.name.endswith(".svg") and not file.name.startswith("license"):
        return tuple(_document(file))
    return ()


def _metadata(file: File) -> Iterator[Statement]:
    inside, block = False, ""
    for number, line in enumerate(file.lines, 1):
        if block == BLOCK and re.match(r"[\w#]", line):
            block = ""
        if block:  # a text of several lines: up to its quotes, or to the next key
            yield Statement(number, line.strip().strip("\"'"), metadata=True)
            block = "" if block in line else block
            continue
        for found in DESCRIPTION.finditer(line):
            text = found["rest"] or found["quoted"] or found["open"] or ""
            yield Statement(number, text.strip("\"', "), metadata=True)
            quotes = found["quotes"]
            block = BLOCK if found["block"] else quotes if quotes and quotes not in text else ""
        start = KEYWORDS.search(line)
        inside = inside or start is not None
        if inside:
            words, closed, _ = line[start.end() if start else 0 :].partition("]")
            for quoted in re.findall(r"\"[^\"]++\"|'[^']++'", words):
                yield Statement(number, quoted[1:-1].replace("-", " "), metadata=True, keyword=True)
            inside = not closed


def _document(file: File) -> Iterator[Statement]:
    above = Above()
    paragraph: list[tuple[int, str]] = []
    for number, line in _prose_lines(file):
        heading = re.match(r"(#{1,6})\s++(.*)", line)
        table = line.lstrip().startswith("|")
        bullet = re.match(r"\s*+([-*+]|\d++[.)])\s++(\[[ xX]\]\s++)?(.*)", line)
        if heading or table or bullet or not line.strip():
            yield from _sentences(paragraph, above.path)
            if paragraph and not heading:
                above.lead_in(" ".join(text for _, text in paragraph).strip())
            paragraph = []
        if heading:
            above.enter(len(heading[1]), heading[2])
        elif table:
            cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
            if above.columns is None:
                above.columns = tuple(EXEMPT.search(cell) is not None for cell in cells)
            elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                yield _row(number, cells, above.columns, above.path)
        elif bullet:
            above.columns = None
            box = (bullet[2] or "").strip().lower()
            under = above.under
            exempt = box == "[ ]" or (not box and _exempt(under))
            yield Statement(number, bullet[3], under, bullet=True, metadata=box == "[x]", exempt=exempt)
        elif line.strip():
            above.columns = None
            paragraph.append((number, line.strip()))
    yield from _sentences(paragraph, above.path)


class Above:
    """What stands above a line: headings, the sentence that leads a list in, which columns exempt."""

    def __init__(self) -> None:
        self.headings: list[tuple[int, str]] = []
        self.columns: tuple[bool, ...] | None = None
        self.path = self.under = ""

    def enter(self, level: int, heading: str) -> None:
        """A heading. The document's title is none of the path: it says what all of it is about."""
        self.headings = [(n, text) for n, text in self.headings if n < level] + [(level, heading)]
        self.path = " / ".join(text for n, text in self.headings if n > 1)
        self.under, self.columns = f"{self.path} ", None

    def lead_in(self, paragraph: str) -> None:
        """A paragraph before a list or table."""
        self.under = f"{self.path} {paragraph if paragraph.endswith((':', ':**')) else ''}"


@lru_cache(maxsize=256)
def _exempt(under: str) -> bool:
    return EXEMPT.search(under) is not None


def _prose_lines(file: File) -> Iterator[tuple[int, str]]:
    """The lines outside code blocks and comments; links by their text."""
    fence, comment = "", False
    for number, raw in enumerate(file.lines, 1):
        mark = None if comment else FENCE.match(raw)
        if fence:
            closes = mark and mark[1].startswith(fence) and mark.end() == len(raw.rstrip())
            fence = "" if closes else fence
            continue
        if mark:
            fence = mark[1]
            continue
        line, comment = _visible(raw, comment=comment)
        line = re.sub(r"!?\[([^\[\]]*)\]\([^\[)]*\)", r"\1", line)
        if file.name.endswith((".html", ".htm")):
            line = re.sub(r"<[^<>]*>", " ", line)
        yield number, line.removeprefix("> ")


def _visible(line: str, *, comment: bool) -> tuple[str, bool]:
    """A line without its comments, and whether one goes on. Behind some text, `<!--` alone begins none."""
    kept: list[str] = []
    at, said = 0, False
    last = line.rfind("-->")
    while (found := line.find("-->" if comment else "<!--", at)) >= 0:
        if not comment:
            kept.append(line[at:found])
            said = said or bool(kept[-1].strip())
            if said and last < found:
                return "".join([*kept, line[found:]]), False
        comment, at = not comment, found + (3 if comment else 4)
    return "".join(kept if comment else [*kept, line[at:]]), comment


def _row(number: int, cells: tuple[str, ...], columns: tuple[bool, ...], heading: str) -> Statement:
    """A row without the cells whose column says that they are not there."""
    kept = tuple(cell for i, cell in enumerate(cells) if i >= len(columns) or not columns[i])
    return Statement(number, " | ".join(cells), heading, cells=kept, exempt=_exempt(heading))


def _sentences(paragraph: list[tuple[int, str]], heading: str) -> Iterator[Statement]:
    """A paragraph's sentences; each is at the line where it begins."""
    text = "\n".join(line for _, line in paragraph)
    at = row = 0
    for end, following in (*(gap.span() for gap in GAP.finditer(text)), (len(text), len(text))):
        words = text[at:end].replace("\n", " ").strip()
        if words:
            yield Statement(paragraph[row][0], words, heading, exempt=_exempt(heading))
        row, at = row + text.count("\n", at, following), following
