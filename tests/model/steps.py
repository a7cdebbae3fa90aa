"""The possible next steps without a fault."""

from collections.abc import Iterator

from tests.model.decisions import decision_steps
from tests.model.faults import late_requests
from tests.model.ingress import ingress_steps
from tests.model.operator import operator_steps
from tests.model.reader import reader_steps
from tests.model.relay import relay_steps
from tests.model.state import Setting, State, Step


def steps(state: State, setting: Setting) -> Iterator[Step]:
    yield from decision_steps(state, setting)
    if setting.ingress:
        yield from ingress_steps(state, setting)
    if setting.publishes:
        yield from relay_steps(state, setting)
        yield from late_requests(state)
        yield from reader_steps(state, setting)
    yield from operator_steps(state, setting)
