"""The reading organisation: the named organisation, or the first of the profile."""

import pytest
from samenspel.cli.options import reading_organisation
from samenspel.client.access.profile import Profile, ProfileError

from tests.support.cli import OIN


def test_named_organisation_reads_and_without_a_name_the_first_one(profile: Profile) -> None:
    assert reading_organisation(profile, "Gemeente Utrecht") == reading_organisation(profile, None) == OIN


def test_unknown_organisation_and_an_empty_profile_are_errors(profile: Profile) -> None:
    with pytest.raises(ProfileError):
        reading_organisation(profile, "Gemeente Nergens")
    for file in profile.folder.rglob(f"{OIN}*"):
        file.unlink()
    with pytest.raises(ProfileError, match="organisation admit"):
        reading_organisation(profile, None)
