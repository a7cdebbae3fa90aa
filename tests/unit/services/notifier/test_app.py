"""The definition of the notifier: own topics, followed topics, decider."""

from types import SimpleNamespace

import pytest
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF

from services.notifier import app
from services.notifier.handlers import NotifierDecider
from tests.support.definitions import definition_of
from tests.support.service_schema import OPERATOR

SETTINGS = SimpleNamespace(operator_oin=OPERATOR, lanes=4)


def test_notifier_owns_its_canonical_topics_and_decides_on_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert (definition.name, definition.package) == ("notifier", "services.notifier")
    assert set(definition.owns) == {topic for topic, service in CANONICAL.items() if service == "notifier"}
    decider = definition.decider(None)  # type: ignore[arg-type]  # it needs no pool
    assert isinstance(decider, NotifierDecider)
    assert decider.domain == DOMAIN_OF["notifier"]


def test_notifier_follows_every_topic_that_its_decisions_read(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert set(definition.follows) == set(CANONICAL)
    assert definition.listener is not None
    assert definition.background is not None
