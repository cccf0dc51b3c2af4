"""JSON Schema of a record, by alias, for editors and programs: of TOML that we read, or of JSON."""

from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from phdb_ci.models.base import Record

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


class _Toml(GenerateJsonSchema):
    """No titles that repeat the key; optional keys are absent and never null."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class's signature
        return False

    def nullable_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        node = super().default_schema(schema)
        return {key: value for key, value in node.items() if key != "default" or value is not None}

    def dict_schema(self, schema: Any) -> JsonSchemaValue:
        node = super().dict_schema(schema)
        return node | {"additionalProperties": False} if "patternProperties" in node else node


def toml_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema of what `model` accepts from TOML, which has no null."""
    return DIALECT | model.model_json_schema(by_alias=True, schema_generator=_Toml)


def json_schema(model: type[Record], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    """The JSON Schema of what `model` accepts, or of what we write for it: every key, with null for no value."""
    return DIALECT | model.model_json_schema(by_alias=True, mode=mode)
