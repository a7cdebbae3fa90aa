"""Metrics of limits: the number of series is bounded by the admitted organisations."""

from collections.abc import Iterator

import pytest
from samenspel.runtime import metrics

CITY, OTHER = "00000099000000000344", "00000099000000000363"


@pytest.fixture(autouse=True)
def no_organisations() -> Iterator[None]:
    yield
    metrics.set_admitted_organisations([])
    metrics.set_limit_use({})


def use() -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value for each in metrics.LIMIT_USE.collect() for sample in each.samples
    }


def test_organisations_without_admission_share_one_label() -> None:
    metrics.set_admitted_organisations([CITY])
    metrics.set_limit_use({"http-requests": {CITY: 3, OTHER: 4, "00000099000000000999": 5}})
    assert use() == {("http-requests", CITY): 3, ("http-requests", metrics.NOT_ADMITTED): 9}


def test_organisation_without_use_has_no_series() -> None:
    metrics.set_admitted_organisations([CITY])
    metrics.set_limit_use({"http-requests": {CITY: 3}})
    metrics.set_limit_use({"http-requests": {}})
    assert use() == {}


def test_reached_limit_is_counted_per_organisation() -> None:
    metrics.set_admitted_organisations([CITY])
    count = metrics.LIMIT_REACHED.labels("open-streams", CITY)._value
    before = count.get()
    metrics.count_limit_reached("open-streams", CITY)
    metrics.count_limit_reached("open-streams", OTHER)
    assert count.get() == before + 1
