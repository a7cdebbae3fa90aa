"""The published hash of a submission discloses nothing of a private part, and both forms compare equal."""

from hashlib import sha256
from types import UnionType
from typing import Any, Final, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.client.submit.statements import statement
from samenspel.contracts.catalogue import EVENT_TYPES, SUBMISSIONS, SubmissionType
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, PublishedHash, key_id_of
from samenspel.contracts.values import Model

OLD, NEW = "o" * 40, "n" * 40
KEYS: Final = HashKeys.parse(OLD)
ROTATED: Final = HashKeys.parse(f"{NEW}\n{OLD}\n")
hashes = st.binary(min_size=32, max_size=32)
submissions = pytest.mark.parametrize("kind", SUBMISSIONS.values(), ids=SUBMISSIONS)
RENAMED: Final = {"reason", "outcome", "amount_cents", "based_on_version"}
"""Fields of submissions that events publish under another name, such as ``stopped_because``."""


@given(hashes)
def test_hash_without_private_part_is_plain(content: bytes) -> None:
    assert KEYS.published(content, has_private_part=False) == PublishedHash(content.hex())


@given(hashes, hashes)
def test_keyed_hash_matches_the_same_content_only_also_after_a_rotation(content: bytes, other: bytes) -> None:
    published = KEYS.published(content, has_private_part=True)
    assert published.key_id == key_id_of(OLD.encode())
    assert published.hash not in (content.hex(), sha256(content).hexdigest())
    for keys in (KEYS, ROTATED):
        assert keys.matches(published, content)
        assert keys.matches(published, other) is (other == content)
        assert keys.matches(PublishedHash(content.hex()), content)
    assert ROTATED.published(content, has_private_part=True).key_id == key_id_of(NEW.encode())


def test_without_the_key_nothing_is_guessed() -> None:
    published = KEYS.published(b"x" * 32, has_private_part=True)
    with pytest.raises(HashKeyMissing, match=published.key_id):
        HashKeys.parse(NEW).matches(published, b"x" * 32)
    assert not HashKeys.parse(f"{NEW} lost:{published.key_id}").matches(published, b"x" * 32)
    with pytest.raises(HashKeyMissing):
        HashKeys().published(b"x" * 32, has_private_part=True)


def test_short_key_is_refused_and_no_key_is_shown() -> None:
    with pytest.raises(ValueError, match="at least 32 characters") as refusal:
        HashKeys.parse(f"{OLD} GEHEIM")
    assert "GEHEIM" not in str(refusal.value)
    assert OLD not in repr(KEYS)


@pytest.mark.parametrize("key_id", ["", "5f0c3a9e1b2d"])
def test_stored_answer_keeps_the_form(key_id: str) -> None:
    published = PublishedHash("ab" * 32, key_id)
    assert PublishedHash.of(published.as_members()) == published


@submissions
def test_type_with_fields_that_no_event_publishes_declares_a_private_part(kind: SubmissionType) -> None:
    published = set().union(*(_names_in(EVENT_TYPES[name].aggregate.model) for name in kind.leads_to))
    private = set(kind.model.model_fields) - published - RENAMED
    assert kind.has_private_part or not private, private


def _names_in(annotation: Any) -> set[str]:
    """Names of all fields of a model and of the models within."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        inner = [_names_in(field.annotation) for field in annotation.model_fields.values()]
        return set(annotation.model_fields).union(*inner)
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        return set().union(*map(_names_in, get_args(annotation)))
    return set()


@submissions
def test_id_of_a_statement_depends_on_no_private_value(kind: SubmissionType) -> None:
    """Ids are published: a reader could compute the id for each possible amount."""
    kept = {kind.subject_field: kind.example[kind.subject_field], "extra": 1}
    ids = {
        statement("00000099000000000344", kind.name, data).identity
        for data in (kind.example, {**kind.example, **kept}, kept)
    }
    assert (len(ids) == 1) is kind.has_private_part
