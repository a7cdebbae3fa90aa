"""Answers of the operator's API are checked: the server at the address may be another one."""

from typing import Any

import pytest
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.admin import operator_answers
from samenspel.client.admin.operator_api import OperatorApi

from tests.support.http_service import OPERATOR, serving

SHAPES = [
    operator_answers.LaneAnswers,
    operator_answers.RecoveryAnswers,
    operator_answers.TimelineAnswer,
    operator_answers.QuarantinePageAnswer,
    operator_answers.RecordAnswer,
    operator_answers.ActionAnswer,
]
OTHERS: list[Any] = [None, 1, "x", [], [{}], {"items": None}, {"items": [1]}, {"items": [{}]}, {"number": "x"}]


@pytest.mark.parametrize("answer", OTHERS, ids=repr)
async def test_answer_of_another_server_is_no_answer(answer: Any) -> None:
    async with serving(lambda request: (200, answer)) as service:
        for shape in SHAPES:
            with pytest.raises(EnvironmentUnavailable, match=r"is no registry: correct the address"):
                await OperatorApi(service.system, OPERATOR, "registry").request("GET", "/v1/x", shape=shape)


async def test_members_of_a_later_version_are_kept() -> None:
    lane = {"lane": "x/0", "timeline": 1, "sequence": 0, "published": 0, "behind": 0, "reason": "", "later": [1]}
    async with serving(lambda request: (200, {"items": [lane]})) as service:
        api = OperatorApi(service.system, OPERATOR, "registry")
        assert await api.request("GET", "/v1/lanes", shape=operator_answers.LaneAnswers) == {"items": [lane]}
