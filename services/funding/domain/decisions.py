"""Rules for decisions on applications (Awb 4:25, 4:35)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from samenspel.contracts.catalogue import APPLICATION
from samenspel.contracts.funding import (
    Application,
    ApplicationDecided,
    ApplicationPlan,
    Decision,
    Programme,
    RefusalGround,
)
from samenspel.contracts.problems import AggregateNotArrived, Problem, Rejected, not_permitted, unknown

from services.funding.domain.applications import CaseFile
from services.funding.domain.ceiling import Ruling, article_of, within_ceiling
from services.funding.domain.problems import invalid, missing

OVER_CEILING: Final[RefusalGround] = "ceiling-exceeded"


def decide(stated: ApplicationDecided, case_file: CaseFile, by: str, now: datetime) -> Application:
    """The application after the authority's decision, limited by the ceiling (Awb 4:25 lid 2).

    Raises `Rejected`, or `AggregateNotArrived` if the plan was lost in a restore.
    """
    programme, application, plan = _decidable(stated, case_file, by)
    available_cents = programme.ceiling_cents - case_file.granted_cents
    if problems := [*_contradictions(stated), *_excesses(stated, plan, available_cents)]:
        raise Rejected(*problems)
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
    outcome = {"status": ruling.status, "decision": decision, "version": application.version + 1}
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


def _ruling(stated: ApplicationDecided, plan: ApplicationPlan, available_cents: int) -> Ruling:
    grounds = tuple(dict.fromkeys(stated.grounds))
    if stated.amount_cents is not None:
        return within_ceiling(stated.amount_cents, plan.requested_cents, available_cents, grounds)
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
