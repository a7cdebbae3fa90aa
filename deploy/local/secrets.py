"""Passwords of one local system: created at the first start, stored in files readable by the owner only."""

import secrets
from pathlib import Path

from samenspel.client.access.private_files import write_private
from samenspel.contracts.catalogue import submissions_of
from samenspel.contracts.topics import DOMAIN_OF


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

    def ensure_hash_keys(self) -> None:
        """Create the key of submission hashes of each service with private parts of submissions.

        A later key is written before the first key in the same file, separated by white space.
        """
        for service, domain in DOMAIN_OF.items():
            if any(each.has_private_part for each in submissions_of(domain).values()):
                self[f"{service}/submission_hash_keys"]

    def folder_of(self, service: str) -> Path:
        """The folder with the secrets of one service."""
        return self._folder / service
