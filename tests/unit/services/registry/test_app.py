"""The definition of the registry: own topics, followed topics, decider."""

from types import SimpleNamespace

import pytest
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF

from services.registry import app
from services.registry.handlers import RegistryDecider
from tests.support.definitions import definition_of
from tests.support.service_schema import OPERATOR

SETTINGS = SimpleNamespace(operator_oin=OPERATOR, lanes=4)


def test_registry_owns_its_canonical_topics_and_decides_on_its_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert (definition.name, definition.package) == ("registry", "services.registry")
    assert set(definition.owns) == {topic for topic, service in CANONICAL.items() if service == "registry"}
    decider = definition.decider(None)  # type: ignore[arg-type]  # it needs no pool
    assert isinstance(decider, RegistryDecider)
    assert decider.domain == DOMAIN_OF["registry"]


def test_registry_follows_every_topic_that_its_decisions_read(monkeypatch: pytest.MonkeyPatch) -> None:
    definition = definition_of(app, SETTINGS, monkeypatch)
    assert definition.follows == ()
    assert definition.listener is None
