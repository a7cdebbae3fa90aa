"""The report of the demo names every broken promise."""

from typing import Any

import pytest

from deploy.demo.outcome import DeliveryTotals, DemoReport, ProgrammeTotals, ReplicaResult
from deploy.demo.sample import Sample

SAMPLE = Sample.read()


def outcome(**changes: Any) -> DemoReport:
    told: dict[str, Any] = {
        "seconds": 30,
        "events": 475,
        "programmes": [
            ProgrammeTotals(name=name, ceiling_cents=cents, granted_cents=cents)
            for name, cents in SAMPLE.ceiling_of.items()
        ],
        "refused": 1,
        "replicas": [ReplicaResult(organisation=str(at), events=475, digest="0", equal=True) for at in range(4)],
        "deliveries": DeliveryTotals(sent=126, verified=126),
        "killed": "funding",
    }
    return DemoReport(**told | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"refused": 0},
        {"programmes": []},
        {"deliveries": DeliveryTotals(sent=0, verified=0)},
        {"deliveries": DeliveryTotals(sent=126, verified=125)},
        {"replicas": [ReplicaResult(organisation=str(at), events=475, digest="0", equal=at != 3) for at in range(4)]},
        {"replicas": []},
    ],
)
def test_report_with_a_broken_promise_has_faults(changes: dict[str, Any]) -> None:
    assert not list(outcome().faults(SAMPLE.ceiling_of))
    assert len(set(outcome(**changes).faults(SAMPLE.ceiling_of))) >= 1
