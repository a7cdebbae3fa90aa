"""A silent Kafka raises an error and is not an empty log."""

import pytest
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.kafka_lanes import KafkaLanes
from samenspel.client.access.profile import Credential, KafkaAccess

from tests.support.lane_owner import TOPIC


def test_silent_kafka_is_unavailable_and_not_an_empty_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samenspel.client.access.kafka_lanes.SILENT_SECONDS_MAX", 0)
    nowhere = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
    credential = Credential(name="City", oin="00000099000000000344", username="x", password="x", token="x")
    with KafkaLanes(nowhere, credential) as source, pytest.raises(EnvironmentUnavailable):
        next(source.records({(TOPIC, 0): (0, 1)}))
