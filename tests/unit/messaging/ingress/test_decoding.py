"""The organisation of a submission is that of its ingress topic."""

from samenspel.contracts.topics import ingress
from samenspel.messaging.ingress.decoding import decode

from services.registry.handlers import RegistryDecider
from tests.support.events import binary, initiative
from tests.support.memory_log import record
from tests.support.service_schema import OPERATOR, statement

TOPIC = ingress("initiatives", OPERATOR)
CITY = "00000099000000000344"


def test_what_lies_in_an_ingress_speaks_for_its_topic_only() -> None:
    """Whoever is named in it: the topic's name says who wrote it."""
    theirs = statement("initiative-registered", initiative(), by=CITY)
    incoming = decode(record(TOPIC, 0, 0, *binary(theirs)), RegistryDecider.types)
    assert incoming.organisation == OPERATOR
    assert [problem.code for problem in getattr(incoming, "problems", ())] == ["source-mismatch"]
