"""Formatting Kafka's log folder: whole or not at all, and with nothing secret in sight."""

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
"""Kafka's own file in a formatted folder; formatting writes it last."""


def is_formatted(data: Path) -> bool:
    return (data / META_PROPERTIES).exists()


def require_usable(data: Path) -> None:
    """Raise LocalSystemError when the folder holds data without Kafka's mark: that is never thrown away."""
    if data.exists() and not is_formatted(data) and any(child.is_dir() for child in data.iterdir()):
        raise LocalSystemError(
            f"{data} holds data but no {META_PROPERTIES}, so Kafka cannot read it: "
            "put that file back, or start anew with `samenspel reset`"
        )


def format_storage(home: Home, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Make the log folder with the admin in it; `java` is the command up to the main class.

    Raises LocalSystemError as `require_usable` does, or when formatting fails.
    """
    require_usable(home.kafka_data)
    with home.staging_folder("kafka") as staging:
        (staging / "data").mkdir(mode=PRIVATE)
        _run_format(staging, {**settings, "log.dirs": "data"}, java, admin_password)
        shutil.rmtree(home.kafka_data, ignore_errors=True)
        (staging / "data").rename(home.kafka_data)


def _run_format(staging: Path, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Arguments go in by a file, for all may read a command line; the output shows salted credentials."""
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
            f"Kafka could not format its log folder ({type(error).__name__}): try `samenspel doctor`"
        ) from None


def _cluster_id() -> str:
    """16 random bytes in URL-safe base64, as Kafka writes a UUID; it may not begin with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
