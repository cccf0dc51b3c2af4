"""Prose → statements: sentences, bullets, table rows, package metadata; each with its line and headings. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

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
DESCRIPTION = re.compile(r"\s*[\"']?(description|summary|abstract|long_description)[\"']?\s*[:=]\s*(.*)")
KEYWORDS = re.compile(r"\s*[\"']?(keywords|categories|classifiers)[\"']?\s*[:=]")
MAX_STATEMENT = 2_000


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


def statements(file: File) -> Iterator[Statement]:
    """Everything that a file states; nothing for code."""
    if METADATA.search(file.path):
        yield from _metadata(file)
    elif is_doc(file) and not file.name.endswith(".svg") and not file.name.startswith("license"):
        yield from _document(file)


def _metadata(file: File) -> Iterator[Statement]:
    inside = False
    for number, line in enumerate(file.lines, 1):
        found = DESCRIPTION.match(line)
        if found:
            yield Statement(number, found[2][:MAX_STATEMENT].strip("\"', "), metadata=True)
        inside = inside or KEYWORDS.match(line) is not None
        if inside:
            for word in re.findall(r"[\"']([^\"']+)[\"']", line[line.find("[") + 1 :])[:100]:
                yield Statement(number, word.replace("-", " "), metadata=True, keyword=True)
            inside = "]" not in line


def _document(file: File) -> Iterator[Statement]:
    headings: list[tuple[int, str]] = []
    columns: tuple[str, ...] = ()
    paragraph: list[tuple[int, str]] = []
    lead = ""
    for number, line in _prose_lines(file):
        heading = re.match(r"(#{1,6})\s+(.*)", line)
        table = line.lstrip().startswith("|")
        bullet = re.match(r"\s*([-*+]|\d+[.)])\s+(\[[ xX]\]\s+)?(.*)", line)
        if heading or table or bullet or not line.strip():
            yield from _sentences(paragraph, _path(headings))
            if paragraph and (bullet or table or not line.strip()):
                last = " ".join(text for _, text in paragraph).strip()
                lead = last if last.endswith((":", ":**")) else ("" if last else lead)
            paragraph = []
        if heading:
            level = len(heading[1])
            headings = [(n, text) for n, text in headings if n < level] + [(level, heading[2])]
            columns, lead = (), ""
        elif table:
            cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
            if not columns:
                columns = cells
            elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                yield _row(number, cells, columns, _path(headings))
        elif bullet:
            columns = ()
            box = (bullet[2] or "").strip().lower()
            under = f"{_path(headings)} {lead}"
            exempt = box == "[ ]" or (not box and _exempt(under))
            said = bullet[3][:MAX_STATEMENT]
            yield Statement(number, said, under, bullet=True, metadata=box == "[x]", exempt=exempt)
        elif line.strip():
            columns = ()
            paragraph.append((number, line.strip()))
    yield from _sentences(paragraph, _path(headings))


def _path(headings: list[tuple[int, str]]) -> str:
    """The headings above, but for the document's title: that one says what all of it is about."""
    return " / ".join(text for level, text in headings if level > 1)


def _exempt(under: str) -> bool:
    return EXEMPT.search(under) is not None


def _prose_lines(file: File) -> Iterator[tuple[int, str]]:
    """The lines outside code blocks and comments; links by their text."""
    fence, comment = "", False
    for number, raw in enumerate(file.lines, 1):
        line = raw[: 4 * MAX_STATEMENT]
        mark = re.match(r"\s*(```+|~~~+)", line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1][:3]
            continue
        if fence:
            continue
        line = re.sub(r"<!--.*?-->", "", line)
        if comment or "<!--" in line:
            comment = "-->" not in line
            continue
        line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
        if file.name.endswith((".html", ".htm")):
            line = re.sub(r"<[^>]*>", " ", line)
        yield number, line.removeprefix("> ")


def _row(number: int, cells: tuple[str, ...], columns: tuple[str, ...], heading: str) -> Statement:
    """A row without the cells whose column says that they are not there."""
    kept = tuple(cell for i, cell in enumerate(cells) if i >= len(columns) or not EXEMPT.search(columns[i]))
    return Statement(number, " | ".join(cells)[:MAX_STATEMENT], heading, cells=kept, exempt=_exempt(heading))


def _sentences(paragraph: list[tuple[int, str]], heading: str) -> Iterator[Statement]:
    """A paragraph's sentences; each is at the line where it begins."""
    text = "\n".join(line for _, line in paragraph)
    at = 0
    for piece in re.split(r"(?<=[.!?])\s+(?=[A-Z*`\[])", text):
        if piece.strip():
            words = piece.replace("\n", " ").strip()[:MAX_STATEMENT]
            yield Statement(paragraph[text.count("\n", 0, at)][0], words, heading, exempt=_exempt(heading))
        at += len(piece) + 1
