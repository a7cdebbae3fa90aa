"""The input of a decision: own aggregates, projected aggregates, and the changes of the batch so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from samenspel.contracts.catalogue import Aggregate, AggregateRef, EventType
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.problems import AggregateNotArrived
from samenspel.contracts.values import Model

M = TypeVar("M", bound=Model)


@dataclass(slots=True)
class StoredAggregate:
    """An aggregate as stored: the bytes last published, their ``H`` (`contracts.digest`), and the private part."""

    value: bytes
    hash: int = REMOVED
    private: bytes | None = None
    removed: bool = False
    model: Model | None = None

    def state_of(self, model: type[Model], *, closed: bool = True) -> Model | None:
        """The state as a model, None if removed. Without ``closed``, unknown fields are ignored."""
        if self.removed:
            return None
        if self.model is None:
            self.model = model.model_validate_json(self.value, extra="forbid" if closed else "ignore")
        return self.model


@dataclass(slots=True)
class AggregateChange:
    """A result of a decision: an event type, and the whole state of the aggregate after the event."""

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
    """The state for a batch, read after the locks. ``extra`` comes from `Decider.load`.

    ``own`` and ``changes`` include the results of earlier submissions of the same batch.
    """

    own: dict[AggregateRef, StoredAggregate] = field(default_factory=dict)
    foreign: Mapping[AggregateRef, StoredAggregate] = field(default_factory=dict)
    extra: Any = None
    changes: list[AggregateChange] = field(default_factory=list)

    def own_state(self, model: type[M], aggregate: Aggregate, subject: str) -> M | None:
        """The present state of an own aggregate, None if unknown."""
        stored = self.own.get((aggregate.name, subject))
        return cast("M | None", stored and stored.state_of(model))

    def private_part(self, model: type[M], aggregate: Aggregate, subject: str) -> M | None:
        """The unpublished part of an own aggregate, None if unknown."""
        stored = self.own.get((aggregate.name, subject))
        if stored is None or stored.private is None:
            return None
        return model.model_validate_json(stored.private)

    def require_foreign(self, model: type[M], aggregate: Aggregate, subject: str) -> M:
        """Another service's aggregate, as projected here.

        Raises `AggregateNotArrived` if no event about the aggregate has arrived: the submission is then deferred.
        """
        stored = self.foreign.get((aggregate.name, subject))
        state = stored and stored.state_of(model, closed=False)
        if not state:
            raise AggregateNotArrived(aggregate.name, subject)
        return cast(M, state)

    def is_removed(self, aggregate: Aggregate, subject: str) -> bool:
        stored = self.own.get((aggregate.name, subject))
        return stored is not None and stored.removed
