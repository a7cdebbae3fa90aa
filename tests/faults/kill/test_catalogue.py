"""The catalogue of points equals the code, and no query on an event's path lacks a name."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from deploy.local.home import CHECKOUT
from tests.faults.kill.catalogue import AFTER_A_LOSS, BY_COMMAND, ON_FOREIGN_RECORDS, POINTS

NAMED: Final = re.compile(r'failpoints\.reached\("([a-z.-]+)"\)')
MESSAGING: Final = CHECKOUT / "shared" / "samenspel" / "messaging"
NOTIFIER: Final = CHECKOUT / "services" / "notifier"
PATH: Final = {
    MESSAGING: "decisions/aggregates decisions/processor decisions/unit_of_work inbox/answer_retention"
    " inbox/answer_store inbox/deferrals inbox/due_deferrals inbox/offsets inbox/quarantine"
    " inbox/storage_budget ingress/kafka_receiver"
    " ingress/submitter ingress/submission_groups ingress/deferral_worker"
    " operator/redrive outbox/journal outbox/receipt_retention outbox/relay projections/checkpoints"
    " projections/foreign_records projections/projector projections/tails service/retention_worker",
    NOTIFIER: "deliveries/queue deliveries/attempts deliveries/worker",
}
"""Modules on the path of an event."""
ROOMS: Final = [folder / f"{room}.py" for folder, rooms in PATH.items() for room in rooms.split()]
SIMPLE: Final = ast.Expr, ast.Assign, ast.Return, ast.AugAssign
ASKING: Final = {"execute", "fetch", "fetchrow", "fetchval", "send_batch"}
OFF_THE_PATH: Final = {
    "COUNT": "a gauge",
    "LOOK_UP": "a question of a sender",
    "PAGE": "what the operator sees",
    "ACTIONS": "the same",
    "DELAY": "only when the notifier cannot sign",
    "DELETE_LANE": "a copy that is rebuilt on a new timeline",
    "NO_TIMEOUT": "the same",
    "RECOVERED": "only spares a receiver that was away a wait",
    "REMOVE": "no aggregate is removed yet",
    "OVERRUN": "after a commit: only delays the next records of a sender",
    "ADOPT": "only for a checkpoint of the version before; one statement that changes nothing when repeated",
    "USE": "a gauge",
    "COUNT_BY_ORGANISATION": "a gauge",
    "WITH_PREFIX": "labels of gauges",
    "FORGET": "ranges of a log that was created again; one statement that changes nothing when repeated",
    "RESET": "an ingress that was cut back: tests.faults.restore",
}
"""Statements outside the path of an event, by the name of the constant."""


def test_catalogue_lists_exactly_the_fail_points_of_the_code() -> None:
    files = [*CHECKOUT.glob("shared/samenspel/**/*.py"), *CHECKOUT.glob("services/**/*.py")]
    named = {name for file in files if file.name != "failpoints.py" for name in NAMED.findall(file.read_text())}
    assert named - BY_COMMAND - AFTER_A_LOSS - ON_FOREIGN_RECORDS == {
        point.name for points in POINTS.values() for point in points
    }


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.stem)
def test_every_await_on_the_path_of_an_event_has_a_fail_point(room: Path) -> None:
    assert list(_unnamed(ast.parse(room.read_text()))) == []


def _unnamed(module: ast.Module) -> Iterator[str]:
    """Queries to PostgreSQL or Kafka without a preceding fail point."""
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        for before, statement in pairwise([None, *body]) if isinstance(body, list) else ():
            if isinstance(statement, SIMPLE) and _asks(statement) and not _is_point(before):
                yield ast.unparse(statement)


def _is_point(statement: ast.stmt | None) -> bool:
    return statement is not None and NAMED.fullmatch(ast.unparse(statement).replace("'", '"')) is not None


def _asks(statement: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Await)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr in ASKING
        and not {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & OFF_THE_PATH.keys()
        for node in ast.walk(statement)
    )
