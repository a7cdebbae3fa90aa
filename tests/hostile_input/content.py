"""Hostile content: faults in an event's attributes and data, in every encoding of an event.

A case is an event of an organisation, and all problems of the refusal as ``(code, field)``. `CONTENT` is refused
during reading. Module `decided` holds the cases with the state of a `Scene`, `huge` the largest cases.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from gzip import compress
from typing import Any, Final

import orjson
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.topics import Domain

from tests.support.events import initiative, new_id

Attributes = dict[str, str]
Problem = tuple[str, str]
"""Code and field."""
Data = Callable[["Scene"], bytes]


@dataclass(frozen=True, slots=True)
class Scene:
    """Existing state: the sender, an own initiative (version 2), a neighbour's initiative, a used id."""

    source: str
    own: str = ""
    foreign: str = ""
    used_id: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    data: Data
    problems: frozenset[Problem]
    fact: str = "initiative-registered"
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    """Differences from the attributes of a good event; None leaves an attribute out."""
    embeddable: bool = True
    """Whether a structured event can carry the data: valid JSON other than null."""
    domain: Domain = "initiatives"

    def attributes_in(self, scene: Scene) -> Attributes:
        given: dict[str, str | None] = {
            "specversion": "1.0",
            "id": new_id(),
            "source": scene.source,
            "type": type_name(self.fact),
            **self.attributes,
        }
        own = scene.source.rpartition(":systeem")[0]
        replaced = {USED: scene.used_id, LONGER: f"{own}0"}
        texts = {name: replaced.get(value, value) for name, value in given.items() if value is not None}
        return {name: text.replace(OWN, own).replace(OWN.upper(), own.upper()) for name, text in texts.items()}


USED: Final = "the id of another event"
"""Stands for `Scene.used_id` in a case's attributes."""
LONGER: Final = "a source with one digit more"
OWN: Final = "urn:nld:oin:own"
"""Stands for the URN of the sender in a case's attributes."""
STRANGER: Final = "urn:nld:oin:00000099999999999999:systeem:x"
COST: Final = "/estimated_costs/0/amount_cents"


def problems(*problems: Problem) -> frozenset[Problem]:
    return frozenset(problems)


NOT_JSON: Final = problems(("not-json", "/"))
NOT_UTF_8: Final = problems(("not-utf-8", "/"))


def good() -> bytes:
    return orjson.dumps(initiative())


def data_of(data: bytes) -> Data:
    return lambda scene: data


def _text(change: Callable[[bytes], bytes]) -> Data:
    """The JSON text of a good event, changed."""
    return lambda scene: change(good())


def fields(**changes: Any) -> Data:
    return lambda scene: orjson.dumps(initiative(**changes))


def _spelled(before: bytes, after: bytes) -> Data:
    """The text of a valid event with the title ``TITLE``, with a part spelled differently."""
    return lambda scene: orjson.dumps(initiative(title="TITLE")).replace(before, after)


def _titled(spelled: bytes) -> Data:
    """The title's value spelled exactly so, quotes included."""
    return _spelled(b'"TITLE"', spelled)


def _costing(amount: bytes) -> Data:
    """A cost with this amount, spelled exactly so."""
    costs = [{"category": "knowledge", "amount_cents": "AMOUNT"}]
    return lambda scene: orjson.dumps(initiative(estimated_costs=costs)).replace(b'"AMOUNT"', amount)


def _dated(spelled: bytes) -> Data:
    return lambda scene: orjson.dumps(initiative(period="PERIOD")).replace(b'"PERIOD"', spelled)


def _broken(name: str, data: Data, problems: frozenset[Problem] = NOT_JSON) -> Case:
    """Invalid JSON."""
    return Case(name, data, problems, embeddable=False)


def _wrong(name: str, data: Data, *problems: Problem, embeddable: bool = True) -> Case:
    """JSON in conflict with the schema."""
    return Case(name, data, frozenset(problems), embeddable=embeddable)


def _with(name: str, attributes: Mapping[str, str | None], *problems: Problem) -> Case:
    """Good data under these attributes."""
    return Case(name, lambda scene: good(), frozenset(problems), attributes=attributes)


TEXTS: Final = [
    _broken("nothing at all", data_of(b"")),
    _broken("half a member", data_of(b'{"initiative_id": ')),
    _broken("cut off", _text(lambda text: text[:-1])),
    _broken("single quotes", _text(lambda text: text.replace(b'"', b"'"))),
    _broken("two values", _text(lambda text: text + b" 1")),
    _broken("the event twice", _text(lambda text: text + text)),
    _broken("a letter behind it", _text(lambda text: text + b"x")),
    _broken("a NUL byte behind it", _text(lambda text: text + b"\x00")),
    _broken("a comma too many", _text(lambda text: text[:-1] + b",}")),
    _broken("a comment", _text(lambda text: b"/**/" + text)),
    _broken("two byte order marks", _text(lambda text: b"\xef\xbb\xbf" * 2 + text)),
    _broken("an Avro record", data_of(b"\x00\x00\x00\x00\x01\x02a")),
    _broken("UTF-16 without a mark", _text(lambda text: text.decode().encode("utf-16-le"))),
    _broken("UTF-16 with a mark", _text(lambda text: text.decode().encode("utf-16")), NOT_UTF_8),
    _broken("gzip", _text(compress), NOT_UTF_8),
    _broken("garbage", data_of(b"\x80\x81\xff"), NOT_UTF_8),
    _broken("Latin-1", _titled('"café"'.encode("latin-1")), NOT_UTF_8),
    *(
        _broken(f"bytes {bad.hex()} in a text", _titled(b'"' + bad + b'"'), NOT_UTF_8)
        for bad in (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82")
    ),
    _broken("half a surrogate pair", _titled(b'"\\ud800"')),
    _broken("an escape that is none", _titled(b'"\\x00"')),
    _broken("a raw NUL byte", _titled(b'"a\x00b"')),
    _broken("a raw line break", _titled(b'"a\nb"')),
    *(
        _broken(f"a number spelled {spelled.decode()}", _costing(spelled))
        for spelled in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"0100")
    ),
    _broken("NaN hidden by a second key", _spelled(b'"title"', b'"title":NaN,"title"')),
    _broken("5,000 digits", _costing(b"9" * 5_000)),
    _broken("depth 10,000", _titled(b"[" * 10_000 + b"]" * 10_000)),
    _broken("depth 10,000 alone", data_of(b"[" * 10_000 + b"]" * 10_000)),
    *(Case(f"depth {depth}", _titled(b"[" * depth + b"]" * depth), NOT_JSON) for depth in (65, 500)),
]

VALUES: Final = [
    *(
        _wrong(f"the value {value.decode()}", data_of(value), ("invalid-field", "/"))
        for value in (b"[]", b'""', b"0", b"true")
    ),
    _wrong("the value null", data_of(b"null"), ("invalid-field", "/"), embeddable=False),
    *(
        _wrong(name, _costing(amount), ("invalid-field", COST))
        for name, amount in {
            "a number as text": b'"1200"',
            "an amount of zero": b"0",
            "a negative amount": b"-1",
            "an amount in euros": b"12.50",
            "an amount as a float": b"1200.0",
            "an amount that is true": b"true",
            "300 digits": b"9" * 300,
            "64 bits and one": str(2**64).encode(),
            "an amount above all money": str(10**15 + 1).encode(),
        }.items()
    ),
    _wrong("a number for a text", _titled(b"9" * 300), ("invalid-field", "/title")),
    _wrong("a key twice", _spelled(b'"title"', b'"title":"a","title"'), ("duplicate-key", "/title")),
    _wrong("a key twice, with a space", _spelled(b'"title"', b'"title" : "a","title"'), ("duplicate-key", "/title")),
    _wrong(
        "a key twice, one escaped",
        _spelled(b'"title"', b'"title" : "a","t\\u0069tle"'),
        ("duplicate-key", "/title"),
    ),
    _wrong(
        "a key twice, deeper", _dated(b'{"start":"2026-01-01","start":"2027-01-01"}'), ("duplicate-key", "/start")
    ),
    *(
        _wrong(name, _dated(spelled), ("invalid-field", "/period/start"))
        for name, spelled in {
            "a date that does not exist": b'{"start":"2026-02-30"}',
            "a moment for a day": b'{"start":"2026-02-03T00:00Z"}',
            "a number for a day": b'{"start":20000}',
            "digits for a day": b'{"start":"0"}',
            "a timestamp for a day": b'{"start":"1735689600"}',
        }.items()
    ),
    _wrong(
        "an end before the start", _dated(b'{"start":"2026-02-01","end":"2026-01-01"}'), ("invalid-field", "/period")
    ),
    *(
        _wrong(name, fields(title=title), ("invalid-field", "/title"))
        for name, title in {
            "an escaped NUL": "a\x00b",
            "blank text": " \t",
            "text too long": "x" * 201,
            "an escape sequence": "a\x1b]52;c;aGk=\x07\x1b[2J",
            "a line break in a title": "a\r\n2026-01-01 00:00:00  Gemeente Amsterdam stopped initiative",
            "a C1 control character": "a\x9b2J",
            "a bidirectional override": "a\u202eb",
            "a line separator": "a\u2028b",
        }.items()
    ),
    _wrong("an unknown field", fields(colour="red"), ("unknown-field", "/colour")),
    _wrong("a field with a pointer's signs", fields(**{"a/b~c": 1}), ("unknown-field", "/a~1b~0c")),
    _wrong(
        "an empty object",
        data_of(b"{}"),
        *(("missing-field", f"/{name}") for name in ("initiative_id", "title", "summary", "theme")),
    ),
    *(
        _wrong(f"{size:,} bytes", _titled(b'"' + b"x" * size + b'"'), ("submission-too-large", "/"))
        for size in (48_000, 50_000, 900_000)
    ),
]

ATTRIBUTES: Final = [
    _with(
        "no attributes",
        dict.fromkeys(("specversion", "id", "source", "type")),
        *(("missing-attribute", name) for name in ("specversion", "id", "source", "type")),
    ),
    *(
        _with(f"{'no' if value is None else 'an empty'} {name}", {name: value}, ("missing-attribute", name))
        for value in (None, "")
        for name in ("id", "source", "type", "specversion")
    ),
    *(
        _with(f"specversion {version!r}", {"specversion": version}, ("invalid-attribute", "specversion"))
        for version in ("1", "0.3", "1.0 ", "2.0")
    ),
    *(
        _with(f"time {moment}", {"time": moment}, ("invalid-attribute", "time"))
        for moment in (
            *("yesterday", "0", "2026-11-24", "2026-11-24T10:00:00", "20261124T100000Z", "2026-11-24 10:00:00Z"),
            *("2026-02-30T10:00:00Z", "2026-11-31T10:00:00Z", "2026-11-24T25:00:00Z", "٢٠٢٦-11-24T10:00:00Z"),
        )
    ),
    *(
        _with(name, {attribute: value}, ("invalid-attribute", attribute[:60]))
        for name, attribute, value in (
            ("a long id", "id", "x" * 1_025),
            ("a line break in the id", "id", "a\nb"),
            ("a line break in an extension", "note", "a\nce_id:b"),
            ("a NUL in an extension", "note", "a\x00"),
            ("a traceparent of short parts", "traceparent", "00-1-2-3"),
            ("a traceparent of one part", "traceparent", "00-x"),
            ("an attribute's name of 257 letters", "n" * 257, "x"),
            ("data that is said to be XML", "datacontenttype", "text/xml"),
            ("data that is said to be almost JSON", "datacontenttype", "application/jsonp"),
            ("data that is said to be plain text", "datacontenttype", "text/plain"),
        )
    ),
    *(
        _with(f"{number} extensions", {f"x{each}": "1" for each in range(number)}, ("too-many-attributes", "/"))
        for number in (97, 112)
    ),
    *(
        _with(name, {"source": source}, ("invalid-attribute", "source"))
        for name, source in {
            "an own source with a slash": f"{OWN}:systeem:zaken/v1",
            "an own source with a percent sign": f"{OWN}:systeem:zaken%20v1",
            "an own source with parentheses": f"{OWN}:systeem:zaken(2)",
            "an own source with an empty system": f"{OWN}:",
            "an own source without a colon": f"{OWN}-zaken",
            "an own source in capitals": f"{OWN}:zaken".upper(),
            "an own source in a web address": f"https://city.example/{OWN}",
        }.items()
    ),
    *(
        _with(name, {"source": source}, ("source-mismatch", "source"))
        for name, source in {
            "a foreign source": STRANGER,
            "a foreign source with a space": f"{STRANGER} ",
            "a source that only begins like one's own": LONGER,
            "a source that names nobody": "https://city.example",
            "a source that is a word": "city",
        }.items()
    ),
    *(_with(f"subject {subject}", {"subject": subject}, ("subject-mismatch", "subject")) for subject in ("x", "0")),
    *(
        _with(name, {"type": type_name(fact)}, ("unknown-type", "type"))
        for name, fact in {
            "an unknown type": "initiative-imagined",
            "a type of another domain": "programme-opened",
            "a canonical type of another domain": "grant-awarded",
        }.items()
    ),
    _with("an unknown version", {"type": "nl.samenspel.initiative-registered.v2"}, ("unknown-type", "type")),
]

TOGETHER: Final = [
    Case(
        "everything at once",
        data_of(orjson.dumps({"initiative_id": "X", "theme": "war", "colour": 1, "summary": ""})),
        problems(
            ("invalid-field", "/initiative_id"),
            ("invalid-field", "/theme"),
            ("unknown-field", "/colour"),
            ("invalid-field", "/summary"),
            ("missing-field", "/title"),
            ("source-mismatch", "source"),
            ("invalid-attribute", "time"),
        ),
        attributes={"source": STRANGER, "time": "yesterday"},
    ),
    Case(
        "an attribute and a field",
        _costing(b"0"),
        problems(("invalid-attribute", "specversion"), ("invalid-field", COST)),
        attributes={"specversion": "2.0"},
    ),
    Case(
        "a programme with every problem at once",
        data_of(b'{"programme_id":"x","name":"","budget":1}'),
        problems(
            ("invalid-field", "/programme_id"),
            ("invalid-field", "/name"),
            ("unknown-field", "/budget"),
            *(("missing-field", f"/{name}") for name in ("ceiling_cents", "instrument", "legal_basis")),
            *(("missing-field", f"/{name}") for name in ("period", "distribution_method")),
        ),
        fact="programme-opened",
        domain="funding",
    ),
    *(
        Case(
            f"a programme whose ceiling is {spelled}",
            data_of(
                orjson.dumps({**EXAMPLES["programme-opened"], "ceiling_cents": "CENTS"}).replace(
                    b'"CENTS"', spelled.encode()
                )
            ),
            problems(("invalid-field", "/ceiling_cents")),
            fact="programme-opened",
            domain="funding",
        )
        for spelled in ("0", "-1", "100.5", '"100"')
    ),
]

CONTENT: Final = [*TEXTS, *VALUES, *ATTRIBUTES, *TOGETHER]
"""Refused during reading."""
