"""JSON Schema of a record, for editors and other programs: by alias, and with no `null`, which TOML lacks."""

from typing import Any

from phdb_ci.models.base import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[Record]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what `model` accepts."""
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
