"""Guards `no-lip-v2-claim`, `no-wire-listener-claim`, `no-replication-claim`: nobody says what is not there. Pure.

Read: prose (Markdown and its likes, but for code blocks) and package metadata (description, keywords). A clause is a
claim when it names the topic and says that it is there: a verb of having or doing, a table cell such as "yes", a bullet
under "Features", a ticked box, a keyword. No claim is a clause that denies it, puts it in the future or makes it depend
on something, and whatever stands below a heading or in a column of that kind (NOT list, planned, out of scope, learned
from, reject). Statements about another product are none of ours. Limits: English alone; a claim that is spread over
sentences, stands in a code block or a picture, or hides behind such a heading is not seen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from phdb_ci.guards.checkout import Checkout, File, Finding
from phdb_ci.guards.prose import Statement, statements

HAS = (
    r"\b(supports?|supporting|implements?|implemented|provides?|offers?|exposes?|accepts?|ships?|shipped|serves?|"
    r"serving|speaks?|listens?|listening|includes?|features?|comes with|has|have|enabled?|enables|available|works?|"
    r"working|complete[ds]?|done|ready|delivers?|delivered|is live|is here|landed|now|runs?|running|full|built[- ]in|"
    r"native|drop-in|compatible|uses?|connects?|can connect|gives?|handles?|gets?|is on|are on|backed by|powered by|"
    r"powers?|backs)\b"
)
DENIES = (
    r"\b(no|not|never|none|cannot|neither|nor|without|lacks?|missing|absent|unsupported|unimplemented|excludes?|"
    r"excluded|forbid\w*|reject\w*|instead of|rather than|non-goals?|anti-goals?|remove[ds]?|drop(s|ped)|false|"
    r"avoids?|refus\w+|n/a)\b|n['\u2019]t\b|[\u274c\u26d4\U0001f6ab]"
)
LATER = (
    r"\b(planned|plans?|will|future|later|todo|tbd|roadmap|targets?|goals?|aims?|aimed|blocked|blocking|blocks|until|"
    r"once|eventual\w*|propos\w+|not yet|pending|stub(s|bed)?|wip|in progress|upcoming|soon|would|could|may|might|"
    r"should|must|if|draft|research|explor\w+|idea|wants?|toward\w*|deferred?|defers?|out of scope|post-mvp|phase|"
    r"needs?|requires?|unmerged|open branch|experimental spike|spike|subset \(WP|before|after|unblock\w*|when|todo|"
    r"gap|aligned with|shape[ds]?)\b"
)
HARD = (
    r"\bnot (yet )?(implemented|available|supported|shipped|merged|in scope|included|there)\b|\b(planned|blocked|"
    r"deferred|unimplemented|unsupported|out of scope|unmerged|future work|coming soon)\b|\bPH-DB-4 (is|exit gate)\b"
)
YES = re.compile(
    r"^[\W_]*(yes|done|supported|implemented|shipped|available|ready|complete[d]?|live|works|working|green|enabled|ga|"
    r"stable|production|full|[\u2705\u2714\u2611\U0001f7e2])[\W_]*(\(.*\))?$",
    re.IGNORECASE,
)
SIGN_YES = re.compile(r"^\W*[\u2705\u2714\u2611\U0001f7e2]|:white_check_mark:")
FEATURES = re.compile(
    r"\b(features?|highlights?|what works|supported|in scope|capabilit\w+|included|what you get|status)\b",
    re.IGNORECASE,
)
OTHERS = re.compile(
    r"\b(supabase|postgres(ql)?|neon|mysql|mariadb|mongo\w*|cockroach\w*|firebase|electric( sql)?|duckdb|redis|kafka|"
    r"ably|yugabyte|wiredtiger|neo4j|etcd|foundationdb|debezium|vitess|tidb|spanner|sqlite|litestream)\b",
    re.IGNORECASE,
)
OURS = re.compile(
    r"\b(lidb|lis|lip|we|our|li-langverse|this (repo\w*|engine|image|release|bundle|stack|server)|"
    r"registry-min|ph-db)\b",
    re.IGNORECASE,
)


ADDED = re.compile(r"\b(added|new)\b", re.IGNORECASE)
ARTICLES = re.compile(
    r"\W*(?:(?:an?|the|new|full|native|added|support for|first|basic)\s+){0,4}", re.IGNORECASE
)
# `once started, it …`: how it is used, and nothing that is still to come.
USED = re.compile(
    r"\b(?:once|when|whenever|if|after)\s+(?:(?:it|lidb|lis|the|server|engine|is|are|has|been|you|your|have|we|i)\s+){0,6}"
    r"(?:started|running|up|installed|connected|configured|booted|launched|deployed|built|need|want|needed|prefer|like|"
    r"start|run|install)\b(?![^,.;]{0,120}\b(?:merge|lands?|ph-db|wp-|phase|gate|milestone|ships?|implement\w*|done)\b)[^,.;]{0,120}",
    re.IGNORECASE,
)
SENTENCE = 12  # lines of one sentence, at most


@dataclass(frozen=True)
class Topic:
    """What must not be claimed; `sure` is a claim by itself, without a verb beside it."""

    what: str
    about: re.Pattern[str]
    sure: re.Pattern[str]
    needs: re.Pattern[str] | None = None


WIRE = Topic(
    "a Postgres wire listener",
    re.compile(
        r"\b(postgres(ql)?|pg|psql|libpq)[- ]?(v?3[- ])?(wire([- ]?(protocol|listener|format|server|port|endpoint|"
        r"compatib\w+))?|(frontend/backend|client|network|line) protocol|listener|protocol)\b|\bwire[- ](protocol|"
        r"listener|compatib\w+|server)\b|\bpgwire\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(postgres(ql)?|pg|psql)?[- ]?wire[- ](protocol[- ])?compatible\b|\b(connect|works?|use[sd]?|usable|"
        r"talk)\w* (\w+ )?(with|from|via|using|through) (any |every |plain |a |your |standard |existing )?(psql|libpq|"
        r"(any |standard |existing )?postgres(ql)? (client|driver|tool)s?|jdbc|psycopg)\b|\b(any|every|existing|"
        r"standard) postgres(ql)? (client|driver)s? (can )?(now |just )?(connects?|works?|talks?)\b|"
        r"\bpostgres(ql)? (clients|drivers|tools) (can )?(now |just )?(connect|work|talk)\b|"
        r"\buse (any|every|your|standard|existing) (\w+ )?postgres(ql)? (client|driver|tool|librar)|"
        r"\bdrop-in (replacement|substitute|alternative) (for|to) (a |an |any |your )?(postgres(ql)?|pg)\b|"
        r"\b(point|aim) (\w+ )?(psql|"
        r"libpq|psycopg|jdbc|postgres(ql)? client\w*) at\b|\b(listens?|listening|accepts? (\w+ )?connections) (on|"
        r"at) (\w+ )?(tcp|port)\b[^.]{0,300}\b(postgres|psql|5432|54321)",
        re.IGNORECASE,
    ),
)
REPLICATION = Topic(
    "replication",
    re.compile(
        r"\b(?:(?:streaming|logical|physical|multi-master|leader-follower|primary-replica|async\w{0,9}|synchronous|"
        r"wal)[- ]){0,4}(replication|replicas?|read[- ]replicas?|hot standby|standby servers?)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(lidb|lis|engine|wal|it|data|rows|writes?) (is |are )?(automatically |continuously )?replicate[sd] (to|"
        r"across|over|from|its|every|all|data|writes|rows)\b|\breplicas (are|stay) (kept )?(in sync|up to date)\b|"
        r"\b(read[- ])?replicas? (scales?|serves?|takes?|offloads?|answers?|shares?)\b|"
        r"\bfail(s|ed|ing)?[- ]?over to (a |an |the |another )?(\w+ )?(follower|replica|standby|secondary)\b|"
        r"\bautomatic(ally)? fail(s)?[- ]?over\b|"
        r"\bpromot(es?|ed|ion of|ing) (a|an|the|its) (\w+ )?(replica|standby|follower|secondary)\b|"
        r"\bfollowers? (apply|applies|replays?|receives?|streams?)\b",
        re.IGNORECASE,
    ),
)
LIP = Topic(
    "lip registry v2 on lidb",
    re.compile(
        r"\b(lip|package)?\s*registry[- ]v2\b|\blip[- ]v2\b|\bPH-8d-v2\b|"
        r"\blip(['\u2019]s)? (package )?(registry|reads?|publish\w*)\b|\blip\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(lip|registry v2)\b[^.;]{0,60}\b(runs?|ships?|served|stored|lives?|backed|powered|hosted|built|moved|"
        r"reads?|writes?|migrated|is now|now|lands?|landed|stores?|keeps?|kept|goes|go|saves?|saved|persists?|"
        r"persisted|ends? up)\b[^.;]{0,30}\b(on|by|from|to|in|with|through|via) (top of )?(\*\*|"
        r"`)?lidb\b|\blidb(\*\*|`)? (now )?(serves|powers|backs|hosts|runs|stores|ships) (the )?(\*\*|`)?(lip|"
        r"registry v2)\b|\blidb-(backed|powered|based) (lip\b|(lip )?registry v2)|\b(ships?|shipped|released?|"
        r"supports?|provides?|implements?|includes?|offers?|launch\w*) (the )?(full )?(lip )?registry[- ]v2\b|"
        r"\blidb is (now )?(the|a) [^.;]{0,40}\b(store|backend|database|engine) (of|for|behind|under) (the )?(lip\b|"
        r"(lip )?registry v2)|\blip\b[^.;]{0,40}\b(uses|queries) (\*\*|`)?lidb\b|\b(lip )?registry[- ]v2 (is|"
        r"has) (now )?(live|shipped|complete|available|done|ready|in production|landed)\b",
        re.IGNORECASE,
    ),
    re.compile(r"\bregistry[- ]v2\b|\blip[- ]v2\b|\bPH-8d-v2\b|\blidb\b", re.IGNORECASE),
)


def claims(topic: Topic, checkout: Checkout) -> Iterator[Finding]:
    """Every claim of a topic."""
    for file in checkout.files:
        named: dict[int, bool] = {}
        for statement in statements(file):
            if not statement.exempt and is_claim(statement, topic):
                yield file.at(_line_of(file, statement, topic, named), f"claims {topic.what}")


def _line_of(file: File, statement: Statement, topic: Topic, named: dict[int, bool]) -> int:
    """The line of a statement that names the topic; a sentence may have several. What a line does is kept."""
    for number in range(statement.line, min(statement.line + SENTENCE, len(file.lines)) + 1):
        if number not in named:
            line = file.lines[number - 1]
            named[number] = bool(topic.about.search(line) or topic.sure.search(line))
        if named[number]:
            return number
    return statement.line


def is_claim(statement: Statement, topic: Topic) -> bool:
    """Whether a statement says that the topic is there."""
    text = re.sub(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", "", re.sub(r"~~.*?~~", " ", statement.text))
    if not (topic.about.search(text) or topic.sure.search(text)) or re.search(HARD, text, re.IGNORECASE):
        return False
    if statement.cells:
        return _cells_claim(statement, topic)
    if statement.bullet and ADDED.search(statement.heading):
        begins = ARTICLES.match(text)
        first = (topic.needs or topic.about).match(text, begins.end() if begins else 0)
        if first and not _softened(text, topic):
            return True
    if statement.metadata or (statement.bullet and _features(statement.heading)):
        named = topic.about.search(text) and (
            topic.needs is None or topic.sure.search(text) or statement.keyword
        )
        return bool(named or topic.sure.search(text)) and not _softened(text, topic)
    return any(
        _clause_claims(clause, topic)
        for clause in re.split(r"(?<=[^.\d])[.;:!?](?=\s|$)|\s[\u2014\u2013]\s|\bbut\b", text)
    )


@lru_cache(maxsize=256)
def _features(heading: str) -> bool:
    return FEATURES.search(heading) is not None


def _cells_claim(statement: Statement, topic: Topic) -> bool:
    """A table row: the topic in one cell and a plain yes in another, none of them denying."""
    row = " | ".join(statement.cells)
    named = [cell for cell in statement.cells if topic.about.search(cell)]
    if not named or _softened(row, topic) or not (topic.needs is None or topic.needs.search(row)):
        return False
    if any(YES.match(cell) or SIGN_YES.search(cell) for cell in statement.cells if cell not in named[:1]):
        return True
    return any(_clause_claims(cell, topic) and topic.sure.search(cell) for cell in statement.cells)


def _clause_claims(clause: str, topic: Topic) -> bool:
    about, sure = topic.about.search(clause), topic.sure.search(clause)
    if not (about or sure) or _softened(clause, topic) or _of_others(clause, topic):
        return False
    if sure:
        return True
    rest = topic.about.sub(" @ ", clause)
    return (
        topic.needs is None and re.search(rf"{HAS}|\bwith (\w+ ){{0,2}}\s*@", rest, re.IGNORECASE) is not None
    )


def _softened(text: str, topic: Topic) -> bool:
    """Denied or put off; `without extra setup` behind the topic denies nothing, `once started` puts nothing off."""
    text = USED.sub(" ", text)
    found = topic.about.search(text) or topic.sure.search(text)
    behind = text[found.end() :] if found else ""
    before = text[: found.start()] if found else text
    inside = found[0] if found else ""
    if re.search(DENIES, f"{before} {inside}", re.IGNORECASE) or re.search(
        LATER, f"{before} {inside} {behind}", re.IGNORECASE
    ):
        return True
    denied = re.sub(
        r"\b(without|no|not (only|just))\b[^,.;]*|\bout of the box\b", " ", behind, flags=re.IGNORECASE
    )
    return (
        re.search(DENIES, denied, re.IGNORECASE) is not None
        or re.match(r"\W*(no|none)\W*$", behind, re.IGNORECASE) is not None
    )


def _of_others(clause: str, topic: Topic) -> bool:
    """Another product is the subject, and nothing of ours is."""
    found = topic.sure.search(clause) or topic.about.search(clause)
    before = clause[: found.start()] if found else clause
    return OTHERS.search(before) is not None and OURS.search(clause) is None
