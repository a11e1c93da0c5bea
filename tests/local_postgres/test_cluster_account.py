"""Root becomes somebody without privileges; everybody else stays who they are."""

import os
import pwd
from types import SimpleNamespace

import pytest

from local_postgres.account import Account, choose
from local_postgres.unavailable import Unavailable


@pytest.fixture
def as_root(tmp_path, monkeypatch):
    """Root on a system that has these accounts, and descriptors by name."""

    def become(*names):
        monkeypatch.setattr("local_postgres.account._DESCRIPTORS", tmp_path)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        accounts = {name: SimpleNamespace(pw_uid=number, pw_gid=number) for number, name in enumerate(names, 101)}
        monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)

    return become


def test_an_ordinary_user_runs_the_server_themselves(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1000)

    assert Account(1000, 1000, switch=False) == choose(None)


def test_root_prefers_the_account_that_is_made_for_it(as_root):
    as_root("nobody", "postgres")

    assert Account(102, 102, switch=True) == choose(None)


def test_root_makes_do_with_nobody(as_root):
    as_root("nobody")

    assert Account(101, 101, switch=True) == choose(None)


def test_an_existing_cluster_keeps_its_account(as_root, tmp_path):
    as_root("nobody", "postgres")
    owner = tmp_path.stat()

    assert Account(owner.st_uid, owner.st_gid, switch=True) == choose(owner)


def test_root_without_an_account_is_told_to_add_one(as_root):
    as_root()

    with pytest.raises(Unavailable, match="useradd --system postgres"):
        choose(None)


def test_root_without_named_descriptors_is_told_to_be_somebody_else(as_root, monkeypatch, tmp_path):
    as_root("postgres")
    monkeypatch.setattr("local_postgres.account._DESCRIPTORS", tmp_path / "absent")

    with pytest.raises(Unavailable, match="start this as an ordinary user"):
        choose(None)
