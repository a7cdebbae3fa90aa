"""Files of this checkout, for the tests of the architecture."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ROOT / "services"
PRODUCT: Final = (ROOT / "shared" / "samenspel", SERVICES, ROOT / "deploy")


def product_files() -> Iterator[Path]:
    for folder in PRODUCT:
        yield from sorted(folder.rglob("*.py"))


def tracked_files() -> list[Path]:
    """Files tracked by git, without files removed from the working tree."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    return [path for path in (ROOT / name for name in listed.split("\0") if name) if path.is_file()]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
