"""Query and path parameters of the HTTP API: an unknown, repeated or unreadable parameter is an error.

A parameter that is silently ignored changes the meaning of a request: ``?check=true`` would send for real.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.dependencies.models import Dependant

from samenspel.contracts.problems import FIELD_CHARS_MAX, Code, Problem, Rejected, pointer

API: Final = "/v1/"
"""Paths of the API. Health and metrics take any parameter: probes may add a parameter of their own."""


async def require_known_parameters(request: Request) -> None:
    """A dependency of every route. Raises `Rejected` with all wrong parameters at once."""
    if not request.scope["path"].startswith(API):
        return
    given = list(_pairs(request.scope["query_string"]))
    known = frozenset(_names_in(request.scope["route"].dependant)) if given else frozenset()
    problems = list(_problems(given, known))
    problems += [_unreadable(f"/path/{name}") for name, value in request.path_params.items() if not _is_text(value)]
    if problems:
        raise Rejected(*problems)


def _names_in(dependant: Dependant) -> Iterator[str]:
    """Names of the query parameters of a route and of its dependencies."""
    yield from (each.alias for each in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _names_in(inner)


def _pairs(query: bytes) -> Iterator[tuple[str, str | None]]:
    """Names and values; None for a value that is not UTF-8 (RFC 3986 §2.5)."""
    for part in filter(None, query.split(b"&")):
        name, _, value = part.partition(b"=")
        yield _text(name) or _text(name, "replace") or "", _text(value)


def _text(raw: bytes, errors: str = "strict") -> str | None:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode(errors=errors)
    except UnicodeDecodeError:
        return None


def _problems(given: Sequence[tuple[str, str | None]], known: frozenset[str]) -> Iterator[Problem]:
    names = [name for name, _ in given]
    for name, value in given:
        field = pointer(["query", name])
        if name not in known:
            yield _problem("unknown-field", field, f"this resource has no parameter {name[:60]!r}; {_listed(known)}")
        elif value is None or not _is_text(value):
            yield _unreadable(field)
    for name in sorted({name for name in known if names.count(name) > 1}):
        yield _problem("invalid-field", pointer(["query", name]), "this parameter occurs more than once")


def _is_text(value: object) -> bool:
    """Whether the value has no control character; PostgreSQL stores no text with NUL."""
    return not isinstance(value, str) or not any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in value)


def _listed(known: frozenset[str]) -> str:
    return f"its parameters: {', '.join(sorted(known))}" if known else "it has none"


def _unreadable(field: str) -> Problem:
    return _problem("invalid-field", field, "the value contains a control character or is not UTF-8")


def _problem(code: Code, field: str, detail: str) -> Problem:
    fix = "See GET /v1/openapi.json for the parameters of this resource."
    return Problem(code=code, field=field[:FIELD_CHARS_MAX], detail=detail, fix=fix)
