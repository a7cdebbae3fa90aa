"""Secrets of a local system: created once, private, a folder per service."""

from pathlib import Path

from deploy.local.secrets import Secrets


def test_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = Secrets(tmp_path)["registry/kafka_password"]
    assert len(first) >= 24
    assert Secrets(tmp_path)["registry/kafka_password"] == first
    assert Secrets(tmp_path)["funding/kafka_password"] != first
    file = tmp_path / "registry" / "kafka_password"
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_folder_of_a_service_holds_its_own_secrets_only(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    for name in ("registry/a", "registry/b", "funding/a"):
        secrets[name]
    assert {file.name for file in secrets.folder_of("registry").iterdir()} == {"a", "b"}
