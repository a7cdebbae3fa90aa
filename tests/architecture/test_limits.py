"""The limits: one table, the same in the module and the document, with a place of enforcement and a mutant each."""

import re
from importlib import import_module

import pytest
from samenspel.runtime.limits import LIMITS, Limit
from samenspel.runtime.settings import ServiceSettings

from services.notifier.settings import Settings
from tests.architecture.checkout import product_files
from tests.architecture.limits import DOCUMENT, shown

DECLARED_WITH = re.compile(r"\blimits\.([A-Z_]+)\.field\(\)")


def test_document_shows_the_table_of_the_module() -> None:
    assert shown(DOCUMENT.read_text()) == DOCUMENT.read_text(), "write again: python -m tests.architecture.limits"


def test_names_and_settings_are_unique() -> None:
    for values in ([each.name for each in LIMITS], [each.setting for each in LIMITS if each.setting]):
        assert len(values) == len(set(values))


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_place_of_enforcement_exists_and_a_fixed_limit_has_the_value_of_that_place(limit: Limit) -> None:
    module, _, name = limit.enforced.partition(":")
    place = getattr(import_module(module), name)
    assert limit.setting or callable(place) or place == limit.default


@pytest.mark.parametrize("limit", [each for each in LIMITS if each.setting], ids=lambda limit: limit.name)
def test_setting_exists_with_the_default_and_a_description(limit: Limit) -> None:
    field = (ServiceSettings.model_fields | Settings.model_fields)[limit.setting or ""]
    assert field.default == limit.default
    assert limit.resource in (field.description or "")


def test_every_setting_of_a_limit_is_in_the_table() -> None:
    settings = {name for name in Settings.model_fields if name.startswith("limit_")}
    assert settings == {each.setting for each in LIMITS if each.setting}


def test_limits_are_declared_in_settings_only_through_the_table() -> None:
    declared = {name for path in product_files() for name in DECLARED_WITH.findall(path.read_text())}
    assert len(declared) == len([each for each in LIMITS if each.setting])


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_problem_names_the_value_and_a_way_out(limit: Limit) -> None:
    problem = limit.problem(12_345)
    assert problem.code == "limit-reached"
    assert "12,345" in problem.detail
    assert problem.fix.endswith(".")
