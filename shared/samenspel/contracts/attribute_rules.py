"""Checks of the context attributes: CloudEvents 1.0.2 §3, and the MUSTs of the NLGov profile 1.1."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, HTTP_PREFIX, Envelope, invalid_attribute
from samenspel.contracts.media_types import BATCH, JSON, STRUCTURED, media_type
from samenspel.contracts.problems import Problem

_NAME: Final = re.compile(rf"[a-z0-9]{{1,{ATTRIBUTE_CHARS_MAX}}}")
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LEAP_SECOND: Final = re.compile(r"(?<=:\d\d:)60")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUIRED: Final = ("specversion", "id", "source", "type")


def check(envelope: Envelope) -> list[Problem]:
    """All problems of the context attributes; empty if the attributes conform to the specification."""
    attributes = envelope.attributes
    found = list(envelope.problems)
    # Fast path: check all values together. The attributes are checked one by one only if that finds a problem.
    if not all(map(attributes.get, _REQUIRED)):
        found.extend(_missing(envelope, {problem.field for problem in found}))
    joined = "".join(attributes.values())
    if len(joined) > ATTRIBUTE_CHARS_MAX or not joined.isprintable():
        found.extend(_too_long_or_controlled(attributes))
    if not attributes.keys() <= _KNOWN:
        found.extend(_misnamed(attributes.keys() - _KNOWN))
    for name, rule in _RULES.items():
        if (value := attributes.get(name)) and not rule.is_valid(value):
            found.append(invalid_attribute(name, f"{quoted(value, 60)} {rule.detail}", rule.fix))
    return found


def quoted(text: str, length: int) -> str:
    """The first characters of a text from outside, with escapes, in at most ``length`` + 2 characters."""
    return repr(text[:length])[: length + 2]


def _missing(envelope: Envelope, reported: Collection[str]) -> list[Problem]:
    structured = _fix_of_content_type(envelope)
    return [
        Problem(
            code="missing-attribute",
            field=name,
            detail="this CloudEvents attribute is required",
            fix=structured or _fix_of_missing(envelope, name),
        )
        for name in _REQUIRED
        if not envelope.attributes.get(name) and name not in reported
    ]


def _fix_of_missing(envelope: Envelope, name: str) -> str:
    if envelope.header_prefix:
        return f"Send header {envelope.header_prefix}{name}."
    return f'Send member "{name}".'


def _fix_of_content_type(envelope: Envelope) -> str:
    """The fix if the data is a whole event: structured mode under the content type of binary mode."""
    if not envelope.header_prefix or b'"specversion"' not in envelope.data:
        return ""
    is_batch = envelope.data.lstrip().startswith(b"[") and envelope.header_prefix == HTTP_PREFIX
    return f"The data is a whole event (structured mode): send content-type {BATCH if is_batch else STRUCTURED}."


def _misnamed(names: Iterable[str]) -> list[Problem]:
    return [
        invalid_attribute(name, _NAMING, "Rename the attribute.")
        for name in sorted(names)
        if name == "data" or not _NAME.fullmatch(name)
    ]


def _too_long_or_controlled(attributes: Mapping[str, str]) -> list[Problem]:
    return [
        invalid_attribute(
            name,
            f"the value has more than {ATTRIBUTE_CHARS_MAX} characters or contains a control character",
            "Shorten the value and remove control characters.",
        )
        for name, value in attributes.items()
        if len(value) > ATTRIBUTE_CHARS_MAX or _CONTROL.search(value)
    ]


def _is_rfc3339(text: str) -> bool:
    """Whether the text is a date-time; a leap second ends a month in UTC (RFC 3339 §5.7), and Python reads none."""
    try:
        if _RFC3339.fullmatch(text) is None:
            return False
        given = datetime.fromisoformat(_LEAP_SECOND.sub("59", text.upper()))
        if not _LEAP_SECOND.search(text):
            return True
        utc = given.astimezone(UTC)
        return (utc.hour, utc.minute) == (23, 59) and (utc + timedelta(days=1)).day == 1
    except (ValueError, OverflowError):
        return False


class _Rule(NamedTuple):
    """Validity check of one attribute, with the texts of the problem."""

    is_valid: Callable[[str], object]
    detail: str
    fix: str


_NAMING: Final = (
    f"invalid attribute name: 1 to {ATTRIBUTE_CHARS_MAX} lower-case ASCII letters and digits, "
    "and not data (CloudEvents 1.0.2 §3)"
)
_RULES: Final[Mapping[str, _Rule]] = {
    "specversion": _Rule("1.0".__eq__, "is not a supported version", 'Send "1.0".'),
    "time": _Rule(_is_rfc3339, "is not an RFC 3339 timestamp", "Send for example 2026-11-24T10:00:00Z."),
    "datacontenttype": _Rule(
        lambda value: value == JSON or media_type(value) == JSON,
        "is not JSON",
        f"Send {JSON} with the data alone, or {STRUCTURED} with a whole event.",
    ),
    "traceparent": _Rule(
        _TRACEPARENT.fullmatch,
        "is not a W3C traceparent",
        "Remove the attribute, or send a valid traceparent (W3C Trace Context §3.2).",
    ),
}
_KNOWN: Final = frozenset(
    {*_REQUIRED, *_RULES, "subject", "dataschema", "partitionkey", "correlationid", "causationid"}
)
