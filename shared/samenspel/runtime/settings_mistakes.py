"""Mistakes in the settings of a service: each with the name of the setting, none with a value.

A value may be a secret, also in the variable of another setting: no text here contains what was given.
"""

import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

PREFIX: Final = "SAMENSPEL_"
SECRETS: Final = f"{PREFIX}SECRETS_DIR"
SHELL_NAMES: Final = frozenset(f"{PREFIX}{name}" for name in ("HOME", "PROFILE", "AS"))
"""Variables of the command ``samenspel``, which the shell of a person may set; a service ignores these variables."""
_SPECIAL: Final = "it is a pipe, a device or a socket"
_KUBERNETES: Final = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?$")
"""Variables that Kubernetes sets in each container for each Service, named after the Service."""
_KUBERNETES_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://")
_TEXTS: Final = {
    "missing": "is missing",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_too_short": "must have at least {min_length} character(s)",
    "too_short": "must have at least {min_length} value(s)",
    "string_pattern_mismatch": "must match {pattern}",
    "value_error": "{error}",
}
"""Texts by pydantic's type of error; the placeholders are limits, never the value given."""


class Mistake(NamedTuple):
    """One mistake: the name of the variable or file, and a text without the value."""

    name: str
    text: str


class InvalidSettings(Exception):
    """The settings have mistakes; `mistakes` lists all."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(set(mistakes))
        super().__init__("; ".join(f"{each.name} {each.text}" for each in self.mistakes))

    def table(self, service: str) -> str:
        """All mistakes as lines of text: name and reason."""
        width = max(len(each.name) for each in self.mistakes)
        lines = [f"  {each.name.ljust(width)}  {each.text}" for each in self.mistakes]
        return "\n".join([f"{service} cannot start, the settings have {len(lines)} mistake(s):", *lines])


def variable_name(field: str) -> str:
    """Environment variable of the setting ``field``."""
    return PREFIX + field.upper()


def known_variable(field: str) -> str | None:
    """Value of the variable of this setting; None without one. Case of the name is ignored."""
    wanted = variable_name(field)
    return next((value for name, value in os.environ.items() if name.upper() == wanted), None)


def read_secrets(directory: str | None, fields: Sequence[str]) -> tuple[dict[str, str], list[Mistake]]:
    """The files in ``directory`` that have the name of a setting, and the files that cannot be read."""
    values: dict[str, str] = {}
    found: list[Mistake] = []
    if not directory:
        return values, found
    try:
        names = sorted(each.name for each in Path(directory).iterdir())
    except OSError as error:
        return values, [Mistake(SECRETS, f"cannot be read: {_reason(error)}")]
    for name in names:
        try:
            if name in fields and is_special(Path(directory) / name):
                found.append(Mistake(variable_name(name), f"the file in {SECRETS} cannot be read: {_SPECIAL}"))
            elif name in fields:
                values[name] = (Path(directory) / name).read_text().strip()
            elif "." not in name and (Path(directory) / name).is_file():
                # A file with an extension is something else, such as a certificate.
                found.append(Mistake(f"file {name} in {SECRETS}", f"is not a setting{_did_you_mean(name, fields)}"))
        except (OSError, UnicodeDecodeError) as error:
            found.append(Mistake(variable_name(name), f"the file in {SECRETS} cannot be read: {_reason(error)}"))
    return values, found


def is_special(path: Path) -> bool:
    """Whether the path leads to a pipe, a device or a socket: reading one may wait or go on for ever."""
    return path.exists() and not path.is_file() and not path.is_dir()


def unknown_names(environment: Mapping[str, str], fields: Sequence[str]) -> list[Mistake]:
    """Variables with our prefix that are not a setting of this service: misspelt, or of another service."""
    known = {*map(variable_name, fields), SECRETS}
    return [
        Mistake(name, f"is not a setting of this service{_did_you_mean(name.upper(), sorted(known))}")
        for name, value in environment.items()
        if name.upper().startswith(PREFIX) and name.upper() not in known | SHELL_NAMES
        if not _is_of_kubernetes(name, value)
    ]


def in_values(error: ValidationError) -> list[Mistake]:
    """Mistakes in single values, the first of each. Mistakes in combinations have no location and are left out."""
    first: dict[str, Mistake] = {}
    for each in error.errors(include_input=False, include_url=False):
        if each["loc"]:
            name = variable_name(str(each["loc"][0]))
            first.setdefault(name, Mistake(name, _text(each["type"], each.get("ctx", {}))))
    return list(first.values())


def in_files(values: Mapping[str, Any]) -> Iterator[Mistake]:
    """Certificates and keys that cannot be read or used; ``values`` are by setting, validated or as given."""
    for name in ("kafka_ca_file", "http_tls_certificate", "http_tls_key"):
        if (given := values.get(name)) and is_special(Path(given)):
            yield Mistake(variable_name(name), f"cannot be used: {_SPECIAL}")
            return
    if authority := values.get("kafka_ca_file"):
        try:
            ssl.create_default_context(cafile=authority)
        except (OSError, ValueError) as error:
            yield Mistake(variable_name("kafka_ca_file"), f"cannot be used: {_reason(error)}")
    if certificate := values.get("http_tls_certificate"):
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, values.get("http_tls_key"), password=_no_password)
        except (OSError, ValueError) as error:
            text = f"cannot be used with {variable_name('http_tls_key')}: {_reason(error)}"
            yield Mistake(variable_name("http_tls_certificate"), text)


def _no_password() -> str:
    """Instead of a question on the terminal."""
    raise ValueError("the key has a password")


def _text(kind: str, limits: Mapping[str, Any]) -> str:
    return _TEXTS.get(kind, "is not valid").format_map(limits)


def _reason(error: OSError | ValueError) -> str:
    """Reason without a path or content."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no certificate or key").lower().replace("_", " ")
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    return str(error)


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, 1, 0.8)
    return f"; did you mean {close[0]}?" if close else ""


def _is_of_kubernetes(name: str, value: str) -> bool:
    return bool(_KUBERNETES.search(name)) or (name.endswith("_PORT") and bool(_KUBERNETES_ADDRESS.match(value)))
