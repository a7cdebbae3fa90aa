"""What a decision may look at: own aggregates, facts of others, and what the batch itself has changed already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from samenspel.contracts.catalogue import Aggregate, AggregateRef, EventType
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import MissingFact
from samenspel.contracts.values import Model

M = TypeVar("M", bound=Model)


@dataclass(slots=True)
class StoredAggregate:
    """An aggregate as it is held: the bytes last published, their ``H``, and what stays private."""

    value: bytes
    hash: int = REMOVED
    private: bytes | None = None
    removed: bool = False
    model: Model | None = None

    def state_of(self, model: type[Model], *, closed: bool = True) -> Model | None:
        """The state as its model; not ``closed``, it may have fields that we do not know."""
        if self.removed:
            return None
        if self.model is None:
            self.model = model.model_validate_json(self.value, extra="forbid" if closed else "ignore")
        return self.model


@dataclass(slots=True)
class AggregateChange:
    """What a decision leads to: one fact, and the whole state of its aggregate after it."""

    event_type: EventType
    subject: str
    key: str
    state: Model
    private: Model | None = None

    @property
    def ref(self) -> AggregateRef:
        return self.event_type.aggregate.name, self.subject


@dataclass(slots=True)
class DecisionState:
    """Everything that was read for a batch, after its locks were taken. ``extra`` is the service's own.

    ``own`` and ``changes`` grow with what the batch itself has decided so far.
    """

    own: dict[AggregateRef, StoredAggregate] = field(default_factory=dict)
    foreign: Mapping[AggregateRef, StoredAggregate] = field(default_factory=dict)
    extra: Any = None
    changes: list[AggregateChange] = field(default_factory=list)

    def own_state(self, model: type[M], aggregate: Aggregate, subject: str) -> M | None:
        """The present state of one of our own aggregates, or None when there is none."""
        stored = self.own.get((aggregate.name, subject))
        return cast(M | None, stored and stored.state_of(model))

    def private_part(self, model: type[M], aggregate: Aggregate, subject: str) -> M | None:
        """What we keep of it without publishing it."""
        stored = self.own.get((aggregate.name, subject))
        if stored is None or stored.private is None:
            return None
        return model.model_validate_json(stored.private)

    def require_foreign(self, model: type[M], aggregate: Aggregate, subject: str) -> M:
        """Another service's aggregate as we last heard of it.

        Raises `MissingFact` when it has not arrived: the submission then waits.
        """
        stored = self.foreign.get((aggregate.name, subject))
        state = stored and stored.state_of(model, closed=False)
        if not state:
            raise MissingFact(aggregate.name, subject)
        return cast(M, state)

    def is_removed(self, aggregate: Aggregate, subject: str) -> bool:
        stored = self.own.get((aggregate.name, subject))
        return stored is not None and stored.removed
