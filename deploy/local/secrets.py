"""The passwords of one local system: made at first start, kept in files that only their owner reads."""

import secrets
from pathlib import Path

from samenspel.client.access.private_files import write_private


class Secrets:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        """The secret of this name (``kafka_admin``, ``registry/kafka_password``), made when it is not there."""
        file = self._folder / name
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(file, secrets.token_urlsafe(24))
        return file.read_text()

    def folder_of(self, service: str) -> Path:
        """The folder that holds what one service may know, and nothing else."""
        return self._folder / service
