"""The repository means the same on every machine: no package registry and no home folder is named.

The patterns are assembled from parts, so this file does not contain a forbidden name.
"""

import re
from typing import Final

import pytest

from tests.architecture.checkout import name, tracked_files

HOSTS: Final = (
    "pypi" + r"\.org",
    "python" + r"hosted\.org",
    "registry" + r"\.npmjs",
    "repo1?" + r"\.maven",
    "artifact" + "ory",
)
HOMES: Final = ("work", r"home/\w+", r"Users/\w+", "root(?=/)")
FORBIDDEN: Final = {
    "a package registry's host": re.compile("|".join(HOSTS), re.IGNORECASE),
    "a folder of one machine": re.compile(rf"(?<![\w.:/-])/(?:{'|'.join(HOMES)})\b"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tracked_file_names_no_registry_and_no_machine(what: str) -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()[:120]}"
        for path in tracked_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


def test_forbidden_line_is_found() -> None:
    assert FORBIDDEN["a package registry's host"].search("https://files.python" + "hosted.org/packages")
    assert FORBIDDEN["a folder of one machine"].search("cd /" + "work/main")
    assert not FORBIDDEN["a folder of one machine"].search("https://example.nl/work/plan")
