"""Shapes of the answers of the operator's HTTP API: another server at the address may answer anything.

A shape only checks an answer. Members that this version does not know stay in the answer.
"""

from pydantic import BaseModel, JsonValue, RootModel


class LaneAnswer(BaseModel):
    lane: str
    timeline: int
    sequence: int
    published: int
    behind: int
    reason: str


class LostSubmissionAnswer(BaseModel):
    organisation: str
    source: str
    id: str
    record: str
    received_at: str | None


class RecoveryAnswer(BaseModel):
    lane: str
    before: int
    after: int
    answers: int
    broken_promises: list[LostSubmissionAnswer]
    still_deferred: list[LostSubmissionAnswer]


class TimelineAnswer(BaseModel):
    lane: str
    timeline: int


class QuarantineRecordAnswer(BaseModel):
    number: int
    record: str
    quarantined_at: str
    reason: str
    open: bool


class RecordActionAnswer(BaseModel):
    taken_at: str
    operator: str
    action: str
    outcome: str
    why: str
    detail: str


Content = dict[str, str] | None


class RecordAnswer(QuarantineRecordAnswer):
    organisation: str
    appended_at: str
    detail: str
    headers: list[tuple[str, Content]] | None
    key: Content
    value: Content
    raw: Content
    actions: list[RecordActionAnswer]


class ActionAnswer(BaseModel):
    outcome: str


class LaneAnswers(BaseModel):
    items: list[LaneAnswer]


class RecoveryAnswers(BaseModel):
    items: list[RecoveryAnswer]


class QuarantinePageAnswer(BaseModel):
    items: list[QuarantineRecordAnswer]


class ObjectAnswer(RootModel[dict[str, JsonValue]]):
    """A JSON object with any members."""
