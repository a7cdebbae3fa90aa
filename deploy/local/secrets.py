"""Passwords of one local system: created at the first start, stored in files readable by the owner only."""

import secrets
from pathlib import Path

from samenspel.client.access.private_files import write_private


class Secrets:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        """The secret ``name`` (``kafka_admin``, ``registry/kafka_password``), created if missing."""
        file = self._folder / name
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text()

    def folder_of(self, service: str) -> Path:
        """The folder with the secrets of one service."""
        return self._folder / service
