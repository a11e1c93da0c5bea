"""Sign in with a password: one answer for everything that is not a sign-in."""

import pytest
from sign_in import PASSWORD
from werkzeug.security import generate_password_hash

from idp import passwords


@pytest.fixture
def work(monkeypatch):
    """How much scrypt was computed, in units of N * p, one entry a call."""
    done = []
    derive = passwords._derive

    def counted(secret, salt, length, cost):
        done.append(cost.work)
        return derive(secret, salt, length, cost)

    monkeypatch.setattr(passwords, "_derive", counted)
    return done


def test_right_password_signs_in(world):
    """Who knows the password is signed in, with what RFC 8176 calls `pwd`."""
    world.person("anna", sub="s-1")
    browser = world.browser()

    assert 200 == browser.login("anna").status_code
    assert {"sub": "s-1", "amr": ["pwd"], "acr": "urn:idp:1fa"}.items() <= browser.whoami().items()
    assert "login.success" in world.events()


@pytest.mark.parametrize("typed", ["ANNA", " anna ", "ａｎｎａ", "Anna@Example.COM"])
def test_names_in_every_spelling(world, typed):
    """User name and verified address are found whatever their case, width and surrounding space."""
    world.person("Anna", email="anna@example.com", email_verified=True)

    assert 200 == world.browser().login(typed).status_code


def test_unverified_address_is_no_name(world):
    """An address that anybody could claim signs nobody in."""
    world.person("anna", email="boss@example.com")

    assert 401 == world.browser().login("boss@example.com").status_code


def test_password_in_another_normal_form(world):
    """A keyboard that composes characters differently types the same password."""
    world.person("anna", "Zoe\u0308s Fahrrad im Hof")

    assert 200 == world.browser().login("anna", "Zo\u00ebs Fahrrad im Hof").status_code


def test_every_refusal_is_one_answer(world, work):
    """Unknown name, wrong password, no password, disabled: the same status, body, headers and work."""
    world.person("anna")
    world.person("nopassword", password=None)
    world.person("gone")
    world.disable("gone")
    answers, effort = [], []
    for name, password in [("anna", "wrong"), ("nobody", "wrong"), ("nopassword", "x"), ("gone", PASSWORD)]:
        work.clear()
        response = world.browser().login(name, password)
        answers.append((response.status_code, response.data, sorted(response.headers)))
        effort.append(sum(work))

    assert (401, [answers[0]] * 4) == (answers[0][0], answers)
    assert [1 << 14] * 4 == effort


def test_imported_weak_hash_costs_the_same(world, work, settings):
    """A cheaper hash from another system cannot be told from an unknown name by its speed."""
    cost = passwords.Cost(settings.passwords.ln, 1)
    weak = passwords.make(b"old password", passwords.Cost(cost.ln - 1, 1))
    world.person("anna", password=None, password_hash=weak)
    work.clear()

    assert 401 == world.browser().login("anna", "wrong").status_code
    assert cost.work == sum(work)


def test_imported_hash_is_made_ours_at_sign_in(world):
    """Werkzeug's hash is read, and replaced by ours once the password is known."""
    imported = generate_password_hash("from another system", method="scrypt:16384:8:1")
    world.person("anna", password=None, password_hash=imported)

    assert 200 == world.browser().login("anna", "from another system").status_code
    ((stored,),) = world.query("SELECT password FROM user_account")
    assert stored.startswith("$scrypt$ln=14,r=8,p=1$")
    assert 200 == world.browser().login("anna", "from another system").status_code
    assert 1 == world.events().count("password.rehashed")


def test_rehash_never_undoes_a_change(world, monkeypatch):
    """Who changes the password while somebody signs in with the old one keeps the new one."""
    imported = generate_password_hash("from another system", method="scrypt:16384:8:1")
    world.person("anna", password=None, password_hash=imported)
    make = passwords.make

    def changed_meanwhile(*given):
        world.query("UPDATE user_account SET password = 'changed' RETURNING id")
        return make(*given)

    monkeypatch.setattr(passwords, "make", changed_meanwhile)
    world.browser().login("anna", "from another system")

    assert [("changed",)] == world.query("SELECT password FROM user_account")


@pytest.mark.parametrize("password", ["", "a\0b", "a\ud800".encode("utf-8", "surrogatepass"), "\u0378", "x" * 1001])
def test_impossible_passwords_are_bad_requests(world, password):
    """What cannot be a password is refused before any hashing; nobody's counter moves."""
    world.person("anna")
    response = world.browser().login("anna", password)

    assert response.status_code in {400, 401}
    if isinstance(password, str):
        assert 400 == response.status_code
        assert [] == world.query("SELECT 1 FROM attempt")


@pytest.mark.parametrize("name", ["a\0b", "a\tb", "\u202eanna"])
def test_impossible_names_are_bad_requests(world, name):
    """Nobody can be called so; the database never sees it."""
    assert 400 == world.browser().login(name).status_code


def test_a_thousand_characters_are_a_password(world):
    """Nothing is cut off: the last character matters."""
    world.person("anna", "é" * 1000)

    assert 401 == world.browser().login("anna", "é" * 999).status_code
    assert 200 == world.browser().login("anna", "é" * 1000).status_code


def test_second_sign_in_has_a_later_time(world, clock):
    """`auth_time` in whole seconds grows when the second sign-in is a second later."""
    world.person("anna")
    browser = world.browser()
    first = browser.login("anna").json["auth_time"]
    clock.advance(seconds=1)

    assert int(first) + 1 == int(browser.login("anna").json["auth_time"])


def test_events_never_name_what_was_typed(world):
    """People type their password into the wrong field."""
    world.browser().login("my secret password", "x")

    assert ["login.failure"] == world.events()
    assert "secret" not in str(world.query("SELECT facts FROM security_event"))


def test_full_queue_answers_503_and_counts_nothing(world, app):
    """Too many sign-ins at once: come back later, and it was no failed attempt."""
    world.person("anna")
    with app.app_context():
        slots = passwords.slots("people")
    for _ in range(21):
        slots._admitted.acquire()
    response = world.browser().login("anna", "wrong")

    assert (503, "5") == (response.status_code, response.headers["Retry-After"])
    assert [(1,)] == world.query("SELECT count(*) FROM attempt WHERE count > 0")  # of the event below


def test_full_queue_is_told_once(world, app, clock):
    """The row lasts though the request fails; of a flood one row is enough, wherever it comes from."""
    app.extensions["idp.slots.people"] = passwords.Slots(0, 0, 0)
    for n in range(5):
        assert 503 == world.browser(f"192.0.2.{n}").login("anna", "wrong").status_code

    facts = {"purpose": "people", "reason": "the queue for password hashing is full"}
    assert [("kdf.queue_full", facts)] == world.query("SELECT kind, facts FROM security_event")
    clock.advance(minutes=5, seconds=1)
    assert 503 == world.browser().login("anna", "wrong").status_code
    assert ["kdf.queue_full"] * 2 == world.events()
