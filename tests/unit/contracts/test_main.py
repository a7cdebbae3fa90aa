"""Schemas and reference documents equal their generated text."""

from pathlib import Path

import pytest
from samenspel.contracts.__main__ import SCHEMAS, documents

DOCUMENTS = documents()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_generated_document_equals_its_file(file: Path) -> None:
    made = DOCUMENTS[file]
    assert file.exists() and file.read_text(encoding="utf-8") == made, "run `python -m samenspel.contracts`"


def test_every_schema_file_is_generated() -> None:
    assert set(SCHEMAS.rglob("*.json")) == {file for file in DOCUMENTS if file.suffix == ".json"}
