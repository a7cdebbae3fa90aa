"""The definition of the funding: own topics, followed topics, decider."""

from types import SimpleNamespace

import pytest
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF

from services.funding import app
from services.funding.handlers import FundingDecider
from tests.support.definitions import definition_of
from tests.support.service_schema import OPERATOR

SETTINGS = SimpleNamespace(operator_oin=OPERATOR, lanes=4)


def test_funding_owns_its_canonical_topics_and_decides_on_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert (definition.name, definition.package) == ("funding", "services.funding")
    assert set(definition.owns) == {topic for topic, service in CANONICAL.items() if service == "funding"}
    decider = definition.decider(None)  # type: ignore[arg-type]  # it needs no pool
    assert isinstance(decider, FundingDecider)
    assert decider.domain == DOMAIN_OF["funding"]


def test_funding_follows_every_topic_that_its_decisions_read(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert set(definition.follows) == {"samenspel.organisations", "samenspel.initiatives"}
    assert definition.listener is None
