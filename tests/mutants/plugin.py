"""``pytest -p tests.mutants.plugin --mutant NAME``: the tests, against the mutant."""

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.rewriting import install


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mutant", choices=[mutant.name for mutant in MUTANTS], help="the protection to switch off")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before anything of the product is loaded."""
    if name := early_config.known_args_namespace.mutant:
        install(next(mutant for mutant in MUTANTS if mutant.name == name))
