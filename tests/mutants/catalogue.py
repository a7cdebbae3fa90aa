"""All mutants, in the order of the trials."""

from typing import Final

from tests.mutants.decoding import DECODING
from tests.mutants.deferring import DEFERRING
from tests.mutants.disclosing import DISCLOSING
from tests.mutants.diverging import DIVERGING
from tests.mutants.forgetting import FORGETTING
from tests.mutants.grouping import GROUPING
from tests.mutants.identifying import IDENTIFYING
from tests.mutants.limiting import LIMITING
from tests.mutants.planning import PLANNING
from tests.mutants.reading import READING
from tests.mutants.starting import STARTING
from tests.mutants.tabling import TABLING
from tests.mutants.writing import WRITING

MUTANTS: Final = (
    *READING,
    *DECODING,
    *WRITING,
    *DEFERRING,
    *DISCLOSING,
    *DIVERGING,
    *LIMITING,
    *GROUPING,
    *IDENTIFYING,
    *STARTING,
    *FORGETTING,
    *PLANNING,
    *TABLING,
)
