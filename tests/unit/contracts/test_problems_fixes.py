"""The fix of a problem names a resource or a document available without the CLI."""

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from pydantic import ValidationError
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.initiatives import RolloutStarted
from samenspel.contracts.jsonschema import schemas
from samenspel.contracts.problems import CODES, Code, Rejected, problems_of, unknown
from samenspel.contracts.submissions import read_submission

from tests.architecture.checkout import name, product_files

SERVER_SIDE: Final = ("shared/samenspel/contracts/", "shared/samenspel/messaging/ingress/", "services/")
OPENABLE: Final = ("GET /", "POST /", "docs/")
OIN: Final = "00000099000000000344"
TYPE: Final = "nl.samenspel.rollout-started.v1"
INVALID: Final = b'{"initiative_id": 1, "unexpected": true}'
NOT_IN_A_SUBMISSION: Final = {"unknown-type", "unknown-field"}


@pytest.mark.parametrize("code", [each for each in CODES if each.startswith("unknown-")])
def test_unknown_aggregate_has_a_fix_of_its_own(code: Code) -> None:
    if code in NOT_IN_A_SUBMISSION:
        return
    problem = unknown(code, "field", "0f8f6a52")
    assert problem.detail == f"{code.removeprefix('unknown-')} 0f8f6a52 does not exist"
    assert problem.fix.startswith(("GET /v1/", "Submit "))


def test_fix_names_the_schema_of_the_entry_point() -> None:
    with pytest.raises(ValidationError) as refused:
        RolloutStarted.model_validate_json(INVALID)
    submitted = problems_of(refused.value)
    assert {each.code for each in submitted} == {"missing-field", "unknown-field", "invalid-field"}
    assert all("GET /v1/schemas/submissions/" in each.fix for each in submitted)
    over_http = problems_of(refused.value, "GET /v1/openapi.json")
    assert all("GET /v1/openapi.json" in each.fix and "samenspel " not in each.fix for each in over_http)
    assert [(each.code, each.field) for each in over_http] == [(each.code, each.field) for each in submitted]


def test_no_fix_requires_the_cli() -> None:
    fixes = [(path, text) for path in product_files() if name(path).startswith(SERVER_SIDE) for text in _fixes(path)]
    assert len(fixes) > 30
    assert [text for _, text in fixes if "`samenspel " in text and not any(each in text for each in OPENABLE)] == []


def _fixes(path: Path) -> list[str]:
    """Literal texts of the keyword ``fix`` in calls."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    values = [each.value for call in calls for each in call.keywords if each.arg == "fix"]
    return [
        part.value
        for value in values
        for part in ast.walk(value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def test_rejected_submission_names_the_schema_of_its_type() -> None:
    envelope = Envelope({"specversion": "1.0", "id": "1", "source": f"urn:nld:oin:{OIN}", "type": TYPE}, INVALID)
    with pytest.raises(Rejected) as refused:
        read_submission(envelope, OIN, SUBMISSIONS, datetime.now(UTC), "http")
    path = "submissions/rollout-started.v1.json"
    assert path in schemas()
    assert all(f"GET /v1/schemas/{path}" in each.fix and TYPE in each.fix for each in refused.value.problems)
