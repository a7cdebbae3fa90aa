"""Submissions of ministry and cashiers about the Regio Deals. A remark marks every value without a source."""

from typing import Final

from samenspel.contracts.funding import ApplicationDecided, ApplicationSubmitted, Beneficiary, ProgrammeOpened
from samenspel.contracts.values import Period

from deploy.demo.sample import Deal, Idea, Tranche, id_of

MINISTRY: Final = "Dat BZK beslist is een stand-in: welk ministerie het was, is niet vastgesteld in de bron."
CASHIER: Final = "Kassier {cashier} is een stand-in (stand-in cashier): de echte is niet vastgesteld in de bron."
ASSUMED: Final = "Het gevraagde bedrag is niet vastgesteld in de bron en is gelijk gesteld aan het toegekende."
DERIVED: Final = "Het bedrag is afgeleid (derived)."
INVENTED: Final = "Verzonnen aanvraag (invented)."
FULL: Final = "De vierde tranche is vol: haar veertien deals zijn toegekend en van het plafond is niets over."
IN_PART: Final = "Minder dan gevraagd."


def programme_opened(tranche: Tranche) -> ProgrammeOpened:
    return ProgrammeOpened(
        programme_id=_programme_id(tranche.tranche),
        name=tranche.name,
        ceiling_cents=100 * tranche.ceiling_eur,
        instrument=tranche.instrument,
        legal_basis=tranche.legal_basis,
        period=Period(start=tranche.start),
        distribution_method=tranche.distribution_method,
        source=f"{tranche.note} {MINISTRY} Bron: {tranche.source}",
    )


def application_submitted(deal: Deal, idea: Idea | None = None) -> ApplicationSubmitted:
    """``idea`` is the initiative of an invented application."""
    return ApplicationSubmitted(
        programme_id=_programme_id(deal.tranche),
        application_id=_application_id(deal),
        beneficiary=Beneficiary(name=deal.deal),
        activity=f"Regio Deal {deal.deal}",
        requested_cents=_requested_cents(deal),
        initiative_id=id_of("initiative", idea.key) if idea else None,
        remark=_remark(deal),
    )


def application_decided(deal: Deal, tranche: Tranche) -> ApplicationDecided:
    """The ministry's decision to grant. For an invented deal no amount is available; the explanation states this."""
    invented = deal.granted_eur is None
    in_part = deal.requested_eur is not None and not invented
    return ApplicationDecided(
        programme_id=_programme_id(deal.tranche),
        application_id=_application_id(deal),
        outcome="grant",
        amount_cents=_requested_cents(deal) if deal.granted_eur is None else 100 * deal.granted_eur,
        explanation=FULL if invented else IN_PART if in_part else None,
        decided_on=tranche.decided_on,
    )


def _programme_id(tranche: int) -> str:
    return id_of("programme", tranche)


def _application_id(deal: Deal) -> str:
    return id_of("application", deal.tranche, deal.deal)


def _requested_cents(deal: Deal) -> int:
    """Requested amount in euro cents. For nearly all deals only the granted amount is known."""
    return 100 * (deal.requested_eur or deal.granted_eur or 0)


def _remark(deal: Deal) -> str:
    if deal.evidence == "invented":
        return f"{INVENTED} {deal.note}"
    sentences = [CASHIER.format(cashier=deal.cashier)]
    if deal.requested_eur is None:
        sentences.append(ASSUMED)
    if deal.evidence == "derived":
        sentences.append(DERIVED)
    return " ".join([*sentences, *([deal.note] if deal.note else []), f"Bron: {deal.source}"])
