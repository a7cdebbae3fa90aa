"""The ceiling: the grantable part of the amount that the authority proposes, and the article that applies."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from samenspel.contracts.funding import Instrument, RefusalGround, Rule

RulingStatus = Literal["granted", "granted-in-part", "refused"]
Grounds = tuple[RefusalGround, ...]


class Ruling(NamedTuple):
    """Result of a decision: status, rule, amount in euro cents, and the grounds for the refused part."""

    status: RulingStatus
    rule: Rule
    granted_cents: int
    grounds: Grounds


def limit_to_ceiling(wanted_cents: int, requested_cents: int, available_cents: int, grounds: Grounds) -> Ruling:
    """Grant ``wanted_cents``, limited to ``available_cents``: refusal only as far as the ceiling requires.

    Source: Awb 4:25 lid 2.
    """
    if wanted_cents <= available_cents:
        whole = wanted_cents == requested_cents
        return Ruling("granted" if whole else "granted-in-part", "within-ceiling", wanted_cents, grounds)
    exceeded: Grounds = tuple(dict.fromkeys((*grounds, "ceiling-exceeded")))
    if available_cents > 0:
        return Ruling("granted-in-part", "limited-to-ceiling", available_cents, exceeded)
    return Ruling("refused", "ceiling-reached", 0, exceeded)


ARTICLE_OF_GROUND: Final[Mapping[RefusalGround, str]] = {
    "ceiling-exceeded": "Awb 4:25 lid 2",
    "activities-will-not-take-place": "Awb 4:35 lid 1 onder a",
    "obligations-will-not-be-met": "Awb 4:35 lid 1 onder b",
    "no-proper-account": "Awb 4:35 lid 1 onder c",
    "incorrect-information": "Awb 4:35 lid 2 onder a",
    "insolvency": "Awb 4:35 lid 2 onder b",
    "provision-not-met": "the provision itself",
}
ARTICLE_OF_RULE: Final[Mapping[Rule, str]] = {
    "within-ceiling": "Awb 4:31 lid 1",
    "limited-to-ceiling": "Awb 4:25 lid 2",
    "ceiling-reached": "Awb 4:25 lid 2",
}
NO_SUBSIDY: Final = "Awb title 4.2 does not apply (Awb 4:21 lid 3)"
"""The title on subsidies excludes provisions that give money only to legal persons under public law."""


def article_of(rule: Rule, instrument: Instrument, grounds: Grounds) -> str:
    """Legal basis of a decision: the Awb for a subsidy, else the scheme or the covenant."""
    subject = "grounds" if rule == "refused-by-authority" else "ceiling"
    if instrument == "bijdrage-convenant":
        return f"{subject} of the covenant itself"
    if instrument != "subsidie":
        return f"{'uitkeringsplafond' if subject == 'ceiling' else subject} of the scheme itself; {NO_SUBSIDY}"
    if rule == "refused-by-authority":
        return "; ".join(ARTICLE_OF_GROUND[ground] for ground in grounds)
    return ARTICLE_OF_RULE[rule]
