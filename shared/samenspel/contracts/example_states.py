"""One valid example of each public state and of a receipt: the results of the example submissions."""

from collections.abc import Mapping
from typing import Any, Final

from samenspel.contracts.examples import EXAMPLES

_UTRECHT: Final = "00000099000000000344"
_AMERSFOORT: Final = "00000099000000000307"
_MINISTRY: Final = "00000099000000000200"
_INITIATIVE: Final = EXAMPLES["initiative-registered"]["initiative_id"]

EXAMPLE_STATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "organisation.v1": {**EXAMPLES["organisation-admitted"], "version": 1},
    "initiative.v1": {**EXAMPLES["initiative-registered"], "lead": _UTRECHT, "version": 1},
    "rollout.v1": {
        **EXAMPLES["rollout-started"],
        "adopter": _AMERSFOORT,
        "milestones": [
            {
                "milestone": "first-street",
                "title": "Eerste straat in bedrijf",
                "status": "reached",
                "planned_on": "2026-06-01",
                "reached_on": "2026-05-20",
                "evidence": "https://amersfoort.example/laadplein/oplevering",
            }
        ],
        "latest_milestone": "first-street",
        "version": 4,
    },
    "programme.v1": {**EXAMPLES["programme-opened"], "authority": _MINISTRY, "version": 1},
    "application.v1": {
        **EXAMPLES["application-submitted"],
        "applicant": _AMERSFOORT,
        "received_at": "2023-01-16T09:00:00Z",
        "status": "granted",
        "decision": {
            "decided_on": "2023-02-17",
            "recorded_at": "2023-02-17T10:00:00Z",
            "rule": "within-ceiling",
            "article": "Awb 4:25(2)",
            "asked_cents": 2_500_000_000,
            "ceiling_cents": 28_420_000_000,
            "room_before_cents": 28_420_000_000,
            "granted_cents": 2_500_000_000,
            "room_after_cents": 25_920_000_000,
        },
        "version": 2,
    },
    "subscription.v2": {
        "subscription_id": EXAMPLES["subscription-created"]["subscription_id"],
        "organisation": _AMERSFOORT,
        "status": "active",
        "version": 1,
    },
    "subscription.v1": {
        **EXAMPLES["subscription-created"],
        "organisation": _AMERSFOORT,
        "status": "active",
        "version": 1,
    },
}

EXAMPLE_RECEIPT: Final[Mapping[str, Any]] = {
    "answers": [
        {
            "source": f"urn:nld:oin:{_UTRECHT}:systeem:zaaksysteem",
            "id": "6f1c3a52-2f1b-5c0e-8a8e-1f0b6a0c9d11",
            "outcome": "accepted",
            "record": f"samenspel.in.initiatives.{_UTRECHT}/0/17",
            "submissionhash": "a1" * 32,
            "events": [
                {
                    "lane": "samenspel.initiatives/3",
                    "timeline": 1,
                    "sequence": 42,
                    "id": "019ab3a0-7c1e-7b2a-9d55-0f6f7a1c2b3d",
                    "type": "nl.samenspel.initiative-registered.v1",
                }
            ],
        },
        {
            "source": f"urn:nld:oin:{_UTRECHT}:systeem:zaaksysteem",
            "id": "b0a5f9a4-8f39-5d0e-9f4e-6a1b0c9d8e77",
            "outcome": "rejected",
            "record": "http",
            "submissionhash": "b2" * 32,
            "problems": [
                {
                    "code": "stale-version",
                    "field": "/based_on_version",
                    "detail": "the current version is 2; the submission is based on version 1",
                    "fix": "Read the current state, and submit again with its version as based_on_version.",
                }
            ],
        },
        {
            "source": f"urn:nld:oin:{_UTRECHT}:systeem:zaaksysteem",
            "id": "3d8e5a0c-54b7-5f2a-8c66-0b9a3c1d7e42",
            "outcome": "deferred",
            "record": "http",
            "submissionhash": "c3" * 32,
            "waits_for": {"aggregate": "organisation.v1", "subject": "00000099000000000345"},
            "waits_until": "2026-11-29T09:15:00Z",
            "received_at": "2026-11-24T09:15:00Z",
        },
    ]
}
