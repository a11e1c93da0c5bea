"""Attempt counters: exact, sliding, shared, and never longer than they say."""

from concurrent.futures import ThreadPoolExecutor

from idp import limits
from idp.limits import Counter, Limit, Window

FIVE = Limit("five", (Window(5, 60),))
SLOW = Limit("slow", (Window(3, 60, slow=10), Window(6, 3600)), silent=True)
OPEN = Limit("open", (Window(2, 60),))


def take(app, *counters):
    with app.app_context():
        return limits.take(*counters)


def test_window_slides(app, clock):
    """Room comes back attempt by attempt, as each leaves the window."""
    counter = Counter(FIVE, "a")
    for _ in range(5):
        assert not take(app, counter).refused
        clock.advance(seconds=10)

    assert 10 == take(app, counter).retry_after
    clock.advance(seconds=10)
    assert not take(app, counter).refused
    assert {FIVE} == take(app, counter).refused


def test_refused_attempts_do_not_prolong(app, clock):
    """However often somebody knocks, the lock ends when it said it would."""
    counter = Counter(FIVE, "a")
    for _ in range(5):
        take(app, counter)
    for _ in range(59):
        assert take(app, counter).refused
        clock.advance(seconds=1)
    clock.advance(seconds=1)

    assert not take(app, counter).refused


def test_slow_mode_then_hard_limit(app, clock):
    """Past the first window one attempt in ten seconds; past the second none."""
    counter = Counter(SLOW, "a")
    admitted = []
    for second in range(60):
        if not take(app, counter).refused:
            admitted.append(second)
        clock.advance(seconds=1)

    assert [0, 1, 2, 12, 22, 32] == admitted


def test_parallel_attempts_do_not_slip_through(app):
    """Of forty attempts at once no more are admitted than the limit allows."""
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(app, Counter(FIVE, "a")), range(40)))

    assert 1 <= sum(not each.refused for each in taken) <= 5


def test_given_back_attempts_do_not_count(app):
    """A right password is no failure."""
    for _ in range(20):
        taken = take(app, Counter(FIVE, "a"))
        assert not taken.refused
        with app.app_context():
            taken.give_back()


def test_different_values_count_once(app):
    """Twenty tries of one name are one name."""
    for name in ["x", "x", "x", "y"]:
        assert not take(app, Counter(OPEN, "a", once=name)).refused

    assert {OPEN} == take(app, Counter(OPEN, "a", once="z")).refused
    assert not take(app, Counter(OPEN, "b", once="z")).refused


def test_given_back_values_do_not_count(app):
    """The names of people who signed in are not those of a sprayer."""
    for name in ["x", "y", "z"]:
        taken = take(app, Counter(OPEN, "a", once=name))
        assert not taken.refused
        with app.app_context():
            taken.give_back()


def test_silent_refusal_counts_elsewhere_and_open_nowhere(app, world):
    """A silently refused attempt still counts against its address; an openly refused one counts nowhere."""
    for _ in range(3):
        take(app, Counter(SLOW, "a"))
    assert {SLOW} == take(app, Counter(SLOW, "a"), Counter(OPEN, "h")).refused
    take(app, Counter(OPEN, "h"))
    assert {OPEN} == take(app, Counter(SLOW, "b"), Counter(OPEN, "h")).refused

    assert [(5,)] == world.execute("SELECT sum(count)::int FROM attempt")


def test_table_names_nobody(app, world):
    """Keys are HMACs; a reader of the table learns no name and no address."""
    take(app, Counter(FIVE, "anna@example.com"))

    ((key,),) = world.execute("SELECT key FROM attempt")
    assert 32 == len(key)
    assert b"anna" not in key
