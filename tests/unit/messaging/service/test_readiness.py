"""Readiness: every present problem of a service has a name and a text."""

from types import SimpleNamespace
from typing import Any

from samenspel.messaging.projections.batch import Divergence
from samenspel.messaging.service.readiness import problems
from samenspel.runtime.dependencies import Dependencies


def runtime(**changes: Any) -> Any:
    """A service without problems, with these changed parts."""
    parts: dict[str, dict[str, Any]] = {
        "reconciler": {"closed_lanes": {}, "needs_recovery": False, "log_unreachable": False},
        "projector": {"stalled": set(), "rebuilding": {}, "diverged": {}},
        "relay": {"connected": True},
        "storage": {"reason": None},
        "hash_keys": {"problems": dict},
        "membership": {"problems": dict},
    }
    for name, value in changes.items():
        part, _, attribute = name.rpartition("__")
        parts[part][attribute] = value
    return SimpleNamespace(**{name: SimpleNamespace(**part) for name, part in parts.items()})


def answering() -> Dependencies:
    """Dependencies that all answer."""
    dependencies = Dependencies()
    for each in (dependencies.database, dependencies.kafka, dependencies.issuer_keys):
        each.works()
    return dependencies


def test_service_without_a_problem_is_ready() -> None:
    assert problems(answering(), runtime(), "registry") == {}


def test_every_problem_of_a_service_is_named() -> None:
    lane = "samenspel.initiatives/0"
    cases: dict[str, Any] = {
        f"lane {lane} not reconciled": runtime(reconciler__closed_lanes={lane: "Kafka has no such topic"}),
        "recovery": runtime(reconciler__needs_recovery=True),
        f"lane {lane} stalled": runtime(projector__stalled={lane}),
        f"lane {lane} rebuilding": runtime(projector__rebuilding={lane: 2}),
        f"lane {lane} diverged": runtime(projector__diverged={("samenspel.initiatives", 0): Divergence(7, "digest")}),
        "relay": runtime(relay__connected=False),
        "database": runtime(storage__reason="no space left"),
        "submission hash key": runtime(hash_keys__problems=lambda: {"submission hash key": "add the key"}),
        "consumer": runtime(membership__problems=lambda: {"consumer": "the database is silent"}),
    }
    for name, given in cases.items():
        found = problems(answering(), given, "registry")
        assert list(found) == [name]
        assert found[name]
    assert list(problems(answering(), runtime(reconciler__log_unreachable=True), "registry")) == ["relay"]


def test_recovery_names_the_command_for_this_service() -> None:
    assert (
        "samenspel lanes recover funding"
        in problems(answering(), runtime(reconciler__needs_recovery=True), "funding")["recovery"]
    )


def test_dependency_that_does_not_answer_is_named_before_anything_runs() -> None:
    dependencies = answering()
    assert problems(dependencies, None, "registry") == {"start": "the service is starting"}
    dependencies.kafka.failed("Kafka cannot be reached")
    assert problems(dependencies, None, "registry") == {"kafka": "Kafka cannot be reached"}
    assert problems(dependencies, runtime(), "registry") == {"kafka": "Kafka cannot be reached"}
