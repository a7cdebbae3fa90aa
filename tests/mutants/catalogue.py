"""All mutants, in the order of the trials."""

from typing import Final

from tests.mutants.deferring import DEFERRING
from tests.mutants.reading import READING
from tests.mutants.writing import WRITING

MUTANTS: Final = (*READING, *WRITING, *DEFERRING)
