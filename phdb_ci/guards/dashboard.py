"""Guard `no-green-without-measurement`: no row `tier_db_*` of benchmarks is green without a nightly measurement. Pure.

Rows are looked for in JSON and TOML (as documents), in Markdown tables, CSV and, as text, in TypeScript, JavaScript,
Python and YAML. A green row needs a manifest of its tier in the repo (or is one itself): status pass, profile nightly,
engine_mode compare, in every scenario a finite p95 above zero for lidb and Postgres and their ratio, a time of
measurement, no ratio over the threshold. A stub, an unknown row and a failing one claim nothing.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.code import code_lines, is_test
from phdb_ci.guards.kinds import DOCS, SPECIMEN, TEST_PATH

TIER = re.compile(r"\btier[_-]db[_-]\w[\w-]*")
GREEN = frozenset(
    {
        "pass",
        "passed",
        "passing",
        "green",
        "ok",
        "success",
        "succeeded",
        "healthy",
        "met",
        "live",
        "achieved",
        "brightgreen",
        "bright_green",
    }
)
GREEN_SIGN = re.compile(
    r"[\u2705\u2714\u2611\U0001f7e2\U0001f49a]|:(white_check_mark|heavy_check_mark|green_circle|green_heart):"
)
# `0.98x Postgres`, `pass (0.98x)`: a figure behind a sign or a word.
FIGURE = re.compile(r"(?:[a-z]+\W+)?\d[\d.,]*+\s*+(?:[x\u00d7%]|ms\b|times\b)")
NOT_YET = re.compile(r"\b(when|if|only|until|planned|unknown|stub|not|target|goal)\b")
STATUS = r"status|state|result|outcome|verdict|badge|colou?r|health|gate|message"
TIMES = re.compile(r"(measured|generated|run|ran|finished)_?at|timestamp|date|time", re.IGNORECASE)
TABLES = (*DOCS, ".csv", ".tsv")
DOCUMENTS = (".json", ".jsonl", ".ndjson", ".toml")
CODE = (".vue", ".svelte", ".astro", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".py", ".yml", ".yaml")
BADGE = re.compile(
    r"\bbadge/(tier[_-]{1,2}db[_-]{1,2}\w+?)-(?:[^-\s()]{1,40}-)?(?:passing|bright_?green|green|ok|pass|success)\b"
)
BADGE_QUERY = re.compile(
    r"[?&]label=(tier[_-]db[_-][\w-]{1,80}+)[^\s()\"']{0,200}?[&;](?:message|color)=(?:passing|bright_?green|green|ok|pass|success)\b"
)
WINDOW = 15
FIRST_YEAR = 2025
YEAR = 365.25 * 86_400
_TEXT_STATUS = re.compile(rf"\b({STATUS})[\"']?\s*[:=]\s*[\"'`]?(\w++)[\"'`]?+(?!\s*\||\()", re.IGNORECASE)

_TOKEN = re.compile(
    rf"(?:\b(?P<key>tier[_-]db[_-]\w[\w-]*+)[\"'`]?\s*+:\s*+)?\{{|\}}|\b(?P<tier>tier[_-]db[_-]\w[\w-]*+)"
    rf"|\b(?:{STATUS})[\"']?\s*+[:=]\s*+[\"'`]?(?P<status>\w++)[\"'`]?+(?!\s*\||\()",
    re.IGNORECASE,
)


def no_green_without_measurement(checkout: Checkout) -> Iterator[Finding]:
    """Every green row that no measurement stands behind."""
    files = [file for file in checkout.files if TIER.search(file.text) or BADGE.search(file.text)]
    documents = {file.path: document for file in files if (document := _document(file)) is not None}
    parts = [part for document in documents.values() for part in _maps(document)]
    suites = _suites(parts)
    proofs = [
        part
        for path, document in documents.items()
        if not TEST_PATH.search(path) and not SPECIMEN.search(path)
        for part in _maps(document)
        if not lacks(part) and not _left_out(part, suites)
    ]
    measured = {_tier(str(part["tier"])) for part in proofs}
    for file in files:
        rows: Iterable[tuple[int, str, str]] = ()
        if is_test(file):
            continue
        if file.path in documents:
            line_of = Lines(file).of
            rows = [(line_of(tier), tier, lack) for tier, lack in set(_document_rows(documents[file.path]))]
        elif file.name.endswith(DOCUMENTS):
            yield file.at(1, "cannot tell: it names a tier, and cannot be read as a document")
        elif file.name.endswith(TABLES):
            rows = _table_rows(file)
        elif file.name.endswith(CODE):
            rows = _code_rows(file)
        for line, tier, lack in sorted(set(rows)):
            if lack or tier not in measured:
                why = lack or "and no manifest with a nightly measurement stands behind it"
                yield file.at(line, f"{tier} is green, {why}")


def lacks(manifest: Mapping[str, object]) -> str | None:
    """What a manifest lacks of a nightly measurement; None when it is one."""
    scenarios = manifest.get("scenarios")
    if not isinstance(manifest.get("tier"), str) or not isinstance(scenarios, Sequence):
        return "with no scenarios"
    if str(manifest.get("status")).lower() not in GREEN:
        return f"but the status of its manifest is {str(manifest.get('status'))[:20]}"
    return _run_lacks(manifest) or _scenarios_lack(scenarios, manifest.get("threshold_ratio_vs_postgres"))


def _run_lacks(manifest: Mapping[str, object]) -> str | None:
    """What the run behind a manifest lacks, whatever came out of it."""
    if manifest.get("engine_mode") != "compare":
        return "but its engine_mode is not compare"
    if manifest.get("profile") != "nightly":
        return "but its profile is not nightly"
    if not any(TIMES.fullmatch(key) and _is_time(value) for key, value in manifest.items()):
        return "but it does not say when it was measured"
    return None


def _scenarios_lack(scenarios: Sequence[object], threshold: object) -> str | None:
    if not scenarios:
        return "with no scenarios"
    return next((lack for one in scenarios if (lack := _scenario_lacks(one, threshold))), None)


def _scenario_lacks(scenario: object, threshold: object) -> str | None:
    if not isinstance(scenario, Mapping):
        return "with a scenario that is none"
    engines, ratio = scenario.get("engines"), scenario.get("ratio_vs_postgres")
    p95 = [
        engines[name].get("p95_ms")
        for name in ("lidb", "postgres")
        if isinstance(engines, Mapping) and isinstance(engines.get(name), Mapping)
    ]
    if len(p95) < 2 or not all(map(_positive, [*p95, ratio])):
        return "without a number for every p95 and ratio"
    quotient = p95[0] / p95[1]
    if abs(quotient - float(str(ratio))) > max(0.02, 0.05 * quotient):
        return "with a ratio that is not the quotient of its p95"
    if _positive(threshold) and float(str(ratio)) > float(str(threshold)):
        return "against its own ratio"
    return None if str(scenario.get("status", "pass")).lower() in GREEN else "but a scenario of it is not"


def _suites(parts: Sequence[Mapping[str, object]]) -> dict[str, set[str]]:
    """The scenarios of each tier by its suite: a description, without engines and without a status."""
    found: dict[str, set[str]] = {}
    for part in parts:
        scenarios = part.get("scenarios")
        if "status" in part or not isinstance(part.get("tier"), str) or not isinstance(scenarios, list):
            continue
        named = {
            str(one["id"])
            for one in scenarios
            if isinstance(one, dict) and "id" in one and "engines" not in one
        }
        found.setdefault(_tier(str(part["tier"])), set()).update(named)
    return found


def _left_out(manifest: Mapping[str, object], suites: Mapping[str, set[str]]) -> bool:
    """Whether a scenario of the tier's suite is not in its manifest."""
    scenarios = manifest.get("scenarios")
    told = (
        {str(one.get("id")) for one in scenarios if isinstance(one, dict)}
        if isinstance(scenarios, list)
        else set()
    )
    return not suites.get(_tier(str(manifest.get("tier"))), set()) <= told


def _positive(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf


def _is_time(value: object) -> bool:
    """A time that can be one: before the tiers there was nothing to measure."""
    if isinstance(value, date):
        return value.year >= FIRST_YEAR
    if _positive(value):
        return float(str(value)) > (FIRST_YEAR - 1970) * YEAR
    told = re.match(r"(\d{4})-\d\d-\d\d", str(value))
    return told is not None and int(told[1]) >= FIRST_YEAR


def _tier(name: str) -> str:
    return name.lower().replace("-", "_")


def _document(file: File) -> object:
    """A JSON or TOML document; None for anything else, and for one that is broken."""
    try:
        if file.name.endswith(".json"):
            document: object = json.loads(file.text)
            return document
        if file.name.endswith((".jsonl", ".ndjson")):
            return [json.loads(line) for line in file.lines if line.strip()]
        return tomllib.loads(file.text) if file.name.endswith(".toml") else None
    except (ValueError, RecursionError):
        return None


def _maps(node: object) -> Iterator[Mapping[str, object]]:
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _maps(child)


def _document_rows(node: object, tier: str = "") -> Iterator[tuple[str, str]]:
    """Green rows of a document; what stands below a row (its scenarios) is of its tier."""
    if isinstance(node, list):
        for child in node:
            yield from _document_rows(child, tier)
    if not isinstance(node, dict):
        return
    tier = next(
        (_tier(one.strip()) for one in node.values() if isinstance(one, str) and TIER.fullmatch(one.strip())),
        _label(node) or tier,
    )
    if tier and any(_green_pair(str(key), value) for key, value in node.items()):
        yield tier, lacks(node) or "" if "scenarios" in node else ""
    for key, value in node.items():
        named = TIER.fullmatch(str(key)) is not None
        own = _tier(str(key)) if named else tier
        if named and isinstance(value, str) and _is_green(value):
            yield own, ""
        yield from _document_rows(_unproven(node) if key == "scenarios" else value, own)


def _label(badge: Mapping[str, object]) -> str:
    """The tier that the label of a badge names among other words."""
    named = TIER.search(str(badge.get("label", ""))) if "schemaVersion" in badge else None
    return _tier(named[0]) if named else ""


def _unproven(manifest: Mapping[str, object]) -> object:
    """The scenarios of a manifest that are to be looked at: in a measured run each stands on its own numbers."""
    scenarios, threshold = manifest.get("scenarios"), manifest.get("threshold_ratio_vs_postgres")
    if not isinstance(scenarios, list) or _run_lacks(manifest):
        return scenarios
    return [one for one in scenarios if _scenarios_lack([one], threshold)]


def _green_pair(key: str, value: object) -> bool:
    if key.lower() in GREEN:
        return value is True
    return re.fullmatch(STATUS, key.lower()) is not None and isinstance(value, str) and _is_green(value)


def _is_green(value: str) -> bool:
    bare = GREEN_SIGN.sub("", value).strip(" *_`~").lower()
    sign = GREEN_SIGN.search(value) is not None
    figure = FIGURE.match(bare) is not None and NOT_YET.search(bare) is None
    word = re.match(r"\w*", bare)
    return (
        bare in GREEN or (sign and (not bare or figure)) or (figure and word is not None and word[0] in GREEN)
    )


class Lines:
    """Where the tiers of a document stand, and where something is green: each line is looked at once."""

    def __init__(self, file: File) -> None:
        self.places: dict[str, list[int]] = {}
        self.named: set[int] = set()
        self.green: set[int] = set()
        for number, line in enumerate(file.lines, 1):
            for tier in {_tier(name) for name in TIER.findall(line)}:
                self.places.setdefault(tier, []).append(number)
                self.named.add(number)
            words = re.findall(r"[\"':=]\s*+[\"']?(\w++)", line)
            if any(word.lower() in GREEN for word in words) or GREEN_SIGN.search(line):
                self.green.add(number)

    def of(self, tier: str) -> int:
        """The line of the tier's green status, as well as text can tell."""
        places = self.places.get(tier, [])
        number: int
        for place in places:
            for number in (*range(place, place + WINDOW), *range(place - 1, place - WINDOW, -1)):
                if number in self.green and (number == place or number not in self.named):
                    return number
        return places[0] if places else 1


def _table_rows(file: File) -> Iterator[tuple[int, str, str]]:
    """A row of a table (`|` or `,`) with the tier in one cell and a green word or sign alone in another."""
    fenced = False
    for number, line in enumerate(file.lines, 1):
        fenced ^= line.lstrip().startswith("```")
        found = TIER.search(line) or BADGE.search(line)
        if not found or fenced:
            continue
        cells = re.split(r"[|,\t]|</?t[dh][^<>]*>", line)
        row = len(cells) > 1 and any(_is_green(cell) for cell in cells if not TIER.search(cell))
        if row:
            yield number, _tier(found[0]), ""
        elif badge := BADGE.search(line) or BADGE_QUERY.search(line):
            yield number, re.sub("_+", "_", _tier(badge[1])), ""


def _code_rows(file: File) -> Iterator[tuple[int, str, str]]:
    """A literal with the tier and, before its braces close, a green status."""
    lines = code_lines(file)
    for number, line in enumerate(lines, 1):
        found = TIER.search(line)
        if not found:
            continue
        yield from ((number, tier, "") for tier in _in_line(line))
        for at in _same_object(lines, number - 1):
            status = _TEXT_STATUS.search(lines[at]) if at != number - 1 else None
            if status and status[2].lower() in GREEN:
                yield at + 1, _tier(found[0]), ""


def _in_line(line: str) -> Iterator[str]:
    """The tiers with a green status in the same braces of one line, however many objects stand in it."""
    open_objects: list[tuple[set[str], set[str]]] = [
        (set(), set())
    ]  # tiers and statuses, from the outside in
    for token in _TOKEN.finditer(line):
        if token[0].endswith("{"):
            open_objects.append(({_tier(token["key"])} if token["key"] else set(), set()))
        elif token["tier"]:
            open_objects[-1][0].add(_tier(token["tier"]))
        elif token["status"]:
            open_objects[-1][1].add(token["status"].lower())
        else:
            tiers, statuses = open_objects.pop() if len(open_objects) > 1 else open_objects[0]
            yield from tiers if statuses & GREEN else ()
    for tiers, statuses in open_objects:
        yield from tiers if statuses & GREEN else ()


def _same_object(lines: tuple[str, ...], at: int) -> Iterator[int]:
    """The lines of the object literal (or YAML item) that holds this line."""
    yield at
    for step in (1, -1):
        depth = lines[at].count("{") - lines[at].count("}") if "{" in lines[at] and step > 0 else 0
        if step > 0 and depth <= 0 and "}" in lines[at]:
            continue
        for number in range(at + step, at + step * WINDOW, step):
            if not 0 <= number < len(lines) or TIER.search(lines[number]):
                break
            opens, closes = lines[number].count("{"), lines[number].count("}")
            depth += step * (opens - closes)
            if step < 0 and re.match(r"\s*- ", lines[at]):
                break
            if (step > 0 and depth < 0) or (step < 0 and depth < 0 and opens > closes):
                yield number
                break
            if step < 0 and (closes > opens or lines[number].rstrip(" \t,").endswith("}")):
                break
            yield number
            if re.match(r"\s*- ", lines[number]):
                break
