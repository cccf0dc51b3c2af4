"""matrix.toml → Matrix: a file per way to be wrong in matrices/, its message in its first lines."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from phdb_ci import matrix
from phdb_ci.errors import Exit, MatrixError, UsageError
from phdb_ci.matrix.problems import quoted_line
from phdb_ci.models.base import EXPECTED

HERE = Path(__file__).parents[1]
OURS = HERE.parent / "matrix.toml"
FEATURES = HERE / "matrices" / "valid_features.toml"
INVALID = sorted((HERE / "matrices").glob("invalid_*.toml"))
SMALL = """
schema = 1
[repos.lidb]
url = "https://example.org/lidb.git"
pin = "0123456789abcdef0123456789abcdef01234567"
[jobs.smoke]
summary = "answers"
repo = "lidb"
run = ["true"]
reports = [{ kind = "pytest", min_tests = 1 }]
"""


def message_of(text: str, name: str = "matrix.toml") -> str:
    with pytest.raises(MatrixError) as caught:
        matrix.parse(text, name)
    return caught.value.message


def problems_of(message: str, name: str = "matrix.toml") -> list[tuple[int, str]]:
    found = re.findall(rf"^{re.escape(name)}:(\d+): (.*)$", message, re.MULTILINE)
    return [(int(line), text) for line, text in found]


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem.removeprefix("invalid_"))
def test_invalid_file_says_what_is_wrong_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    expected = re.findall(r"^# expect: (.*)\n# line: (\d+)$", text, re.MULTILINE)

    with pytest.raises(MatrixError) as caught:
        matrix.load(path)

    message = caught.value.message
    problems = problems_of(message, str(path))
    assert caught.value.exit_code is Exit.USAGE
    assert [line for line, _ in problems] == [int(line) for _, line in expected]
    for (line, shown), (want, _) in zip(problems, expected, strict=True):
        assert want in shown
        assert quoted_line(text, line) in message or "…" in message


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem.removeprefix("invalid_"))
def test_messages_have_none_of_the_jargon_of_libraries(path: Path) -> None:
    with pytest.raises(MatrixError) as caught:
        matrix.load(path)

    assert not re.search(r"[Ii]nput should|pydantic|Tuple|Dictionary|Value error|String|instance", str(caught.value))


def test_several_problems_are_counted_and_sorted() -> None:
    path = HERE / "matrices" / "invalid_several_problems.toml"

    with pytest.raises(MatrixError, match=r"invalid_several_problems\.toml has 7 problems\n") as caught:
        matrix.load(path)

    lines = [line for line, _ in problems_of(caught.value.message, str(path))]
    assert lines == sorted(lines)


def test_our_matrix_loads() -> None:
    loaded = matrix.load(OURS)

    assert {"pr-gate", "nightly"} <= set(loaded.gates)
    assert loaded.jobs["e2e-engine"].repos == ("li-cursor-agents", "lidb")


def test_every_feature_loads() -> None:
    job = matrix.load(FEATURES).jobs["everything"]

    assert job.with_ == ("lis",)
    assert job.skip == {"windows-2025": "not built there"}
    assert [report.kind for report in job.reports] == ["pytest", "lines", "junit", "junit"]


def test_quarantine_that_is_over_is_no_problem() -> None:
    (quarantine,) = matrix.load(FEATURES).quarantine_of("everything")

    assert quarantine.until == date(2020, 1, 31)


def test_valid_file_is_not_scanned_for_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: str) -> None:
        raise AssertionError

    monkeypatch.setattr("phdb_ci.matrix.locate.Scanner.blank", never)
    monkeypatch.setattr("phdb_ci.matrix.shapes.shape_problems", never)

    matrix.load(OURS)


class TestReading:
    def test_missing_file_names_the_option(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="there is no file") as caught:
            matrix.load(tmp_path / "matrix.toml")
        assert "--matrix FILE" in caught.value.render()

    def test_file_in_place_of_a_folder_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match="there is no file"):
            matrix.load(tmp_path / "file" / "matrix.toml")

    def test_directory_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is a directory"):
            matrix.load(tmp_path)

    @pytest.mark.parametrize("name", ["a\0b", "x" * 5000], ids=["nul", "too-long"])
    def test_impossible_name_is_a_usage_error(self, name: str) -> None:
        with pytest.raises(UsageError, match="cannot be read"):
            matrix.load(Path(name))

    def test_large_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "matrix.toml"
        path.write_bytes(b"#" * (1024 * 1024 + 1))
        with pytest.raises(MatrixError, match="larger than 1 MiB"):
            matrix.load(path)

    def test_endless_file_is_refused(self) -> None:
        with pytest.raises(MatrixError, match="larger than 1 MiB"):
            matrix.load(Path("/dev/zero"))

    def test_other_encoding_names_line_and_byte(self, tmp_path: Path) -> None:
        path = tmp_path / "matrix.toml"
        path.write_bytes(b"schema = 1\n# caf\xe9\n")
        with pytest.raises(MatrixError, match=r"matrix\.toml:2: byte 0xe9 is not UTF-8\.\n    2 \| # caf"):
            matrix.load(path)

    def test_byte_order_mark_says_so(self, tmp_path: Path) -> None:
        path = tmp_path / "matrix.toml"
        path.write_bytes(b"\xef\xbb\xbfschema = 1\n")
        with pytest.raises(MatrixError, match="byte order mark"):
            matrix.load(path)

    def test_windows_line_ends_keep_line_numbers(self) -> None:
        text = SMALL.replace("reports", "report").replace("\n", "\r\n")
        assert problems_of(message_of(text)) == [
            (10, 'At job smoke, report: unknown key. Perhaps you meant "reports"?')
        ]

    @pytest.mark.parametrize(
        "text",
        ["x = " + "[" * 5000, "x = " + "{a=" * 5000, "x = " + "[" * 400 + "]" * 400, "x." * 5000 + "x = 1"],
        ids=["lists", "tables", "closed-lists", "dots"],
    )
    def test_deep_nesting_is_a_matrix_error(self, text: str) -> None:
        message_of(text)

    def test_number_of_thousands_of_digits_is_a_matrix_error(self) -> None:
        assert "thousands of digits" in message_of("schema = " + "1" * 5000)

    def test_long_hexadecimal_number_is_a_matrix_error(self) -> None:
        assert "a very long number" in message_of("schema = 0x" + "f" * 5000)


class TestMessages:
    def test_message_reads_as_documented(self) -> None:
        text = SMALL.replace("min_tests = 1", "min_test = 1")
        assert message_of(text) == (
            "matrix.toml:10: At job smoke, report 1 (pytest), min_test: unknown key. "
            'Perhaps you meant "min_tests"?\n'
            '   10 | reports = [{ kind = "pytest", min_test = 1 }]\n'
            "      |                               ^"
        )

    def test_long_line_is_cut_around_the_problem(self) -> None:
        env = ", ".join(f'V{number} = "x"' for number in range(50))
        message = message_of(SMALL + f'env = {{ {env}, HOME = "x" }}\n')
        quote, mark = message.split("\n")[1:]
        assert len(quote) < 130
        assert quote[mark.index("^") :].startswith("HOME")

    def test_control_characters_are_not_repeated(self) -> None:
        message = message_of(SMALL.replace("answers", r"\u001b[31m\u202e"))
        assert all(sign.isprintable() or sign == "\n" for sign in message)

    def test_hidden_characters_of_the_line_are_not_repeated(self) -> None:
        message = message_of(SMALL.replace('"answers"', '"\u202eanswers"'))
        assert all(sign.isprintable() or sign == "\n" for sign in message)

    def test_hundreds_of_faults_are_counted(self) -> None:
        message = message_of(SMALL + "".join(f"odd{number} = 1\n" for number in range(250)))
        assert message.startswith("matrix.toml has 250 problems\n")
        assert message.endswith("and 150 more")

    def test_empty_file_needs_everything(self) -> None:
        shown = [text for _, text in problems_of(message_of(""))]
        assert [text.split("needs a ")[1].split()[1] for text in shown] == [
            "`schema`,",
            "[repos.NAME].",
            "[jobs.NAME].",
        ]

    def test_every_pattern_has_words(self) -> None:
        patterns = set(re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(matrix.schema())))
        assert {json.loads(pattern) for pattern in patterns} <= set(EXPECTED)

    def test_report_without_kind_is_numbered(self) -> None:
        text = SMALL.replace('kind = "pytest", ', "")
        assert [text for _, text in problems_of(message_of(text))] == [
            'At job smoke, report 1: needs a key `kind`, such as `kind = "pytest"`.'
        ]


class TestOneMistakeIsOneProblem:
    def test_misspelt_section(self) -> None:
        text = OURS.read_text(encoding="utf-8").replace("[artifacts.", "[artifact.")
        assert len(problems_of(message_of(text))) == 1

    def test_misspelt_repo_in_with(self) -> None:
        text = OURS.read_text(encoding="utf-8").replace('with = ["lidb"]', 'with = ["libd"]', 1)
        assert len(problems_of(message_of(text))) == 1

    def test_misspelt_artifact_of_a_job(self) -> None:
        text = OURS.read_text(encoding="utf-8").replace('\nartifacts = ["embed"]', '\nartifacts = ["embd"]', 1)
        assert len(problems_of(message_of(text))) == 1

    def test_artifact_without_outputs(self) -> None:
        text = OURS.read_text(encoding="utf-8").replace('outputs = ["lidb_embed"]\n', "")
        assert len(problems_of(message_of(text))) == 1

    def test_misspelt_job_of_a_gate(self) -> None:
        text = OURS.read_text(encoding="utf-8").replace('jobs = ["e2e-engine"', 'jobs = ["e2e-engin"', 1)
        assert len(problems_of(message_of(text))) == 1

    def test_value_of_the_wrong_shape_is_not_checked_further(self) -> None:
        assert len(problems_of(message_of(SMALL + 'artifacts = ["Embed"]\n'))) == 1


class TestSchema:
    def test_our_matrix_is_valid(self) -> None:
        jsonschema.validate(as_json(OURS), matrix.schema(), cls=jsonschema.Draft202012Validator)

    def test_every_feature_is_valid(self) -> None:
        jsonschema.validate(as_json(FEATURES), matrix.schema(), cls=jsonschema.Draft202012Validator)

    @pytest.mark.parametrize("name", ["unknown_key", "pin_short", "variable_name", "key_missing", "text_for_a_number"])
    def test_wrong_shape_is_invalid(self, name: str) -> None:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(as_json(HERE / "matrices" / f"invalid_{name}.toml"), matrix.schema())

    def test_schema_is_sound_and_every_key_described(self) -> None:
        schema = matrix.schema()
        jsonschema.Draft202012Validator.check_schema(schema)
        for part in [schema, *schema["$defs"].values()]:
            assert part["description"]
            assert all(key["description"] for key in part["properties"].values())


def as_json(path: Path) -> Any:
    return json.loads(json.dumps(tomllib.loads(path.read_text(encoding="utf-8")), default=date.isoformat))
