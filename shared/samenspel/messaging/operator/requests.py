"""Request bodies and row numbers of the operator's APIs."""

from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from samenspel.contracts.integers import INT64_MAX
from samenspel.contracts.values import Model
from samenspel.messaging.inbox.quarantine import OperatorAction

_CONTROL: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
"""Control characters other than tab and newline: PostgreSQL stores no NUL, and a terminal obeys the others."""
_PRINTABLE: Final = f"^[^{_CONTROL}]*$"
_NOT_BLANK: Final = rf"^[^{_CONTROL}]*[^{_CONTROL}\s][^{_CONTROL}]*$"
Reason = Annotated[str, StringConstraints(max_length=1_000, pattern=_PRINTABLE)]
RowNumber = Annotated[int, Field(ge=0, le=INT64_MAX)]
"""Number of a row, within PostgreSQL's ``bigint``."""


class ActionRequest(Model):
    """An action on a record. Discarding requires a reason in ``why``."""

    action: OperatorAction
    why: Reason = ""

    @model_validator(mode="after")
    def _has_a_reason(self) -> Self:
        if self.action == "discard" and not self.why.strip():
            raise ValueError("a discarded record needs a reason in `why`")
        return self


class RecoveryRequest(Model):
    """With ``dry_run`` the service recovers all lanes and rolls all changes back."""

    dry_run: bool = False


class NewTimelineRequest(Model):
    """The lane as ``<topic>/<number>``, and the reason for discarding the events that only Kafka has."""

    lane: Annotated[str, StringConstraints(max_length=300, pattern=_PRINTABLE)]
    why: Annotated[str, StringConstraints(max_length=1_000, pattern=_NOT_BLANK)]
