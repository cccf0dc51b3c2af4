"""The definition of done as Markdown, to be attached to an issue. Pure."""

from phdb_ci.models.done import Done, Judged, Seen
from phdb_ci.rendering.markdown import TITLE_LIMIT, cells, code, commit_list, word

ICONS = {"met": "✅", "not met": "❌", "unknown": "⚪"}


def done_page(done: Done) -> str:
    """One table of conditions, then per condition what was seen of its jobs."""
    total = len(done.conditions)
    lines = [f"## Definition of done: {done.met} of {total} conditions met", ""]
    lines += ["| | condition | state | why |", "|:-:|:--|:--|:--|"]
    lines += [_row(one) for one in done.conditions]
    lines += [
        "",
        "Only the public stack at the matrix's pins counts; what else was measured is listed and decides nothing.",
    ]
    for number, one in enumerate(done.conditions, 1):
        if one.seen:
            lines += ["", f"<details>\n<summary>What condition {number} rests on</summary>", ""]
            lines += [
                "| job | status | stack | commits | run | age | counts |",
                "|:--|:--|:--|:--|:--|--:|:--|",
            ]
            lines += [_seen(seen) for seen in one.seen]
            lines += ["", "</details>"]
    return "\n".join(lines) + "\n"


def _row(one: Judged) -> str:
    why = "<br>".join(code(reason, TITLE_LIMIT) for reason in one.why)
    return f"| {' | '.join(cells(ICONS[one.state], code(one.text), one.state, why))} |"


def _seen(one: Seen) -> str:
    age = "not known" if one.days is None else f"{one.days} d"
    counts = "yes" if one.counts else f"no: {code(one.why_not, TITLE_LIMIT)}"
    status = f"{one.status}: {code(one.reasons[0], TITLE_LIMIT)}" if one.reasons else one.status
    run = f"{code(one.gate, 60)} {code(one.run, 60)}, {code(one.platform, 60)}"
    values = cells(word(f"{one.job}@{one.os}"), status, one.stack, commit_list(one.commits), run, age, counts)
    return f"| {' | '.join(values)} |"
