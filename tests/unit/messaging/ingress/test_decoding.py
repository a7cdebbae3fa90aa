"""The organisation of a submission is the organisation of the ingress topic."""

from samenspel.contracts.topics import ingress
from samenspel.messaging.ingress.decoding import decode

from services.registry.handlers import RegistryDecider
from tests.support.events import binary, initiative
from tests.support.memory_log import record
from tests.support.service_schema import OPERATOR, statement

TOPIC = ingress("initiatives", OPERATOR)
CITY = "00000099000000000344"


def test_submission_belongs_to_the_organisation_of_its_ingress_topic() -> None:
    """The topic's name states the sender, for any organisation named in the record."""
    theirs = statement("initiative-registered", initiative(), by=CITY)
    incoming = decode(record(TOPIC, 0, 0, *binary(theirs)), RegistryDecider.types)
    assert incoming.organisation == OPERATOR
    assert [problem.code for problem in getattr(incoming, "problems", ())] == ["source-mismatch"]
