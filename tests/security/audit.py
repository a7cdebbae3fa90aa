"""``make audit``: are the dependencies pinned, unaltered, freely licensed, and without known weaknesses?

The first three are checked on this machine alone. For the last, pip-audit asks an advisory service. pip-audit reports
a package without an answer as *skipped* and exits with 0, so skipped counts as unknown here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from deploy.local.home import CHECKOUT

LOCKS: Final = ("runtime", "dev")
FREE: Final = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla")
"""Licences compatible with EUPL-1.2 in a distributed work."""
CLOSED: Final = re.compile(r"GPL|SSPL|BUSL|Commons Clause|Proprietary|Non-?Commercial", re.IGNORECASE)
ADVISORY_SECONDS_MAX: Final = 300


@dataclass(frozen=True)
class Pin:
    """A requirement of a lock file: name, version, and permitted hashes of the files."""

    requirement: Requirement
    hashes: Sequence[str]

    @property
    def is_here(self) -> bool:
        """Whether the requirement applies to this platform."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate()

    @property
    def version(self) -> str | None:
        """The required version; None if several versions would do."""
        wanted = list(self.requirement.specifier)
        return wanted[0].version if [each.operator for each in wanted] == ["=="] else None

    @cached_property
    def licence(self) -> str:
        """The licence of the installed distribution, from any metadata field."""
        told = metadata.metadata(self.requirement.name)
        classifiers = [each for each in told.get_all("Classifier") or () if each.startswith("License")]
        return told.get("License-Expression") or " ".join(classifiers) or told.get("License") or "none"


def pins(lock: str) -> list[Pin]:
    """The requirements of ``requirements/<lock>.txt``."""
    text = file_of(lock).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    parts = [line.split(" --hash=") for line in lines]
    return [Pin(Requirement(name), [each.strip() for each in hashes]) for name, *hashes in parts]


def file_of(lock: str) -> Path:
    return CHECKOUT / "requirements" / f"{lock}.txt"


def problems(found: Sequence[Pin]) -> Iterator[str]:
    """The violations visible on this machine."""
    for pin in found:
        name = pin.requirement.name
        if pin.version is None:
            yield f"{name} is not pinned"
        if not pin.hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in pin.hashes):
            yield f"{name} has no hashes"
        if pin.requirement.url:
            yield f"{name} comes from an address"
        if pin.is_here and metadata.version(name) != pin.version:
            yield f"{name} is installed as {metadata.version(name)} instead of {pin.version}"
        if pin.is_here and (not FREE.search(pin.licence) or CLOSED.search(pin.licence)):
            yield f"{name} has the licence {pin.licence}"


@dataclass(frozen=True, slots=True)
class Advisories:
    """The number of packages looked up, and the known advisories."""

    looked_up: int
    of: int
    known: Sequence[str]


def advisories(program: str | None, lock: str, of: int) -> Advisories:
    """The findings of pip-audit; without the program or its service, nothing was looked up."""
    if program is None:
        return Advisories(0, of, ())
    command = [program, "--format", "json", "--progress-spinner", "off", "--disable-pip", "--require-hashes"]
    run = subprocess.run(
        [*command, "-r", str(file_of(lock))], capture_output=True, text=True, timeout=ADVISORY_SECONDS_MAX
    )
    return read_advisories(run.stdout, of)


def read_advisories(report: str, of: int) -> Advisories:
    """From pip-audit's JSON; no report is nothing looked up."""
    try:
        dependencies = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return Advisories(0, of, ())
    looked_up = [each for each in dependencies if "skip_reason" not in each]
    known = [f"{each['name']} {each['version']}: {one['id']}" for each in looked_up for one in each["vulns"]]
    return Advisories(len(looked_up), of, known)


def main() -> int:
    found = pins("dev")
    here = sum(pin.is_here for pin in found)
    amiss = [*problems(found), *problems(pins("runtime"))]
    program = os.environ.get("PIP_AUDIT") or shutil.which("pip-audit")
    told = advisories(program, "dev", here)
    for each in (*amiss, *told.known):
        print(each)
    known = f"{len(told.known)} known" if told.looked_up == told.of else "NOT ALL LOOKED UP"
    print(
        f"audit: {len(found)} packages pinned with {sum(len(pin.hashes) for pin in found)} hashes, "
        f"{here} installed as pinned with a free licence, {len(amiss)} problems; "
        f"advisories for {told.looked_up} of {told.of}: {known}"
    )
    return 1 if amiss or told.known or told.looked_up < told.of else 0


if __name__ == "__main__":
    sys.exit(main())
