"""The documents hold together: every link leads somewhere, every decision is listed, every word is translated."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from samenspel.contracts.funding import DistributionMethod, Instrument, RefusalGround
from samenspel.contracts.initiatives import CostCategory, Phase, Theme
from samenspel.contracts.receipts import Outcome
from samenspel.runtime.settings import ServiceSettings

from tests.security.tls_system import guide

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
FOLDER = CHECKOUT / "docs" / "adr"


def links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        for link in LINK.findall(document.read_text(encoding="utf-8")):
            yield document, link


@pytest.mark.parametrize(("document", "link"), list(links()), ids=lambda part: getattr(part, "name", part))
def test_a_link_leads_somewhere(document: Path, link: str) -> None:
    assert (document.parent / link).exists()


@pytest.mark.parametrize("decision", sorted(FOLDER.glob("[0-9]*.md")), ids=lambda file: file.name)
def test_a_decision_is_listed_and_bears_its_number(decision: Path) -> None:
    assert f"]({decision.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert decision.read_text(encoding="utf-8").startswith(f"# {decision.name[:4]} ")


@pytest.mark.parametrize(
    "words", [Theme, Phase, CostCategory, Outcome, DistributionMethod, Instrument, RefusalGround]
)
def test_every_word_that_can_be_chosen_is_in_the_glossary(words: object) -> None:
    glossary = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    missing = [word for word in get_args(words) if word not in glossary and word.replace("-", " ") not in glossary]
    assert missing == []


def test_a_document_names_files_that_are_there() -> None:
    """What the map of the code calls a file of the messaging must be one."""
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:[a-z]+/)*([a-z_]+\.py)`", text))
    there = {
        file.name
        for folder in ("shared", "services", "deploy", "tests")
        for file in (CHECKOUT / folder).rglob("*.py")
    }
    assert named
    assert named <= there


def test_the_guide_names_real_settings() -> None:
    names = {name.removeprefix("SAMENSPEL_").lower() for name in guide("sh")}
    assert names <= set(ServiceSettings.model_fields)
