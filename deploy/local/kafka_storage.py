"""Formatting Kafka's log folder: whole or not at all, and with nothing secret in sight."""

import base64
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from samenspel.client.files import write_private

from deploy.local.errors import LocalSystemError
from deploy.local.home import PRIVATE
from deploy.local.kafka_settings import ADMIN, as_properties

MARK: Final = "meta.properties"
"""Kafka's own file in a formatted folder; formatting writes it last."""


def is_formatted(data: Path) -> bool:
    return (data / MARK).exists()


def require_usable(data: Path) -> None:
    """Raise LocalSystemError when the folder holds data without Kafka's mark: that is never thrown away."""
    if data.exists() and not is_formatted(data) and any(child.is_dir() for child in data.iterdir()):
        raise LocalSystemError(
            f"{data} holds data but no {MARK}, so Kafka cannot read it: "
            "put that file back, or start anew with `samenspel reset`"
        )


def format_storage(data: Path, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Make the log folder with the admin in it, in another place first: a crash leaves nothing half done.

    Raises LocalSystemError as `require_usable` does.
    """
    require_usable(data)
    shutil.rmtree(data, ignore_errors=True)
    fresh = data.with_name("kafka-data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=PRIVATE)
    _run_format(data.parent, {**settings, "log.dirs": fresh.name}, java, admin_password)
    fresh.rename(data)


def _run_format(home: Path, settings: Mapping[str, str], java: Sequence[str], admin_password: str) -> None:
    """Arguments go in by a file, for all may read a command line; the output shows salted credentials."""
    configuration, arguments = home / "kafka" / "format.properties", home / "kafka" / "format.arguments"
    scram = f"SCRAM-SHA-512=[name={ADMIN},password={admin_password}]"
    lines = ["format", "-t", _cluster_id(), "-c", "kafka/format.properties", "--add-scram", scram]
    try:
        write_private(configuration, as_properties(settings))
        write_private(arguments, "\n".join(lines) + "\n")
        subprocess.run(
            [*java, "kafka.tools.StorageTool", "@kafka/format.arguments"],
            cwd=home,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )
    except subprocess.SubprocessError as error:
        raise LocalSystemError(f"Kafka could not format {home / 'kafka-data'} ({type(error).__name__})") from None
    finally:
        configuration.unlink(missing_ok=True)
        arguments.unlink(missing_ok=True)


def _cluster_id() -> str:
    """16 random bytes in URL-safe base64, as Kafka writes a UUID; it may not begin with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
