"""Passwords at rest, and how many hashes run at once."""

import threading
from base64 import b64encode

import pytest
from werkzeug.security import generate_password_hash

from idp import passwords
from idp.errors import TemporarilyUnavailable
from idp.passwords import Cost, Slots

CHEAP = Cost(ln=10, p=1)


def test_vector_of_rfc_7914():
    """Others' strings are read: the third test vector of RFC 7914 §12 (N=16384, r=8, p=1)."""
    value = (
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
    encoded = b64encode(bytes.fromhex(value)).decode().rstrip("=")

    assert passwords.verify(b"pleaseletmein", f"$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU${encoded}")


def test_what_was_made_verifies():
    """PHC string with a salt of 16 bytes and a hash of 32; another password does not fit."""
    stored = passwords.make(b"secret", CHEAP)

    assert stored.startswith("$scrypt$ln=10,r=8,p=1$")
    assert (16, 32) == (len(passwords.parse(stored).salt), len(passwords.parse(stored).value))
    assert passwords.verify(b"secret", stored)
    assert not passwords.verify(b"secret ", stored)
    assert stored != passwords.make(b"secret", CHEAP)


def test_werkzeug_hash_is_read():
    """People of another Flask application bring their hashes."""
    stored = generate_password_hash("häuschen", method="scrypt:1024:8:1")

    assert passwords.verify("häuschen".encode(), stored)
    assert not passwords.verify(b"other", stored)
    assert passwords.needs_rehash(stored, CHEAP)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$scrypt$ln=18,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=15,r=8,p=9$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=15,r=16,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=0,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA\n",
        "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHQ$aGFzaA",
        "scrypt:1000:8:1$saltsalt$" + "0" * 128,
        "scrypt:262144:8:1$saltsalt$" + "0" * 128,
        "scrypt:32768:8:1$saltsalt$" + "0" * 33,
        "scrypt:32768:16:1$saltsalt$" + "0" * 128,
    ],
)
def test_other_and_dear_hashes_are_refused(stored):
    """An import can neither bring a format that we do not know nor one that would cost seconds and gigabytes."""
    with pytest.raises(passwords.UnknownHash):
        passwords.parse(stored)


@pytest.mark.parametrize(("made", "wanted", "needed"), [((10, 1), (10, 2), True), ((10, 2), (10, 2), False)])
def test_weaker_hashes_need_work(made, wanted, needed):
    """A hash is made anew when it is weaker than today's cost, never when it is as strong or stronger."""
    assert needed is passwords.needs_rehash(passwords.make(b"x", Cost(*made)), Cost(*wanted))


@pytest.mark.parametrize("password", ["", "x" * 1001, "a\0", "\ud800", "\u0378"])
def test_impossible_passwords(password):
    """Empty, too long, NUL, surrogate, unassigned: refused, not repaired."""
    with pytest.raises(passwords.UnusablePassword):
        passwords.normal(password)


def test_length_is_counted_in_code_points():
    """A thousand characters of four bytes each are a password."""
    assert 4000 == len(passwords.normal("🦊" * 1000))


def test_slots_bound_what_runs_and_what_waits():
    """One runs, one waits, the third is refused at once; the one that waits too long is refused too."""
    slots = Slots(size=1, queue=1, wait=0.05)
    with slots.held():
        waiting = threading.Thread(target=_expect_refusal, args=(slots,))
        waiting.start()
        while slots._admitted._value:
            pass
        with pytest.raises(TemporarilyUnavailable), slots.held():
            raise AssertionError
        waiting.join()
    with slots.held():
        pass


def _expect_refusal(slots):
    with pytest.raises(TemporarilyUnavailable), slots.held():
        raise AssertionError


def test_failed_hashing_frees_its_slot():
    """An exception inside costs no slot."""
    slots = Slots(size=1, queue=0, wait=0)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), slots.held():
            raise ValueError("x")


def test_server_has_more_threads_than_can_wait():
    """Two full queues leave the other threads free."""
    assert 2 * (1 + 20) + 8 == passwords.threads(slots=1, queue=20, others=8)
