"""Rules for decisions on applications (Awb 4:25, 4:35)."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from samenspel.contracts.catalogue import APPLICATION, INITIATIVE
from samenspel.contracts.funding import (
    Application,
    ApplicationDecided,
    ApplicationPlan,
    Decision,
    InitiativeLink,
    Programme,
    RefusalGround,
)
from samenspel.contracts.problems import AggregateNotArrived, Problem, Rejected, in_the_future, not_permitted, unknown

from services.funding.domain.applications import CaseFile
from services.funding.domain.ceiling import Ruling, article_of, limit_to_ceiling
from services.funding.domain.problems import invalid, missing

OVER_CEILING: Final[RefusalGround] = "ceiling-exceeded"


def decide(stated: ApplicationDecided, case_file: CaseFile, by: str, now: datetime, received_on: date) -> Application:
    """The application after the authority's decision, limited by the ceiling (Awb 4:25 lid 2).

    ``received_on`` is the day of receipt of the decision: no decision is of a later day.

    Raises `Rejected`, or `AggregateNotArrived` if the plan was lost in a restore, or if a grant requires an
    initiative that is not registered yet.
    """
    programme, application, plan = _decidable(stated, case_file, by)
    available_cents = programme.ceiling_cents - case_file.granted_cents
    early = in_the_future("decided_on", stated.decided_on, received_on)
    if problems := [*([early] if early else []), *_contradictions(stated), *_excesses(stated, plan, available_cents)]:
        raise Rejected(*problems)
    link = _link(stated, programme, plan, case_file)
    ruling = _ruling(stated, plan, available_cents)
    decision = Decision(
        decided_on=stated.decided_on,
        recorded_at=now,
        rule=ruling.rule,
        article=article_of(ruling.rule, programme.instrument, ruling.grounds),
        asked_cents=stated.amount_cents or 0,
        ceiling_cents=programme.ceiling_cents,
        room_before_cents=available_cents,
        granted_cents=ruling.granted_cents,
        room_after_cents=available_cents - ruling.granted_cents,
        grounds=ruling.grounds,
        explanation=stated.explanation,
    )
    made_public = {name: getattr(plan, name) for name in ApplicationPlan.model_fields}
    outcome = {
        "status": ruling.status,
        "initiative_link": link,
        "decision": decision,
        "version": application.version + 1,
    }
    return application.model_copy(update=made_public | outcome)


def _decidable(
    stated: ApplicationDecided, case_file: CaseFile, by: str
) -> tuple[Programme, Application, ApplicationPlan]:
    """Programme, application and plan, after the checks that organisation ``by`` may decide now."""
    programme, application = case_file.programme, case_file.application
    if programme is None:
        raise Rejected(unknown("unknown-programme", "programme_id", stated.programme_id))
    if programme.authority != by:
        raise Rejected(not_permitted(f"only authority {programme.authority} decides in this programme"))
    if application is None or application.programme_id != stated.programme_id:
        raise Rejected(unknown("unknown-application", "application_id", stated.application_id))
    if case_file.plan is None and application.status == "submitted":
        # The plan is in no event, so a restore loses it. The application restores it when it is read or sent again.
        raise AggregateNotArrived(APPLICATION.name, application.application_id)
    if case_file.plan is None:
        raise Rejected(_already_decided(application))
    return programme, application, case_file.plan


def _link(
    stated: ApplicationDecided, programme: Programme, plan: ApplicationPlan, case_file: CaseFile
) -> InitiativeLink | None:
    """The present link to the initiative. A grant waits for the initiative if the programme requires so."""
    link = case_file.link_to(plan.initiative_id)
    requires_initiative = programme.grant_requires_initiative and stated.outcome == "grant"
    if requires_initiative and plan.initiative_id and link == "not-registered-yet":
        raise AggregateNotArrived(INITIATIVE.name, plan.initiative_id)
    return link


def _ruling(stated: ApplicationDecided, plan: ApplicationPlan, available_cents: int) -> Ruling:
    grounds = tuple(dict.fromkeys(stated.grounds))
    if stated.amount_cents is not None:
        return limit_to_ceiling(stated.amount_cents, plan.requested_cents, available_cents, grounds)
    reached = grounds == (OVER_CEILING,)
    return Ruling("refused", "ceiling-reached" if reached else "refused-by-authority", 0, grounds)


def _contradictions(stated: ApplicationDecided) -> Iterator[Problem]:
    """Problems of the submitted decision alone, independent of the application."""
    if stated.outcome == "grant" and stated.amount_cents is None:
        yield missing("amount_cents", "a grant requires an amount (Awb 4:31)", "Send the amount in euro cents.")
    if stated.outcome == "refuse" and stated.amount_cents is not None:
        yield invalid("amount_cents", "a refusal has no amount", "Remove the amount, or send outcome grant.")
    if stated.outcome == "refuse" and not stated.grounds:
        yield missing("grounds", "a refusal requires grounds", "Send at least one ground (Awb 4:25, 4:35).")


def _excesses(stated: ApplicationDecided, plan: ApplicationPlan, available_cents: int) -> Iterator[Problem]:
    """Problems of a decision that exceeds the requested amount or contradicts the available amount."""
    amount, requested, grants = stated.amount_cents, plan.requested_cents, stated.outcome == "grant"
    if grants and amount is not None and amount > requested:
        yield invalid(
            "amount_cents", f"{amount} is more than the requested amount", f"Grant at most {requested} cents."
        )
    if grants and stated.grounds and amount == requested:
        yield invalid("grounds", "a grant in full has no grounds for refusal", "Remove the grounds.")
    if not grants and set(stated.grounds) == {OVER_CEILING} and available_cents > 0:
        yield invalid(
            "grounds",
            "ceiling-exceeded is a ground only as far as the grant would exceed the ceiling (Awb 4:25 lid 2); "
            f"{available_cents} cents are available",
            "Grant the requested amount, which is then limited to the available amount, or state another ground.",
        )


def _already_decided(application: Application) -> Problem:
    return Problem(
        code="already-decided",
        field="/application_id",
        detail=f"application {application.application_id} is {application.status}",
        fix="A decision is final. GET /v1/applications/{applicationId} of funding shows the decision.",
    )
