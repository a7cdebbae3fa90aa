"""The profile: credentials stay private, and the nearest profile is found."""

from pathlib import Path

import pytest
from samenspel.client.access import profile as module
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, ProfileError, System

UTRECHT = Credential(
    name="Gemeente Utrecht",
    oin="00000099000000000344",
    username="00000099000000000344",
    password="geheim-1",
    token="geheim-2",
)
SYSTEM = System(
    kafka=KafkaAccess(bootstrap="127.0.0.1:9092", security_protocol="SASL_PLAINTEXT"),
    http={"registry": "http://127.0.0.1:8001"},
)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    profile = Profile(tmp_path / ".samenspel" / "profile")
    profile.save_system(SYSTEM)
    profile.save(UTRECHT)
    return profile


def test_saved_profile_is_read_back(profile: Profile) -> None:
    assert profile.system() == SYSTEM
    assert profile.credentials() == [UTRECHT]
    assert profile.credential("gemeente utrecht") == profile.credential(UTRECHT.oin) == UTRECHT


def test_credential_file_is_private(profile: Profile) -> None:
    file = profile.folder / "organisations" / f"{UTRECHT.oin}.json"
    assert file.stat().st_mode & 0o077 == 0
    assert "geheim" not in repr(UTRECHT)


def test_unknown_name_is_an_error_with_the_known_names(profile: Profile) -> None:
    with pytest.raises(ProfileError, match=r"'Delft' .* Gemeente Utrecht \(00000099000000000344\)"):
        profile.credential("Delft")


def test_damaged_file_is_an_error_without_its_secret(profile: Profile) -> None:
    file = profile.folder / "organisations" / f"{UTRECHT.oin}.json"
    file.write_text('{"password": "geheim", "name": "x"}')
    with pytest.raises(ProfileError, match="correct these fields: oin, username, token") as caught:
        profile.credentials()
    assert "geheim" not in str(caught.value)


def test_admin_credential_is_absent_from_an_organisations_profile(profile: Profile) -> None:
    with pytest.raises(ProfileError, match=r"admin\.json does not exist"):
        profile.admin()


def test_profile_is_found_from_a_folder_below(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    below = profile.folder.parents[1] / "data" / "2026"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Profile.find().folder == profile.folder


def test_profile_named_in_the_environment_comes_first(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = Profile(tmp_path / "other")
    other.save_system(SYSTEM)
    monkeypatch.chdir(profile.folder.parents[1])
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(other.folder))
    assert Profile.find().folder == other.folder


def test_absent_profile_is_an_error_with_the_command_that_creates_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    with pytest.raises(ProfileError, match="create one with `samenspel up`"):
        Profile.find()
