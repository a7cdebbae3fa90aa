"""Initiatives and their rollouts: what is tried where, who adopts it, and how far it has come."""

from datetime import date
from typing import Final, Literal

from pydantic import Field

from samenspel.contracts.values import Cents, Id, Line, Link, Model, Oin, Period, Slug, Text, Version

Theme = Literal["housing", "climate", "digitalisation", "mobility", "energy-transition", "information-society"]
Phase = Literal["idea", "pilot", "scaling", "established"]
PHASES: Final[tuple[Phase, ...]] = ("idea", "pilot", "scaling", "established")
CostCategory = Literal["implementation", "knowledge", "cooperation", "infrastructure"]


class Cost(Model):
    """What an initiative is estimated to cost in one category."""

    category: CostCategory
    amount_cents: Cents


class InitiativeRegistered(Model):
    """An organisation states that it leads an initiative; the submitter becomes its lead."""

    initiative_id: Id
    title: Line
    summary: Text
    theme: Theme
    phase: Phase = "idea"
    partners: tuple[Oin, ...] = Field(default=(), max_length=100)
    estimated_costs: tuple[Cost, ...] = Field(default=(), max_length=4)
    period: Period | None = None
    link: Link | None = None


class InitiativeChanged(Model):
    """The lead changes what is given here and leaves the rest; stale when another change came first."""

    initiative_id: Id
    based_on_version: Version
    title: Line | None = None
    summary: Text | None = None
    theme: Theme | None = None
    partners: tuple[Oin, ...] | None = Field(default=None, max_length=100)
    estimated_costs: tuple[Cost, ...] | None = Field(default=None, max_length=4)
    period: Period | None = None
    link: Link | None = None


class InitiativePhaseChanged(Model):
    """The lead states that its initiative has moved on: idea → pilot → scaling → established; never back."""

    initiative_id: Id
    based_on_version: Version
    phase: Phase


class InitiativeStopped(Model):
    """The lead has ended the initiative; what was learnt is the reason."""

    initiative_id: Id
    based_on_version: Version
    reason: Text


class Initiative(Model):
    """Public state ``initiative.v1``; the subject is ``initiative_id``, which is also its lane key."""

    initiative_id: Id
    lead: Oin
    title: Line
    summary: Text
    theme: Theme
    phase: Literal["idea", "pilot", "scaling", "established", "stopped"]
    partners: tuple[Oin, ...] = ()
    estimated_costs: tuple[Cost, ...] = ()
    period: Period | None = None
    link: Link | None = None
    stopped_because: Text | None = None
    version: Version


class RolloutStarted(Model):
    """An organisation adopts an initiative; the submitter becomes the adopter."""

    initiative_id: Id
    rollout_id: Id


class MilestonePlanned(Model):
    """The adopter states by when it means to reach a milestone of its rollout."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    title: Line
    planned_on: date


class MilestoneRescheduled(Model):
    """The adopter gives a planned milestone another date, and says why."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    planned_on: date
    reason: Line


class MilestoneReached(Model):
    """The adopter states that a planned milestone is reached, and where the evidence is."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reached_on: date
    evidence: Link


class MilestoneMissed(Model):
    """The adopter states that a planned milestone was not reached, and will not be."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reason: Line


class MilestoneCancelled(Model):
    """The adopter no longer pursues a planned milestone."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reason: Line


class Milestone(Model):
    """One milestone of a rollout as it stands; ``reason`` is the one of its last change."""

    milestone: Slug
    title: Line
    status: Literal["planned", "reached", "missed", "cancelled"]
    planned_on: date
    reached_on: date | None = None
    evidence: Link | None = None
    reason: Line | None = None


class Rollout(Model):
    """Public state ``rollout.v1``; the subject is ``rollout_id``, its lane key the initiative's id."""

    rollout_id: Id
    initiative_id: Id
    adopter: Oin
    milestones: tuple[Milestone, ...] = ()
    latest_milestone: Slug | None = None
    version: Version
