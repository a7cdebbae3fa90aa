"""``python -m samenspel.contracts``: write the generated documents. A test fails if a document is out of date."""

import json
from pathlib import Path
from typing import Final

from samenspel.contracts import asyncapi, reference
from samenspel.contracts.jsonschema import schemas

CHECKOUT: Final = Path(__file__).parents[3]
SCHEMAS: Final = Path(__file__).parent / "schemas"


def documents() -> dict[Path, str]:
    """Text of every file that is generated from the catalogue, by path."""
    described = {**schemas(), "asyncapi.json": asyncapi.document()}
    texts = {
        SCHEMAS / name: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for name, each in described.items()
    }
    return {**texts, CHECKOUT / "docs" / "reference" / "events.md": reference.page()}


def write() -> None:
    """Write all documents, and remove the schemas of types that the catalogue no longer lists."""
    wanted = documents()
    for file in SCHEMAS.rglob("*.json"):
        if file not in wanted:
            file.unlink()
    for file, text in wanted.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
