"""Formatting of Kafka's log folder: atomic, and without secrets on a command line or in output."""

import base64
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from samenspel.client.access.private_files import write_private

from deploy.local.errors import LocalSystemError
from deploy.local.home import PRIVATE, Home
from deploy.local.kafka_node.settings import ADMIN, as_properties

META_PROPERTIES: Final = "meta.properties"
"""File that Kafka writes at the end of formatting."""


def is_formatted(data: Path) -> bool:
    return (data / META_PROPERTIES).exists()


def require_usable(data: Path) -> None:
    """Raise LocalSystemError if the folder contains data but no `META_PROPERTIES`: such data is never deleted."""
    if data.exists() and not is_formatted(data) and any(child.is_dir() for child in data.iterdir()):
        raise LocalSystemError(
            f"{data} contains data but no {META_PROPERTIES}, so Kafka cannot read the data: "
            "restore that file, or delete all data with `samenspel reset`"
        )


def format_storage(home: Home, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Create the log folder with the admin user. ``java`` is the command before the main class.

    Raises LocalSystemError as `require_usable` does, or if formatting fails.
    """
    require_usable(home.kafka_data)
    with home.staging_folder("kafka") as staging:
        (staging / "data").mkdir(mode=PRIVATE)
        _run_format(staging, {**settings, "log.dirs": "data"}, java, admin_password)
        shutil.rmtree(home.kafka_data, ignore_errors=True)
        (staging / "data").rename(home.kafka_data)


def _run_format(staging: Path, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Run the storage tool. A file contains the arguments: all users can read a command line.

    The output is discarded: it contains salted credentials.
    """
    scram = f"SCRAM-SHA-512=[name={ADMIN},password={admin_password}]"
    arguments = ["format", "-t", _cluster_id(), "-c", "properties", "--add-scram", scram]
    write_private(staging / "properties", as_properties(settings))
    write_private(staging / "arguments", "\n".join(arguments) + "\n")
    try:
        subprocess.run(
            [*java, "kafka.tools.StorageTool", "@arguments"],
            cwd=staging,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    except subprocess.SubprocessError as error:
        raise LocalSystemError(
            f"Kafka could not format the log folder ({type(error).__name__}): run `samenspel doctor`"
        ) from None


def _cluster_id() -> str:
    """16 random bytes in URL-safe base64, Kafka's UUID format; a leading dash is not allowed."""
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
