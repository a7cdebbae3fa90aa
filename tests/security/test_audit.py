"""Dependencies are pinned with hashes, installed as pinned, and freely licensed; violations are found."""

import json

import pytest
from packaging.requirements import Requirement

from tests.security.audit import LOCKS, Pin, pins, problems, read_advisories


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_hashed_and_freely_licensed(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 40
    assert list(problems(found)) == []


def test_requirement_without_pin_or_licence_is_found() -> None:
    good = "sha256:" + "0" * 64
    assert "pytest is not pinned" in problems([Pin(Requirement("pytest>=8"), [good])])
    assert "pytest has no hashes" in problems([Pin(Requirement("pytest==1"), ["md5:0"])])
    assert any("instead of 1" in each for each in problems([Pin(Requirement("pytest==1"), [good])]))


def test_package_that_was_not_looked_up_is_not_reported_safe() -> None:
    skipped = {"name": "a", "skip_reason": "could not be audited"}
    bad = {"name": "b", "version": "1", "vulns": [{"id": "CVE-1"}]}
    told = read_advisories(json.dumps({"dependencies": [skipped, bad]}), 2)
    assert (told.looked_up, told.of, told.known) == (1, 2, ["b 1: CVE-1"])
    assert read_advisories("no connection", 2).looked_up == 0
