"""One valid example of each submission, for `samenspel catalogue`, the schemas and the tests."""

from collections.abc import Mapping
from typing import Any, Final

_INITIATIVE = "0f8f6a52-9d3e-4c57-9a61-0d7b1c0a4e10"
_ROLLOUT = "7d1f0f0c-5f0e-4b8e-8a55-3f1f2f7f9c21"
_PROGRAMME = "b7a0a4f6-4c43-4f0e-9b11-6a3b6f1d2c04"
_APPLICATION = "c3f4a9de-1b1d-4a0f-8f3e-2f6f5f0b7d33"
_SUBSCRIPTION = "5e6a2f6b-9c1a-4a53-9d0e-0c8f8f2a1b44"
_MILESTONE = {"initiative_id": _INITIATIVE, "rollout_id": _ROLLOUT, "milestone": "first-street"}

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "organisation-admitted": {
        "oin": "00000099000000000344",
        "name": "Gemeente Utrecht",
        "kind": "municipality",
        "memberships": [{"network": "G4", "period": {"start": "1995-01-01"}}],
        "tooi": "https://identifier.overheid.nl/tooi/id/gemeente/gm0344",
        "cbs_code": "GM0344",
    },
    "organisation-changed": {
        "oin": "00000099000000000362",
        "name": "Gemeente Amstelveen",
        "kind": "municipality",
        "memberships": [{"network": "G40", "period": {"start": "2022-07-01"}}],
        "based_on_version": 1,
    },
    "initiative-registered": {
        "initiative_id": _INITIATIVE,
        "title": "Slim laadplein",
        "summary": "Laden wanneer het net ruimte heeft, voor een hele wijk tegelijk.",
        "theme": "energy-transition",
        "phase": "pilot",
        "estimated_costs": [{"category": "implementation", "amount_cents": 45_000_000}],
        "period": {"start": "2026-01-01", "end": "2028-12-31"},
        "link": "https://utrecht.example/slim-laadplein",
    },
    "initiative-changed": {
        "initiative_id": _INITIATIVE,
        "based_on_version": 1,
        "title": "Slimme laadpleinen",
    },
    "initiative-phase-changed": {
        "initiative_id": _INITIATIVE,
        "based_on_version": 2,
        "phase": "scaling",
    },
    "initiative-stopped": {
        "initiative_id": _INITIATIVE,
        "based_on_version": 3,
        "reason": "Opgegaan in het regionale laadnet.",
    },
    "rollout-started": {"initiative_id": _INITIATIVE, "rollout_id": _ROLLOUT},
    "rollout-milestone-planned": {
        **_MILESTONE,
        "title": "Eerste straat in bedrijf",
        "planned_on": "2026-03-01",
    },
    "rollout-milestone-rescheduled": {
        **_MILESTONE,
        "planned_on": "2026-06-01",
        "reason": "Netaansluiting komt later.",
    },
    "rollout-milestone-reached": {
        **_MILESTONE,
        "reached_on": "2026-05-20",
        "evidence": "https://amersfoort.example/laadplein/oplevering",
    },
    "rollout-milestone-missed": {**_MILESTONE, "reason": "Geen netcapaciteit."},
    "rollout-milestone-cancelled": {**_MILESTONE, "reason": "Straat wordt heringericht."},
    "programme-opened": {
        "programme_id": _PROGRAMME,
        "name": "Regio Deals, vierde tranche",
        "ceiling_cents": 28_420_000_000,
        "instrument": "specifieke-uitkering",
        "legal_basis": "Regeling specifieke uitkering Regio Deals vierde tranche (Stcrt. 2023-12561)",
        "period": {"start": "2023-01-01", "end": "2027-12-31"},
        "distribution_method": "ranking",
    },
    "application-submitted": {
        "programme_id": _PROGRAMME,
        "application_id": _APPLICATION,
        "beneficiary": {"name": "Regio Twente"},
        "activity": "Regio Deal Twente",
        "requested_cents": 2_500_000_000,
    },
    "application-decided": {
        "programme_id": _PROGRAMME,
        "application_id": _APPLICATION,
        "outcome": "grant",
        "amount_cents": 2_500_000_000,
        "decided_on": "2023-02-17",
    },
    "subscription-created": {
        "subscription_id": _SUBSCRIPTION,
        "types": ["nl.samenspel.grant-awarded.v1"],
        "start": "beginning",
        "delivery": "pull",
    },
    "subscription-cancelled": {"subscription_id": _SUBSCRIPTION},
}
