"""Submission of statements of one organisation, over Kafka or HTTP.

For several calls open one submitter (``async with submitter_for(profile, "Gemeente Utrecht") as utrecht``) and call
`submit` repeatedly. `emit` opens a submitter for one call.
"""

from collections.abc import Sequence
from typing import Literal

from samenspel.client.access.profile import Profile
from samenspel.client.submit.http import HttpSubmitter
from samenspel.client.submit.kafka import KafkaSubmitter
from samenspel.client.submit.statements import Statement, SubmitProgress
from samenspel.contracts.receipts import Answer

Via = Literal["kafka", "http"]


def submitter_for(
    profile: Profile, organisation: str, via: Via = "kafka", *, receipts: bool = True
) -> KafkaSubmitter | HttpSubmitter:
    """Submitter for the organisation (OIN or name). Raises ProfileError when the profile has no credential."""
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
    progress: SubmitProgress = lambda _: None,
) -> list[Answer | None]:
    """Submit the statements in order and return one answer each, None where no answer arrived.

    ``within`` is the number of seconds to wait for final answers. Without ``within``, Kafka returns no answers, only
    acknowledgements, and HTTP returns the first answers. Raises EnvironmentUnavailable, RequestRefused, ProfileError.
    """
    async with submitter_for(profile, organisation, via, receipts=within is not None) as submitter:
        return await submitter.submit(statements, within, progress)
