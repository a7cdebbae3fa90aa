"""The definition of a service: name, topics, decider, routers and background work."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import APIRouter

from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.ingress.submitter import Submitter
from samenspel.messaging.projections.projector import ProjectionListener
from samenspel.runtime.http import OrganisationOf
from samenspel.runtime.limit_use import LimitUse
from samenspel.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The running parts available to a service's background work.

    ``organisation_of`` is the dependency that authenticates and counts every request. ``on_apply`` registers a
    callback for each commit of applied events. The callback must not block. ``limit_use`` collects the figures of the
    service's own limits.
    """

    pool: Pool
    submitter: Submitter
    organisation_of: OrganisationOf
    on_apply: Callable[[Callable[[], None]], None]
    limit_use: LimitUse


BackgroundWork = Callable[[ServiceContext], AbstractAsyncContextManager[Sequence[APIRouter]]]
"""Tasks for the lifetime of the service. The context manager yields routers for these tasks."""


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """The differences between services.

    ``owns`` lists the canonical topics written by the service, ``follows`` the projected topics. ``package`` holds
    the service's migrations.
    """

    name: str
    package: str
    description: str
    owns: Sequence[str]
    decider: Callable[[Pool], Decider]
    routers: Callable[[Pool], Sequence[APIRouter]]
    follows: Sequence[str] = ()
    listener: Callable[[Pool], ProjectionListener] | None = None
    background: BackgroundWork | None = None
