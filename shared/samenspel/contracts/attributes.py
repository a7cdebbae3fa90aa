"""Context attributes of the events: name, meaning, pattern and example.

CloudEvents 1.0.2 §3 and its documented extensions. Extensions of Samenspel: ``aggregate``, ``lane``, ``timeline``,
``statedigest`` and ``submission…``. Header name: ``ce_<name>`` in Kafka, ``ce-<name>`` in HTTP's binary mode.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_OIN: Final = r"urn:nld:oin:[0-9]{20}"
_TIMESTAMP: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_UUID: Final = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_EVENT_ID: Final = "019ab3a0-7c1e-7b2a-9d55-0f6f7a1c2b3d"
_SUBMISSION_ID: Final = "6f1c3a52-2f1b-5c0e-8a8e-1f0b6a0c9d11"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One context attribute. ``pattern`` is an ECMA-262 expression for the whole value; empty for any value."""

    name: str
    meaning: str
    example: str
    pattern: str = ""
    optional: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        described: dict[str, Any] = {"type": "string", "description": self.meaning}
        return {**described, "pattern": f"^{self.pattern}$"} if self.pattern else described


_SPECVERSION: Final = Attribute("specversion", "Version of CloudEvents", "1.0", r"1\.0")
_AUTHID: Final = Attribute(
    "authid", "The organisation that sent the submission", "urn:nld:oin:00000099000000000344", _OIN
)
_ID: Final = Attribute("id", "UUIDv7, generated once; equal in every resend, replay and webhook", _EVENT_ID, _UUID)
_LANE: Final = Attribute("lane", "The lane: topic and partition", "samenspel.initiatives/3", r"[a-z0-9.-]+/[0-9]+")
_TIMELINE: Final = Attribute(
    "timeline",
    "Number of the lane's timeline; a higher number requires a rebuild from the first event",
    "1",
    "[1-9][0-9]*",
)
_SEQUENCE: Final = Attribute(
    "sequence", "Number of the event on the lane and timeline, from 1, without gaps", f"{42:020d}", "[0-9]{20}"
)
_SOURCE: Final = Attribute(
    "source",
    "The service that published the event",
    "urn:nld:oin:00000099000000000001:systeem:samenspel-registry",
    _OIN + ":systeem:samenspel-[a-z]+",
)
_SCHEMA: Final = Attribute(
    "dataschema",
    "JSON Schema 2020-12 of the data",
    "https://samenspel.example/schemas/initiative.v1.json",
    r"https://[^\s]+",
)
_TIME: Final = Attribute(
    "time",
    "Time of recording; the data contains the day of the occurrence",
    "2026-11-24T10:00:00.000Z",
    _TIMESTAMP,
)
_TYPE: Final = Attribute(
    "type", "Event type", "nl.samenspel.initiative-registered.v1", r"nl\.samenspel\.[a-z0-9-]+\.v[0-9]+"
)

CANONICAL: Final = (
    Attribute("aggregate", "Kind of aggregate and major version of the state", "initiative.v1", r"[a-z-]+\.v[0-9]+"),
    _AUTHID,
    Attribute("causationid", "Id of the submission", _SUBMISSION_ID),
    Attribute("correlationid", "Correlation id of the submission; without one, the submission id", _SUBMISSION_ID),
    _SCHEMA,
    _ID,
    _LANE,
    Attribute("partitionkey", "The lane key, equal to the Kafka key", "0f8f6a52-9d3e-4c57-9a61-0d7b1c0a4e10"),
    _SEQUENCE,
    _SOURCE,
    _SPECVERSION,
    Attribute("statedigest", "Digest of the lane after this event", "5e" * 32, "[0-9a-f]{64}"),
    Attribute("subject", "Id of the aggregate", "0f8f6a52-9d3e-4c57-9a61-0d7b1c0a4e10"),
    Attribute(
        "submissionhash",
        "SHA-256 of type and data of the submission; with submissionhashkey: HMAC-SHA-256 of that hash",
        "a1" * 32,
        "[0-9a-f]{64}",
    ),
    Attribute(
        "submissionhashkey",
        "Id of the service's secret HMAC key, if a part of the submission is private",
        "5f0c3a9e1b2d",
        "[0-9a-f]{12}",
        optional=True,
    ),
    Attribute("submissionid", "Id of the submission", _SUBMISSION_ID),
    Attribute("submissionsource", "Source of the submission", "urn:nld:oin:00000099000000000344:systeem:zaaksysteem"),
    _TIME,
    _TIMELINE,
    Attribute(
        "traceparent",
        "W3C Trace Context of the submission, if present",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
        optional=True,
    ),
    _TYPE,
)
"""Attributes of a canonical event, in header order: sorted by name."""

RECEIPT: Final = (
    _AUTHID,
    Attribute("dataschema", _SCHEMA.meaning, "https://samenspel.example/schemas/receipt.json", _SCHEMA.pattern),
    _ID,
    Attribute("lane", _LANE.meaning, "samenspel.receipts.initiatives.00000099000000000344/0", _LANE.pattern),
    _SEQUENCE,
    _SOURCE,
    _SPECVERSION,
    Attribute("subject", "OIN of the organisation that receives the answers", "00000099000000000344", "[0-9]{20}"),
    _TIME,
    _TIMELINE,
    Attribute("type", _TYPE.meaning, "nl.samenspel.submissions-answered.v1", _TYPE.pattern),
)
"""Attributes of a receipt: numbered like a canonical event, without a digest."""

SUBMISSION: Final = (
    _SPECVERSION,
    Attribute(
        "id",
        "Unique per source for ever; a second submission with this id is a repeat. The id is published: derive no id "
        "from private data",
        _SUBMISSION_ID,
    ),
    Attribute(
        "source",
        "The submitting system; must name the organisation of the topic or token",
        "urn:nld:oin:00000099000000000344:systeem:zaaksysteem",
        _OIN + "(:[A-Za-z0-9._:-]{1,200})?",
    ),
    _TYPE,
    Attribute("subject", "If present: equal to the id in the data", _EVENT_ID, optional=True),
    Attribute(
        "time",
        "RFC 3339; informative only, decisions use the time of receipt",
        "2026-11-24T11:00:00+01:00",
        optional=True,
    ),
    Attribute("correlationid", "Copied to every resulting event", "zaak-2026-0042", optional=True),
    CANONICAL[-2],
)
"""Attributes of a submission. Further attributes are allowed, and are not copied to events."""


def header_schema(attributes: Iterable[Attribute]) -> dict[str, Any]:
    """JSON Schema of the Kafka headers that carry these attributes."""
    listed = list(attributes)
    return {
        "type": "object",
        "properties": {
            "content-type": {"type": "string", "const": "application/json"},
            **{f"ce_{each.name}": each.schema for each in listed},
        },
        "required": ["content-type", *(f"ce_{each.name}" for each in listed if not each.optional)],
    }


def example_headers(attributes: Iterable[Attribute], **values: str) -> dict[str, str]:
    """Example headers; ``values`` replace the examples of the attributes with those names."""
    named = {f"ce_{each.name}": values.get(each.name, each.example) for each in attributes if not each.optional}
    return {"content-type": "application/json", **named}
