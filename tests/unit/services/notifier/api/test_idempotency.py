"""Ids that a key gives: the same for one organisation and key, also after a restore, and of no private value."""

from services.notifier.api.idempotency import submission_id_for, subscription_id_for

CITY, OTHER = "00000099000000000344", "00000099000000000363"


def test_key_gives_the_same_ids_again() -> None:
    subscription_id = subscription_id_for(CITY, "key")
    assert subscription_id_for(CITY, "key") == subscription_id
    assert submission_id_for(subscription_id, "key") == submission_id_for(subscription_id, "key")


def test_other_key_or_organisation_or_no_key_gives_other_ids() -> None:
    given = [(CITY, "key"), (CITY, "other"), (OTHER, "key"), (CITY, None), (CITY, None)]
    subscriptions = [subscription_id_for(*each) for each in given]
    assert len(set(subscriptions)) == len(given)
    submissions = [submission_id_for(each, key) for each, (_, key) in zip(subscriptions, given, strict=True)]
    assert len(set(submissions)) == len(given)
