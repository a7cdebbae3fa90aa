"""The profile: credentials stay private, and the nearest profile is found."""

from pathlib import Path

import pytest
from pydantic import ValidationError
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


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", ""), ("password", ""), ("token", ""), ("token", "a\\nb"), ("token", "a b"), ("token", "\u00e9")],
)
def test_credential_that_no_client_can_send_is_an_error_of_its_field(
    field: str, value: str, profile: Profile
) -> None:
    file = profile.folder / "organisations" / f"{UTRECHT.oin}.json"
    given = getattr(UTRECHT, field)
    file.write_text(file.read_text().replace(f'"{field}": "{given}"', f'"{field}": "{value}"'))
    with pytest.raises(ProfileError, match=f"correct these fields: {field}$"):
        profile.credentials()


def test_name_of_several_organisations_is_not_guessed(profile: Profile) -> None:
    profile.save(UTRECHT.model_copy(update={"oin": "00000099000000000999"}))
    with pytest.raises(ProfileError, match=r"several organisations .* 00000099000000000344, 00000099000000000999"):
        profile.credential("Gemeente Utrecht")
    assert profile.credential(UTRECHT.oin) == UTRECHT


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


def test_a_profile_of_another_user_above_the_folder_is_not_obeyed(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in /tmp, where everybody may make a folder: its addresses would get what this user sends."""
    below = profile.folder.parents[1] / "data"
    below.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.setattr(module.os, "getuid", lambda: profile.folder.stat().st_uid + 1)
    with pytest.raises(ProfileError, match=f"belongs to another user.* SAMENSPEL_PROFILE={profile.folder}"):
        Profile.find()
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(profile.folder))
    assert Profile.find().folder == profile.folder


@pytest.mark.parametrize("which", ["", "profile", "profile/system.json"])
def test_a_profile_that_everybody_may_change_is_not_obeyed(
    profile: Profile, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.chdir(profile.folder.parents[1])
    (profile.folder.parent / which).chmod(0o777)
    with pytest.raises(ProfileError, match="everybody may write there"):
        Profile.find()


def test_a_folder_that_was_removed_has_no_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ProfileError, match="create one"):
        Profile.find()


def test_a_decomposed_name_is_the_same_name(profile: Profile) -> None:
    """As file names and copied texts of macOS have it (Unicode form NFD)."""
    curacao = UTRECHT.model_copy(update={"oin": "00000099000000000999", "name": "Land Cura\u00e7ao"})
    profile.save(curacao)
    assert profile.credential("land Curac\u0327ao") == curacao


def test_an_address_that_is_none_is_told_by_its_field(profile: Profile) -> None:
    file = profile.folder / "system.json"
    file.write_text(file.read_text().replace("127.0.0.1:9092", "kafka").replace("http://", ""))
    with pytest.raises(ProfileError, match=r"correct these fields: kafka\.bootstrap, http\.registry"):
        profile.system()


@pytest.mark.parametrize("host", ["k\u00e4fka:9092", "kafka:9092,", "kafka :9092", ",kafka:9092", "kafka:\u0669"])
def test_kafka_has_an_address_in_ascii(host: str) -> None:
    with pytest.raises(ValidationError):
        KafkaAccess(bootstrap=host, security_protocol="SASL_SSL")
    assert KafkaAccess(bootstrap="kafka-1:9092,[::1]:9092", security_protocol="SASL_SSL")


def test_a_service_without_an_address_is_told() -> None:
    assert SYSTEM.url("registry") == "http://127.0.0.1:8001"
    with pytest.raises(ProfileError, match="no address of the notifier"):
        SYSTEM.url("notifier")
