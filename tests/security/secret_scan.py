"""Looking for secrets where none may be."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deploy.local.system import LocalSystem

SHAPES = {
    "a bearer token": rb"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}",
    "a webhook secret": rb"whsec_[A-Za-z0-9+/]{32,}",
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a password of an organisation of these tests": rb"secret-\d{20}",
    "a salted password": rb"(?i:stored|server)_?(?i:key)=(?!\[?hidden)\S",
}


def secrets_of(system: LocalSystem) -> dict[str, str]:
    """Every secret of this system, by storage place."""
    kept = {str(file.relative_to(system.home.path)): file.read_text() for file in _files(system.home.secrets)}
    kept = {name: text for name, text in kept.items() if not name.endswith("jwks.json")}
    for one in system.profile.credentials():
        kept |= {f"password of {one.name}": one.password, f"token of {one.name}": one.token}
    return kept | {"the issuer's key": _private_part((system.profile.issuer_folder / "key.json").read_text())}


class Scan:
    """Finds these secrets, and any text in the form of a secret."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self._names = {text.strip().encode(): name for name, text in secrets.items()}
        known = b"|".join(re.escape(text) for text in self._names)
        shapes = b"|".join(b"(?P<s%d>%s)" % (number, shape) for number, shape in enumerate(SHAPES.values()))
        self._pattern = re.compile(b"(?P<known>" + known + b")|" + shapes)

    def of(self, place: str, content: bytes) -> Iterator[str]:
        """The findings, never the secret itself."""
        for found in self._pattern.finditer(content):
            kind = str(found.lastgroup)
            name = self._names[found.group()] if kind == "known" else list(SHAPES)[int(kind[1:])]
            yield f"{place} holds {name}"

    def of_files(self, files: Iterable[Path]) -> set[str]:
        return {found for file in files for found in self.of(str(file), file.read_bytes())}


def command_lines() -> Iterator[tuple[str, bytes]]:
    """The command lines of all processes, readable by every user."""
    for process in psutil.process_iter(["pid", "cmdline"]):
        yield f"process {process.info['pid']}", "\0".join(process.info["cmdline"] or ()).encode()


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def _private_part(key: str) -> str:
    found = re.search(r'"d": ?"([\w-]+)"', key)
    assert found is not None
    return found.group(1)
