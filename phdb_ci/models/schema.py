"""JSON Schema of a record, by alias, for editors and programs: of TOML that we read, or of what we write."""

from typing import Any

from phdb_ci.models.base import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def written_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what we write for `model`: every key, with null for no value."""
    return {"$schema": DIALECT} | model.model_json_schema(by_alias=True, mode="serialization")


def read_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `model` accepts as JSON."""
    return {"$schema": DIALECT} | model.model_json_schema(by_alias=True)


def json_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `model` accepts from TOML, which has no null."""
    from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

    class Generate(GenerateJsonSchema):
        """No titles that repeat the key; optional keys are absent and never null."""

        def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base class's signature
            return False

        def nullable_schema(self, schema: Any) -> JsonSchemaValue:
            return self.generate_inner(schema["schema"])

        def default_schema(self, schema: Any) -> JsonSchemaValue:
            found = super().default_schema(schema)
            return {key: value for key, value in found.items() if key != "default" or value is not None}

        def dict_schema(self, schema: Any) -> JsonSchemaValue:
            found = super().dict_schema(schema)
            return found | {"additionalProperties": False} if "patternProperties" in found else found

    return {"$schema": DIALECT} | model.model_json_schema(by_alias=True, schema_generator=Generate)
