"""Emitting: statements of one organisation through a door of its choice.

For many calls open a door once (``async with door(profile, "Gemeente Utrecht", "kafka") as utrecht``) and `submit`
as often as needed; `emit` does it for one.
"""

from collections.abc import Sequence
from typing import Literal

from samenspel.client.access.profile import Profile
from samenspel.client.submit.http import HttpSubmitter
from samenspel.client.submit.kafka import KafkaSubmitter
from samenspel.client.submit.statements import Progress, Statement
from samenspel.contracts.receipts import Answer

Via = Literal["kafka", "http"]


def submitter_for(
    profile: Profile, organisation: str, via: Via = "kafka", *, receipts: bool = True
) -> KafkaSubmitter | HttpSubmitter:
    """A door to open as this organisation (OIN or name). Raises ProfileError when we cannot speak as it."""
    system, credential = profile.system(), profile.credential(organisation)
    if via == "kafka":
        return KafkaSubmitter(system, credential, receipts=receipts)
    return HttpSubmitter(system, credential)


async def emit(
    profile: Profile,
    organisation: str,
    statements: Sequence[Statement],
    *,
    via: Via = "kafka",
    within: float | None = None,
    progress: Progress = lambda _: None,
) -> list[Answer | None]:
    """Submit these in order; the answer to each, None where there is none.

    ``within`` is how many seconds to wait for final answers; without it Kafka's acknowledgement is all there is,
    while HTTP answers at once anyway. Raises SurroundingsMissing, DoorRefused, ProfileError.
    """
    async with submitter_for(profile, organisation, via, receipts=within is not None) as opened:
        return await opened.submit(statements, within, progress)
