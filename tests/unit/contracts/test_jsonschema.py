"""JSON schemas: identified by name; submissions are closed, published models are open."""

import pytest
from samenspel.contracts.jsonschema import schemas

SCHEMAS_MADE = schemas()


@pytest.mark.parametrize("name", SCHEMAS_MADE)
def test_schema_has_its_name_as_id_and_one_example(name: str) -> None:
    schema = SCHEMAS_MADE[name]
    assert schema["$id"] == f"https://samenspel.example/schemas/{name}"
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["description"]
    assert len(schema["examples"]) == 1


def test_submission_schemas_are_closed_and_published_schemas_open() -> None:
    for name, schema in SCHEMAS_MADE.items():
        is_submitted = name.startswith("submissions/")
        for part in (schema, *schema.get("$defs", {}).values()):
            assert ("additionalProperties" in part) is is_submitted
