"""All mutants, in the order in which they are tried."""

from typing import Final

from tests.mutants.reading import READING
from tests.mutants.writing import WRITING

MUTANTS: Final = (*READING, *WRITING)
