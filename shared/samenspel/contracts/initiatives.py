"""Initiatives, their rollouts in other organisations, and the milestones of rollouts."""

from typing import Final, Literal

from pydantic import Field

from samenspel.contracts.values import (
    Cents,
    Day,
    Id,
    Line,
    Link,
    Model,
    Oin,
    Period,
    PublishedLine,
    PublishedLink,
    PublishedText,
    Slug,
    Text,
    Version,
)

Theme = Literal["housing", "climate", "digitalisation", "mobility", "energy-transition", "information-society"]
Phase = Literal["idea", "pilot", "scaling", "established"]
PHASES: Final[tuple[Phase, ...]] = ("idea", "pilot", "scaling", "established")
CostCategory = Literal["implementation", "knowledge", "cooperation", "infrastructure"]


class Cost(Model):
    """Estimated cost of an initiative in one category."""

    category: CostCategory
    amount_cents: Cents


class InitiativeRegistered(Model):
    """An organisation registers an initiative; the submitter becomes the lead."""

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
    """The lead changes the given fields; absent fields keep their values. Rejected as stale after another change."""

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
    """The lead moves the initiative to a later phase: idea → pilot → scaling → established; never back."""

    initiative_id: Id
    based_on_version: Version
    phase: Phase


class InitiativeStopped(Model):
    """The lead ends the initiative; ``reason`` includes the lessons learnt."""

    initiative_id: Id
    based_on_version: Version
    reason: Text


class Initiative(Model):
    """Public state ``initiative.v1``. Subject and lane key: ``initiative_id``."""

    initiative_id: Id
    lead: Oin
    title: PublishedLine
    summary: PublishedText
    theme: Theme
    phase: Literal["idea", "pilot", "scaling", "established", "stopped"]
    partners: tuple[Oin, ...] = ()
    estimated_costs: tuple[Cost, ...] = ()
    period: Period | None = None
    link: PublishedLink | None = None
    stopped_because: PublishedText | None = None
    version: Version


class RolloutStarted(Model):
    """An organisation adopts an initiative; the submitter becomes the adopter."""

    initiative_id: Id
    rollout_id: Id


class MilestonePlanned(Model):
    """The adopter plans a milestone of the rollout, with a date."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    title: Line
    planned_on: Day


class MilestoneRescheduled(Model):
    """The adopter moves a planned milestone to another date, with a reason."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    planned_on: Day
    reason: Line


class MilestoneReached(Model):
    """The adopter reports that a planned milestone was reached, with a link to the evidence."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reached_on: Day
    evidence: Link


class MilestoneMissed(Model):
    """The adopter reports that a planned milestone was not reached, and will not be reached later."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reason: Line


class MilestoneCancelled(Model):
    """The adopter cancels a planned milestone, with a reason."""

    initiative_id: Id
    rollout_id: Id
    milestone: Slug
    reason: Line


class Milestone(Model):
    """Current state of one milestone of a rollout; ``reason`` is the reason of the last change."""

    milestone: Slug
    title: PublishedLine
    status: Literal["planned", "reached", "missed", "cancelled"]
    planned_on: Day
    reached_on: Day | None = None
    evidence: PublishedLink | None = None
    reason: PublishedLine | None = None


class Rollout(Model):
    """Public state ``rollout.v1``. Subject: ``rollout_id``; lane key: ``initiative_id``."""

    rollout_id: Id
    initiative_id: Id
    adopter: Oin
    milestones: tuple[Milestone, ...] = ()
    latest_milestone: Slug | None = None
    version: Version
