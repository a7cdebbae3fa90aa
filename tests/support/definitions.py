"""Definitions of services, as passed by the app modules to the messaging."""

from types import ModuleType
from typing import Any

import pytest
from samenspel.messaging import ServiceDefinition


def definition_of(app: ModuleType, settings: Any, monkeypatch: pytest.MonkeyPatch) -> ServiceDefinition:
    """The definition used by the module's ``create``."""
    made: list[ServiceDefinition] = []
    monkeypatch.setattr(app, "create_app", lambda definition, given: made.append(definition))
    app.create(settings)
    [definition] = made
    return definition
