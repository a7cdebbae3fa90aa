"""Models of funding: required fields (R5) and money in whole cents (R21)."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.funding import ApplicationDecided, ApplicationSubmitted, ProgrammeOpened
from samenspel.contracts.values import CENTS_MAX, Model


@pytest.mark.parametrize("absent", ["ceiling_cents", "period", "distribution_method", "legal_basis", "instrument"])
def test_r5_programme_without_a_required_field_is_invalid(absent: str) -> None:
    stated = {name: value for name, value in EXAMPLES["programme-opened"].items() if name != absent}
    with pytest.raises(ValidationError, match=absent):
        ProgrammeOpened.model_validate(stated, strict=False)


@pytest.mark.parametrize("amount", [0, -1, 0.5, 100.0, "100", True, CENTS_MAX + 1])
@pytest.mark.parametrize(
    ("model", "fact", "name"),
    [
        (ProgrammeOpened, "programme-opened", "ceiling_cents"),
        (ApplicationSubmitted, "application-submitted", "requested_cents"),
        (ApplicationDecided, "application-decided", "amount_cents"),
    ],
)
def test_r21_money_that_is_not_whole_cents_is_invalid(model: type[Model], fact: str, name: str, amount: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        model.model_validate_json(orjson.dumps({**EXAMPLES[fact], name: amount}))
