"""Documents: links, anchors, the list of decisions, terms of the glossary, settings of the TLS guide."""

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
ANCHOR = re.compile(r"\]\((?!https?://)([^)#]*)#([^)]+)\)")
FOLDER = CHECKOUT / "docs" / "adr"


def links() -> Iterator[tuple[Path, str]]:
    for document in DOCUMENTS:
        for link in LINK.findall(document.read_text(encoding="utf-8")):
            yield document, link


@pytest.mark.parametrize(("document", "link"), list(links()), ids=lambda part: getattr(part, "name", part))
def test_link_of_a_document_has_a_target(document: Path, link: str) -> None:
    assert (document.parent / link).exists()


@pytest.mark.parametrize("decision", sorted(FOLDER.glob("[0-9]*.md")), ids=lambda file: file.name)
def test_decision_record_is_listed_under_its_number(decision: Path) -> None:
    assert f"]({decision.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert decision.read_text(encoding="utf-8").startswith(f"# {decision.name[:4]} ")


@pytest.mark.parametrize(
    "words", [Theme, Phase, CostCategory, Outcome, DistributionMethod, Instrument, RefusalGround]
)
def test_every_choice_of_a_field_is_in_the_glossary(words: object) -> None:
    glossary = (CHECKOUT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    missing = [word for word in get_args(words) if word not in glossary and word.replace("-", " ") not in glossary]
    assert missing == []


def headings(document: Path) -> set[str]:
    """Anchors of a document's headings: lower case, without punctuation, spaces as hyphens."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_anchor_of_a_link_is_a_heading(document: Path) -> None:
    found = ANCHOR.findall(document.read_text(encoding="utf-8"))
    targets = [((document.parent / link).resolve() if link else document, anchor) for link, anchor in found]
    assert [anchor for target, anchor in targets if anchor not in headings(target)] == []


def test_tls_guide_names_existing_settings() -> None:
    names = {name.removeprefix("SAMENSPEL_").lower() for name in guide("sh")}
    assert names <= set(ServiceSettings.model_fields)
