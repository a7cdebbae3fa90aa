"""Compares the headers of a record with the documented attributes."""

import re

from samenspel.contracts.attributes import Attribute, header_schema


def assert_documented(attributes: tuple[Attribute, ...], headers: list[tuple[str, bytes]]) -> None:
    assert [name for name, _ in headers[:-1]] == [f"ce_{each.name}" for each in attributes]
    properties = header_schema(attributes)["properties"]
    for name, value in headers[:-1]:
        assert re.search(properties[name].get("pattern", ""), value.decode()), name
