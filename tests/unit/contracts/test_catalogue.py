"""The catalogue is complete: names by the NLGov profile, meanings, valid examples."""

import re

import orjson
import pytest
from samenspel.contracts import funding, initiatives, notifications, organisations
from samenspel.contracts.catalogue import (
    AGGREGATES,
    EVENT_TYPES,
    RECEIPT_MODEL,
    SUBMISSIONS,
    Aggregate,
    EventType,
    SubmissionType,
    submissions_of,
)
from samenspel.contracts.example_states import EXAMPLE_RECEIPT, EXAMPLE_STATES
from samenspel.contracts.topics import DOMAIN_OF
from samenspel.contracts.values import Model

NAME = re.compile(r"nl\.samenspel\.[a-z]+(-[a-z]+)*\.v[1-9][0-9]*")
ORGANISATIONS = re.compile(r"g4|g40|vng|btg|rijk|ministerie|minister|gemeente|bzk|utrecht|amsterdam|rotterdam")
facts = pytest.mark.parametrize("fact", EVENT_TYPES.values(), ids=EVENT_TYPES)
submissions = pytest.mark.parametrize("submission", SUBMISSIONS.values(), ids=SUBMISSIONS)
aggregates = pytest.mark.parametrize("aggregate", AGGREGATES.values(), ids=AGGREGATES)


@pytest.mark.parametrize("name", sorted({*EVENT_TYPES, *SUBMISSIONS}))
def test_type_name_follows_the_nlgov_profile(name: str) -> None:
    """NLGov profile for CloudEvents 1.1, ``type``: reverse domain name, a version number, no organisation."""
    assert NAME.fullmatch(name)
    assert not set(re.split(r"[.-]", name)) & set(ORGANISATIONS.pattern.split("|"))


@facts
def test_event_type_has_a_meaning_and_an_aggregate(fact: EventType) -> None:
    assert len(fact.meaning) > 20
    assert fact.aggregate is AGGREGATES[fact.aggregate.name]


@facts
def test_every_event_type_has_a_submission_that_leads_to_it(fact: EventType) -> None:
    assert any(fact.name in submission.leads_to for submission in SUBMISSIONS.values())


@submissions
def test_submission_leads_to_existing_event_types(submission: SubmissionType) -> None:
    assert submission.leads_to
    assert set(submission.leads_to) <= set(EVENT_TYPES)


@submissions
def test_submission_has_a_meaning_and_required_subject_and_key(submission: SubmissionType) -> None:
    assert submission.meaning.endswith(".")
    for name in (submission.subject_field, submission.key_field):
        assert submission.model.model_fields[name].is_required()


@submissions
def test_example_of_a_submission_is_valid(submission: SubmissionType) -> None:
    assert is_valid(submission.model, submission.example)


@aggregates
def test_example_of_a_state_is_valid(aggregate: Aggregate) -> None:
    assert is_valid(aggregate.model, EXAMPLE_STATES[aggregate.name])
    assert set(EXAMPLE_STATES) == set(AGGREGATES)


def test_example_of_a_receipt_is_valid() -> None:
    assert is_valid(RECEIPT_MODEL, EXAMPLE_RECEIPT)


def is_valid(model: type[Model], example: object) -> bool:
    """As received: as JSON text; and nothing is lost on the way."""
    made = model.model_validate_json(orjson.dumps(example))
    return bool(orjson.loads(made.model_dump_json(exclude_unset=True)) == example)


def test_every_submission_has_one_domain() -> None:
    found = [name for domain in DOMAIN_OF.values() for name in submissions_of(domain)]
    assert sorted(found) == sorted(SUBMISSIONS)


@pytest.mark.parametrize("module", [funding, initiatives, notifications, organisations])
def test_every_model_has_a_docstring(module: object) -> None:
    models = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Model) and each is not Model
    ]
    assert models
    assert [each.__name__ for each in models if not each.__doc__ and not each.__name__.startswith("_")] == []
