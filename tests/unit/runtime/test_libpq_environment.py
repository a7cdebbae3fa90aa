"""No program of ours obeys the variables of libpq, whichever asyncpg reads."""

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg.connect_utils
import pytest
from samenspel.runtime.libpq_environment import forget_variables

from tests.architecture.checkout import ROOT

VARIABLES = sorted(
    set(re.findall(r"""["'](PG[A-Z]+)["']""", Path(asyncpg.connect_utils.__file__).read_text()))
    - {"PGPASSFILE_DEFAULT"}
)
PROGRAMS = (
    "deploy/compose.py",
    "deploy/local/supervisor.py",
    "shared/samenspel/cli/app.py",
    "shared/samenspel/messaging/service/app.py",
)
"""Files with the start of a program that connects to PostgreSQL, or starts such a program."""


def test_every_variable_that_asyncpg_reads_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"PGHOST", "PGSSLMODE", "PGPASSWORD", "PGTARGETSESSIONATTRS"} <= set(VARIABLES)
    for name in VARIABLES:
        monkeypatch.setenv(name, "from-the-shell")
    monkeypatch.setenv("PATH_OF_ANOTHER", "kept")
    forget_variables()
    assert not [name for name in VARIABLES if name in os.environ]
    assert os.environ["PATH_OF_ANOTHER"] == "kept"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_forgets_them_first(program: str) -> None:
    assert re.search(r"^ +forget_variables\(\)$", (ROOT / program).read_text(), re.MULTILINE)


def test_the_command_forgets_them() -> None:
    code = (
        "import os, sys; sys.argv = ['samenspel', '--version']\n"
        "import samenspel.cli\n"
        "try: samenspel.cli.main()\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name.startswith('PG') for name in os.environ))"
    )
    environment = {**os.environ, "PGSSLMODE": "require"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done
