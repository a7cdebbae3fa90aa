"""Readiness: every present problem of a service has a name and a text."""

from types import SimpleNamespace
from typing import Any

from samenspel.messaging.service.readiness import problems


def runtime(**changes: Any) -> Any:
    """A service without problems, with these changed parts."""
    parts: dict[str, dict[str, Any]] = {
        "reconciler": {"closed_lanes": {}, "needs_recovery": False, "log_unreachable": False},
        "projector": {"stalled": set(), "rebuilding": {}, "diverged": {}},
        "relay": {"connected": True},
        "storage": {"reason": None},
        "membership": {"problems": dict},
    }
    for name, value in changes.items():
        part, _, attribute = name.partition("__")
        parts[part][attribute] = value
    return SimpleNamespace(**{name: SimpleNamespace(**part) for name, part in parts.items()})


def test_service_without_a_problem_is_ready() -> None:
    assert problems(runtime(), "registry") == {}


def test_every_problem_of_a_service_is_named() -> None:
    lane = "samenspel.initiatives/0"
    cases: dict[str, Any] = {
        f"lane {lane} not reconciled": runtime(reconciler__closed_lanes={lane: "Kafka has no such topic"}),
        "recovery": runtime(reconciler__needs_recovery=True),
        f"lane {lane} stalled": runtime(projector__stalled={lane}),
        f"lane {lane} rebuilding": runtime(projector__rebuilding={lane: 2}),
        f"lane {lane} diverged": runtime(projector__diverged={lane: 7}),
        "relay": runtime(relay__connected=False),
        "database": runtime(storage__reason="no space left"),
        "consumer": runtime(membership__problems=lambda: {"consumer": "the database is silent"}),
    }
    for name, given in cases.items():
        found = problems(given, "registry")
        assert list(found) == [name]
        assert found[name]
    assert list(problems(runtime(reconciler__log_unreachable=True), "registry")) == ["relay"]


def test_recovery_names_the_command_for_this_service() -> None:
    assert (
        "samenspel lanes recover funding" in problems(runtime(reconciler__needs_recovery=True), "funding")["recovery"]
    )
