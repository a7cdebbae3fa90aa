"""The account of PostgreSQL: never root, with access to the folders."""

import os
from pathlib import Path

import pytest

from deploy.local.errors import EnvironmentUnavailable
from deploy.local.postgres_node import accounts
from deploy.local.postgres_node.accounts import Account, account_for_postgres


def test_ordinary_user_runs_the_server_under_the_own_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    assert account_for_postgres(tmp_path) == Account()


def test_root_runs_the_server_under_another_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Account, "may_enter", lambda self, folder: self.prefix[0] == "setpriv")
    account = account_for_postgres(tmp_path)
    assert account.prefix[0] == "setpriv"
    assert account.owner is not None


def test_root_whose_folder_no_other_account_may_enter_uses_a_namespace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Account, "may_enter", lambda self, folder: self.prefix[0] == "unshare")
    assert account_for_postgres(tmp_path).owner is None


def test_root_without_any_usable_account_is_told_the_alternatives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(Account, "may_enter", lambda self, folder: False)
    with pytest.raises(EnvironmentUnavailable, match="SAMENSPEL_POSTGRES_DSN"):
        account_for_postgres(tmp_path)


def test_account_enters_folders_that_exist_and_gives_files_to_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    monkeypatch.setattr(accounts.shutil, "chown", lambda *arguments: given.append(arguments))
    assert Account().may_enter(tmp_path)
    assert not Account().may_enter(tmp_path / "absent")
    assert not Account(("no-such-program",)).may_enter(tmp_path)
    Account().change_owner(tmp_path)
    Account(owner=(1, 2)).change_owner(tmp_path)
    assert given == [(tmp_path, 1, 2)]
