"""Schemas and reference documents equal their generated text."""

from pathlib import Path

import pytest
from samenspel.contracts.__main__ import SCHEMAS, documents

DOCUMENTS = documents()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_what_was_made_from_the_catalogue_is_up_to_date(file: Path) -> None:
    made = DOCUMENTS[file]
    assert file.exists() and file.read_text(encoding="utf-8") == made, "run `python -m samenspel.contracts`"


def test_no_schema_was_left_behind() -> None:
    assert set(SCHEMAS.rglob("*.json")) == {file for file in DOCUMENTS if file.suffix == ".json"}
