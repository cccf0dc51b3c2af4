"""The check `ratios`: what is a figure in a manifest, what is a time of its round; when a ratio may be believed."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from checks.ratios.answers import STATEMENTS, Answer, Answers, Recorder
from checks.ratios.bench import Span
from checks.ratios.document import document, line
from checks.ratios.manifest import ENGINES, SCENARIOS, Measured, RefusedError, Round, Written, read
from checks.ratios.rules import RULES, contradicting, emptiness, problems
from checks.ratios.watch import Opened

BEGAN = 1_795_597_590.5  # 2026-11-25T09:06:30Z
PUBLISH, BY_NAME, LATEST = SCENARIOS


def scenario(name: str = PUBLISH, **fields: Any) -> dict[str, Any]:
    engine = {"p50_ms": 1.0, "p95_ms": 2.0}
    both = {"lidb": engine, "postgres": engine}
    return {"id": name, "status": "green", "engines": both, "ratio_vs_postgres": 1.0} | fields


def parsed(document: Any, written: float = BEGAN + 5) -> Round:
    text = document if isinstance(document, str) else json.dumps(document)
    return read(1, "nightly", Written("b/m.json", text.encode(), written, BEGAN, BEGAN + 10))


def told(*scenarios: dict[str, Any], **fields: Any) -> dict[str, Any]:
    now = {"generated_at": "2026-11-25T09:06:35.444696+00:00", "status": "pass"}
    return {"engine_mode": "compare", "profile": "nightly", "scenarios": list(scenarios)} | now | fields


def test_figures_are_read() -> None:
    one = parsed(told(scenario(), scenario(BY_NAME), scenario("unknown")))

    assert list(one.scenarios) == [PUBLISH, BY_NAME]
    assert one.scenarios[PUBLISH].p95_ms == {"lidb": 2.0, "postgres": 2.0}
    assert (one.problems, one.is_whole) == ([], False)


@pytest.mark.parametrize("value", [True, "1.0", 0, -1, [1.0], {"a": 1}, float("inf"), 10**400], ids=str)
def test_value_that_is_no_figure_is_told(value: object) -> None:
    one = parsed(json.dumps(told(scenario(ratio_vs_postgres=value))).replace("Infinity", "1e999"))

    (text,) = one.scenarios[PUBLISH].odd
    assert text.startswith(f"{PUBLISH}: ratio_vs_postgres is ")
    assert one.scenarios[PUBLISH].ratio is None


@pytest.mark.parametrize("status", ["stub", "unknown", None, "pass", ["green"]], ids=str)
def test_scenario_whose_status_is_no_measurement_is_told(status: object) -> None:
    (text,) = parsed(told(scenario(status=status))).scenarios[PUBLISH].odd
    assert text == f"{PUBLISH} has status {str(status)!r}, expected green or red"


def test_engine_that_was_not_measured_has_no_figures() -> None:
    one = parsed(told(scenario(engines={"lidb": None, "postgres": None}, ratio_vs_postgres=None)))
    assert one.scenarios[PUBLISH] == Measured()


def test_scenario_that_stands_twice_is_told() -> None:
    assert parsed(told(scenario(), scenario())).scenarios[PUBLISH].odd == [f"{PUBLISH} stands twice in it"]


@pytest.mark.parametrize(
    "text", [b"[]", b"3", b'"x"', b"null", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"a": "\xff"}', b""]
)
def test_text_that_is_no_object_is_a_problem(text: bytes) -> None:
    with pytest.raises(RefusedError, match=r"b/m\.json is (not JSON|no JSON object)"):
        read(1, "nightly", Written("b/m.json", text, BEGAN + 5, BEGAN, BEGAN + 10))


@pytest.mark.parametrize("scenarios", [None, {}, "x", [None, 3, {"id": []}], [{"id": PUBLISH, "engines": [1]}]])
def test_scenarios_of_another_shape_are_no_figures(scenarios: object) -> None:
    one = parsed(told() | {"scenarios": scenarios})
    assert not [each for each in one.scenarios.values() if each.p95_ms or each.ratio]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"status": "stub"}, "b/m.json has status 'stub', expected pass or fail"),
        ({"status": None}, "b/m.json has status 'None', expected pass or fail"),
        ({"engine_mode": "lidb_only"}, "engine_mode is 'lidb_only', expected 'compare'"),
        ({"engine_mode": None}, "engine_mode is None, expected 'compare'"),
        ({"profile": "ci"}, "profile is 'ci', expected 'nightly'"),
    ],
    ids=str,
)
def test_manifest_of_no_comparison_is_told(fields: dict[str, Any], problem: str) -> None:
    assert parsed(told(scenario(), **fields)).problems == [problem]


# Times


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-25T09:06:30Z", "2026-11-25T09:06:35+00:00", "2026-11-25T10:06:35+01:00", "2026-11-25 09:06:31.5",
        "2026-11-25", 1_795_597_591, 1_795_597_591_000,
    ],
    ids=str,
)  # fmt: skip
def test_time_of_this_round_is_fresh(stamp: object) -> None:
    assert parsed(told(scenario(), generated_at=stamp)).problems == []


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        ("2026-11-25T09:06:00Z", "30 s before this round began"),
        ("2026-11-25T08:06:00+00:00", "1 h before this round began"),
        ("2026-11-24", "9 h before this round began"),
        ("2025-11-25T09:06:30Z", "365 d before this round began"),
        (1_795_597_000, "10 min before this round began"),
        ("2026-11-25T09:16:30Z", "which has not come yet"),
        ("yesterday", "is no time"),
        (10**400, "is no time"),
        (True, "is no time"),
    ],
    ids=str,
)
@pytest.mark.parametrize("key", ["measured_at", "generated_at", "timestamp", "run_timestamp"])
def test_time_of_another_round_is_told(stamp: object, why: str, key: str) -> None:
    one = parsed(told(scenario(), provenance=[{key: stamp}]))

    assert len(one.problems) == 1
    assert one.problems[0].startswith(f"provenance[0].{key} is ")
    assert why in one.problems[0]


@pytest.mark.parametrize("fields", [{}, {"generated_at": None}, {"update_interval": "2026-11-25"}], ids=str)
def test_manifest_that_does_not_say_when_it_was_measured_is_told(fields: dict[str, Any]) -> None:
    document = told(scenario())
    del document["generated_at"]

    assert parsed(document | fields).problems == [
        "b/m.json does not say when it was measured: no time stands in it, such as generated_at"
    ]


def test_file_from_before_the_round_is_told() -> None:
    assert parsed(told(scenario()), written=BEGAN - 120).problems == [
        "b/m.json was written 2 min before this round began"
    ]
    assert parsed(told(scenario()), written=BEGAN - 1).problems == []


# Other engines


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"fallback": True}, "fallback says True"),
        ({"engine": {"fallback_reason": "no psycopg"}}, "engine.fallback_reason says 'no psycopg'"),
        ({"engine": "sqlite"}, "engine is 'sqlite'"),
        ({"engines": ["lidb", "sqlite3"]}, "engines[1] is 'sqlite3'"),
        ({"engines": {"sqlite": {"p95_ms": 1}}}, "engines.sqlite says more than nothing"),
        ({"mode": "Mock"}, "mode is 'Mock'"),
        ({"more": {"sources": {"fallback": True}}}, "more.sources.fallback says True"),
    ],
)
def test_other_engine_is_told(fields: dict[str, Any], place: str) -> None:
    assert parsed(told(scenario(), **fields)).problems == [f"measured on a fallback: {place}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"fallback": False},
        {"fallback": None},
        {"sqlite": 0},
        {"note": "no sqlite3 anywhere"},
        {"sources": {"schema_sqlite_stub": "b/schema/registry-sqlite-v1.sql"}},
    ],
)
def test_engine_that_was_not_used_is_not_told(fields: dict[str, Any]) -> None:
    assert parsed(told(scenario(), **fields)).problems == []


# When a ratio may be believed


def figures(ratio: float | None = 0.5, **fields: Any) -> Measured:
    """A scenario on both engines."""
    given: dict[str, Any] = {"p95_ms": {"lidb": ratio or 1.0, "postgres": 1.0}}
    return Measured(ratio=ratio, **given | fields)


def timed(lidb: float, postgres: float) -> dict[str, Measured]:
    """All scenarios with both percentiles of both engines."""
    return {
        name: Measured(
            ratio=round(lidb / postgres, 4),
            p50_ms={"lidb": lidb / half, "postgres": postgres / half}, p95_ms={"lidb": lidb, "postgres": postgres},
        )
        for half, name in enumerate(SCENARIOS, 2)
    }  # fmt: skip


def one_round(number: int, publish: Measured | None = None, **fields: Any) -> Round:
    """A round that was measured, with figures of its own."""
    own = 0.5 + number / 1000
    scenarios = {PUBLISH: publish or figures(own), BY_NAME: figures(own - 0.1), LATEST: figures(own - 0.2)}
    given: dict[str, Any] = {"scenarios": scenarios, "written": 20, "read": 40, "opened": 3, "launched": 0}
    return Round(number, **given | {"launched": 0 if number else 3} | fields)


def rounds(*changed: Round) -> list[Round]:
    """The witnessed round and six timed ones, some of them replaced."""
    by_number = {one.number: one for one in changed}
    return [by_number.get(number, one_round(number)) for number in range(7)]


def answers(**rows: Sequence[int | None]) -> Answers:
    """An engine that was started once and had 20 statements of each scenario; `rows` of some of them."""
    every = [Answer("session", "", None, None)]
    for name, (does, table) in STATEMENTS.items():
        sql = f"{does} {'INTO' if does == 'INSERT' else 'x FROM'} {table} (id)"
        every += [Answer("", sql, count, count) for count in rows.get(name, [1] * 20)]
    return Answers(every)


def found(
    *changed: Round, every: Sequence[Round] | None = None, witnessed: Answers | None = None
) -> dict[str, list[str]]:
    return problems(rounds(*changed) if every is None else every, 6, witnessed or answers())


@pytest.mark.parametrize(
    "changed",
    [
        (),
        (one_round(0, opened=0), one_round(1, opened=None, launched=None)),
        (one_round(1, figures(7.0)),),
        (one_round(1, figures(0.5002, p95_ms={"lidb": 1.0, "postgres": 1.9992})),),
        (one_round(1, figures(17.3515, p95_ms={"lidb": 29.3299, "postgres": 1.6903})),),
        (one_round(2, scenarios=dict.fromkeys(SCENARIOS, figures(0.6))),),
    ],
    ids=["measured", "starts that nobody sees", "an outlier", "rounded up", "of a sample", "agree by chance"],
)
def test_scenarios_without_a_problem_may_be_believed(changed: Sequence[Round]) -> None:
    assert found(*changed) == {name: [] for name in SCENARIOS}


ALL = tuple(SCENARIOS)


@pytest.mark.parametrize(
    ("changed", "names", "text"),
    [
        ([one_round(2, problems=["m.json is not JSON"])], ALL, "round 2: m.json is not JSON"),
        ([one_round(0, problems=["the job wrote no m.json"])], ALL, "the witnessed round: the job wrote no m.json"),
        (
            [one_round(0, problems=["engine_mode is None"]), one_round(3, problems=["engine_mode is None"])],
            ALL, "the witnessed round: engine_mode is None (and in 1 more)",
        ),
        ([one_round(6, Measured(odd=["x is inf"]))], (PUBLISH,), "round 6: x is inf"),
        (
            [one_round(1, scenarios={PUBLISH: figures(0.51), BY_NAME: figures(0.4)})],
            (LATEST,), f"round 1: {LATEST} is not in the manifest",
        ),
        ([one_round(1, figures(None))], (PUBLISH,), f"round 1: {PUBLISH} has no ratio_vs_postgres"),
        (
            [one_round(1, figures(None, p95_ms={"lidb": 2.0}))],
            (PUBLISH,), f"round 1: {PUBLISH} has no ratio_vs_postgres and no p95_ms of postgres",
        ),
        (
            [one_round(4, scenarios=one_round(2).scenarios)],
            ALL, "round 4: every figure is that of round 2, to the last digit: not measured again",
        ),
        (
            [one_round(4, scenarios=timed(0.7, 0.004)), one_round(5, scenarios=timed(0.7, 0.005))],
            ALL, "round 5: every figure of lidb is that of round 4, to the last digit: not measured again",
        ),
        (
            [one_round(4, scenarios=timed(0.004, 0.7)), one_round(5, scenarios=timed(0.005, 0.7))],
            ALL, "round 5: every figure of postgres is that of round 4, to the last digit: not measured again",
        ),
        (
            [
                one_round(n, scenarios={PUBLISH: figures(n / 9), BY_NAME: figures(n / 9), LATEST: figures(n)})
                for n in (2, 5)
            ],
            (PUBLISH, BY_NAME),
            f"{BY_NAME}: in 2 rounds every figure is that of {PUBLISH}, to the last digit: not measured",
        ),
        (
            [one_round(1, figures(0.5, p95_ms={"lidb": 3.0, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 0.5, and its P95, 3 ms by 1 ms, give 3",
        ),
        (
            [one_round(1, figures(1.2, p95_ms={"lidb": 1.211, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 1.2, and its P95, 1.211 ms by 1 ms, give 1.211",
        ),
        (
            [one_round(1, figures(0.001, p95_ms={"lidb": 0.002, "postgres": 1.0}))],
            (PUBLISH,), f"round 1: {PUBLISH}: ratio_vs_postgres is 0.001, and its P95, 0.002 ms by 1 ms, give 0.002",
        ),
        (
            [one_round(1, figures(1.0, p95_ms={"lidb": 1e308, "postgres": 1e-9}))],
            (PUBLISH,),
            f"round 1: {PUBLISH}: ratio_vs_postgres is 1, and its P95, 1e+308 ms by 1e-09 ms, give no ratio",
        ),
        (
            [one_round(1, written=0)],
            ALL, "round 1: by its own count postgres wrote 0 of 20 rows: the figures are not its own",
        ),
        (
            [one_round(1, read=39)],
            ALL, "round 1: by its own count postgres read 39 of 40 rows: the figures are not its own",
        ),
        ([one_round(1, written=None)], ALL, "round 1: postgres was not asked how many rows it wrote"),
        ([one_round(1, opened=0)], ALL, "round 1: the engine was never started: the figures are not its own"),
        ([one_round(1, launched=3)], ALL, "round 1: timed through the witness"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_of_the_scenarios_that_it_is_wrong_with(
    changed: Sequence[Round], names: Sequence[str], text: str
) -> None:
    said = found(*changed)
    assert {name: texts[0] for name, texts in said.items() if texts} == dict.fromkeys(names, text)


def test_fault_of_another_scenario_in_a_later_round_is_not_lost() -> None:
    late = one_round(4)
    late.scenarios[LATEST].odd.append("y is inf")
    said = found(one_round(1, Measured(odd=["x is inf"])), late)

    assert said[LATEST][0] == "round 4: y is inf"


def test_engine_that_is_started_less_often_than_under_the_witness_is_told() -> None:
    calls = Answers([Answer("exec-json", answer.sql, 1, 1) for answer in answers().every])

    assert found(every=[one_round(number, opened=61) for number in range(7)], witnessed=calls)[PUBLISH] == []
    assert found(witnessed=calls)[PUBLISH] == [
        "round 1: the engine was started 3 of 61 times: the figures are not its own (and in 5 more)"
    ]


def test_too_few_statements_are_no_p95() -> None:
    assert found(witnessed=answers(registry_read_latest=[1] * 19)) == {
        PUBLISH: [], BY_NAME: [],
        LATEST: [f"{LATEST}: a P95 over 19 statements (SELECT of package_versions) is none; it takes 20"],
    }  # fmt: skip


# The rounding


Times = st.floats(0.0001, 1000.0)


def rounded(lidb: float, postgres: float, ratio: float) -> Round:
    """One scenario as the benchmark writes it: times and ratio to four decimals, the ratio of the unrounded times."""
    times = {"lidb": round(lidb, 4), "postgres": round(postgres, 4)}
    return Round(1, scenarios={PUBLISH: Measured(ratio=round(ratio, 4), p95_ms=times)})


@settings(max_examples=2000)
@given(lidb=Times, postgres=Times)
def test_honest_ratio_is_never_refused(lidb: float, postgres: float) -> None:
    assert list(contradicting(rounded(lidb, postgres, lidb / postgres))) == []


@given(lidb=Times, postgres=st.floats(0.001, 1000.0), sign=st.sampled_from([-1, 1]))
def test_ratio_that_is_off_by_more_than_rounding_allows_is_refused(lidb: float, postgres: float, sign: int) -> None:
    ratio = (lidb + sign * 0.0001) / (postgres - sign * 0.0001) + sign * 0.0002
    assume(ratio > 0.0001)
    assert len(list(contradicting(rounded(lidb, postgres, ratio)))) == 1


# How many rounds


@pytest.mark.parametrize(
    ("done", "spent", "ends"),
    [
        (0, 10_000.0, False), (5, 10_000.0, False), (6, 1028.0, False), (6, 1029.0, True), (8, 1066.0, False),
        (8, 1067.0, True), (9, 1.0, True),
    ],
)  # fmt: skip
def test_rounds_end_at_the_most_or_past_the_least_when_time_is_short(done: int, spent: float, ends: bool) -> None:
    assert Span(6, 9, 1200.0).ends(done, spent) == ends


# Answers that hold nothing


def test_answers_without_rows_are_no_measure() -> None:
    assert emptiness(answers()) == {}
    assert emptiness(answers(registry_read_latest=[0] * 25)) == {
        LATEST: "lidb's answers were empty (25 of 25 in the witnessed round)"
    }
    assert emptiness(answers(registry_read_latest=[0, 0, 1])) == {
        LATEST: "2 of 3 answers of lidb were empty in the witnessed round"
    }
    assert emptiness(answers(registry_read_latest=[None, 1])) == {
        LATEST: "1 of 2 answers of lidb were no rows in JSON in the witnessed round"
    }
    assert emptiness(answers(registry_publish=[0, 1, 1])) == {
        PUBLISH: "lidb confirmed no row for 1 of 3 writes in the witnessed round"
    }


def test_writes_of_which_no_row_comes_back_are_no_measure() -> None:
    assert emptiness(answers(registry_read_by_name=[0] * 20, registry_read_latest=[0] * 20)) == {
        PUBLISH: "lidb gave back no row of what it had confirmed in the witnessed round",
        BY_NAME: "lidb's answers were empty (20 of 20 in the witnessed round)",
        LATEST: "lidb's answers were empty (20 of 20 in the witnessed round)",
    }


def test_figures_of_empty_answers_stand_beside_their_problem() -> None:
    empty = answers(registry_read_latest=[0] * 20)
    every = rounds()
    assert document(every, problems(every, 6, empty), empty)["figures"] == [
        {"name": PUBLISH, "compared": ENGINES, "values": [0.5 + n / 1000 for n in range(1, 7)], "problem": None},
        {"name": BY_NAME, "compared": ENGINES, "values": [0.4 + n / 1000 for n in range(1, 7)], "problem": None},
        {
            "name": LATEST, "compared": ENGINES, "values": [pytest.approx(0.3 + n / 1000) for n in range(1, 7)],
            "problem": "lidb's answers were empty (20 of 20 in the witnessed round)",
        },
    ]  # fmt: skip


def test_round_is_told_in_a_line() -> None:
    assert line(Round(0, scenarios={PUBLISH: figures(0.5)}, opened=3, written=20, read=40)) == (
        "the witnessed round: registry_publish 0.5 (0.5 by 1 ms), engine opened 3 times, 20 rows written, 40 read"
    )


def test_figures_that_were_not_measured_are_not_shown() -> None:
    every = rounds(one_round(2, problems=["m.json is not JSON"]))
    empty = answers(registry_read_latest=[0] * 20)
    figures: Any = document(every, problems(every, 6, empty), empty)["figures"]
    for figure in figures:
        assert (figure["values"], figure["problem"]) == ([], "round 2: m.json is not JSON")


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT id, name FROM packages WHERE name = ? LIMIT 1", ("SELECT", "packages")),
        (
            "SELECT pv.id FROM package_versions pv JOIN packages p ON p.id = pv.package_id WHERE p.name = ?",
            ("SELECT", "package_versions"),
        ),
        ("select 1\nfrom Packages;", ("SELECT", "packages")),
        ("INSERT INTO packages(id) VALUES (?)", ("INSERT", "packages")),
        ("INSERT INTO package_versions (id) SELECT id FROM packages", ("INSERT", "package_versions")),
        ("SELECT 1", ("SELECT", "")),
        ("SELECT 1 FROM", ("SELECT", "")),
        ("UPDATE packages SET name = 'x'", ("UPDATE", "")),
        ("", ("", "")),
    ],
)
def test_statement_is_what_it_does_and_its_first_table(sql: str, statement: tuple[str, str]) -> None:
    assert Answer("exec-json", sql, 1, 0).statement == statement


ENGINE = """\
#!/bin/sh
case "$1" in
session) while read -r line; do echo '{"rows":[],"affected":1}'; done ;;
exec-json) cat >> "$2"; echo '{"rows":[{"id":"k1"},{"id":"k2"}],"affected":0}' ;;
open) echo "open ok" ;;
*) echo "exec failed" >&2; exit 3 ;;
esac
"""


def recorded(tmp_path: Path) -> Recorder:
    engine = tmp_path / "engine"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    return Recorder(engine, tmp_path)


def called(recorder: Recorder, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    argv = [str(recorder.program), *arguments]
    return subprocess.run(argv, input=given, capture_output=True, text=True, check=False)


def test_recorder_hands_over_and_notes_the_answers(tmp_path: Path) -> None:
    recorder, told_to = recorded(tmp_path), tmp_path / "stdin"
    assert recorder.answers().every == []
    assert called(recorder, "open", "d").stdout == "open ok\n"
    read_two = called(recorder, "exec-json", str(told_to), "SELECT id FROM packages", given='["k1"]')
    failed = called(recorder, "exec-json2", "d", "NOT SQL")
    session = called(recorder, "session", "d", given='{"sql": "INSERT INTO packages (id) VALUES (?)"}\nno JSON\n')

    assert read_two.stdout == '{"rows":[{"id":"k1"},{"id":"k2"}],"affected":0}\n'
    assert told_to.read_text() == '["k1"]'
    assert (failed.returncode, failed.stderr) == (3, "exec failed\n")
    assert session.stdout == '{"rows":[],"affected":1}\n' * 2
    assert recorder.answers().every == [
        Answer("open", "", None, None), Answer("exec-json", "SELECT id FROM packages", 2, 0),
        Answer("exec-json2", "NOT SQL", None, None), Answer("session", "", None, None),
        Answer("", "INSERT INTO packages (id) VALUES (?)", 0, 1), Answer("", "", 0, 1),
    ]  # fmt: skip
    assert (recorder.answers().starts, recorder.answers().count("INSERT")) == (4, 1)


def test_rounds_that_are_missing_are_told() -> None:
    assert found(every=rounds()[:5])[PUBLISH] == ["4 of 6 timed rounds were measured"]
    assert all(found(every=[]).values())


def test_every_rule_explains_itself() -> None:
    assert all(rule.__doc__ for rule in RULES)


def test_opened_file_is_counted(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("x")
    opened = Opened(program)
    for _ in range(2):
        program.read_text()

    assert opened.count() == 2
    assert opened.count() == 0
