"""Attempt counters in PostgreSQL, shared by all processes: guessing is limited, the owner never locked out.

A limit is one or more windows, each so many attempts in so many seconds, that slide second by second. An attempt is
counted before it is judged, so that parallel ones cannot slip through, and given back when it was right. A refused
attempt is not counted: a lock ends when it should, however often somebody knocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any

from sqlalchemy import TIMESTAMP, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from idp import audit
from idp.context import keys, now
from idp.db import Model, db


class Attempt(Model):
    """How often something was tried in one second; the key is an HMAC, so the table names nobody.

    The key's first half says what is limited, its second half what is counted once only (zeros where all counts).
    """

    __tablename__ = "attempt"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    bucket: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True), primary_key=True, index=True)
    count: Mapped[int] = mapped_column(default=1)


@dataclass(frozen=True)
class Window:
    """At most so many attempts in so many seconds; once that is passed, still one in `slow` seconds where it is set."""

    most: int
    seconds: int
    slow: int = 0


@dataclass(frozen=True)
class Limit:
    """A name and its windows; a silent one is answered like a wrong credential, so the attempt counts elsewhere."""

    name: str
    windows: tuple[Window, ...]
    silent: bool = False


@dataclass(frozen=True)
class Counter:
    """Who or what is limited; with `once`, each value of it counts once in a window (different names, say)."""

    limit: Limit
    subject: str
    once: str = ""

    @cached_property
    def key(self) -> bytes:
        """The key of its rows."""
        head = _mac(self.limit.name, self.subject)
        return head + (_mac(self.limit.name, self.subject, self.once) if self.once else bytes(16))


@dataclass(frozen=True)
class Taken:
    """An attempt: admitted where `refused` is empty."""

    at: datetime
    counted: tuple[Counter, ...] = ()
    refused: frozenset[Limit] = frozenset()
    retry_after: int = 0  # seconds

    def give_back(self) -> None:
        """The attempt was right, or was never judged: it does not count."""
        _add(self.counted, self.at, -1)

    def succeed(self, event: dict[str, Any], *, forget: Counter | None) -> None:
        """As `give_back`; nor do earlier attempts of `forget` count, and the event (`audit.values`) is recorded."""
        counted = [counter for counter in self.counted if counter != forget]
        values = {**_values(counted, self.at, -1), **event, "forget": forget.key if forget else None}
        with db.hot() as cursor:
            cursor.execute(_SUCCEED, values)


def take(*counters: Counter) -> Taken:
    """Count an attempt wherever it is within the limits; where it is not, it counts nowhere, or only there (silent)."""
    at = now()
    refused, retry_after = _over(counters, at, counted=0)
    counted = _within(counters, refused)
    if not counted:
        return Taken(at, (), refused, retry_after)
    _add(counted, at, 1)
    # Again, now that all parallel attempts are counted: of a hundred at once only the permitted ones go on.
    late, later = _over(counted, at, counted=1)
    if late:
        kept = _within(counted, late)
        _add([counter for counter in counted if counter not in kept], at, -1)
        counted = kept
    return Taken(at, tuple(counted), refused | late, max(retry_after, later))


def record(limit: Limit, subject: str, **facts: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write the security event that the limit is named after, while it has room: anybody may cause these without end.

    At once: the refusal that it tells of may roll back whatever else the request did.
    """
    if not take(Counter(limit, subject)).refused:
        audit.at_once(limit.name, **facts)


def network(address: str) -> str:
    """What one household or server has: an IPv4 address, or an IPv6 /64."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)


def _within(counters: Sequence[Counter], refused: frozenset[Limit]) -> list[Counter]:
    if any(not limit.silent for limit in refused):
        return []
    return [counter for counter in counters if counter.limit not in refused]


# `%()b`, binary: psycopg writes arrays of bytes as text with a regular expression, which doubles the cost.
_ADD = """
    INSERT INTO attempt (key, bucket, count)
    SELECT key, %(bucket)s, greatest(%(by)s, 0) FROM unnest(%(keys)b::bytea[]) AS key ORDER BY key
    ON CONFLICT (key, bucket) DO UPDATE SET count = attempt.count + %(by)s
"""
_SUCCEED = f"WITH told AS ({audit.EVENT}), forgotten AS (DELETE FROM attempt WHERE key = %(forget)s) {_ADD}"  # noqa: S608


def _add(counters: Sequence[Counter], at: datetime, by: int) -> None:
    if counters:
        with db.hot() as cursor:
            cursor.execute(_ADD, _values(counters, at, by))


def _values(counters: Sequence[Counter], at: datetime, by: int) -> dict[str, Any]:
    return {"keys": [counter.key for counter in counters], "bucket": at.replace(microsecond=0), "by": by}


# One row for each span, in their order: attempts, different keys, the oldest of them.
_TOTALS = """
    SELECT coalesce(sum(a.count), 0)::int, count(DISTINCT a.key)::int, min(a.bucket)
      FROM unnest(%(low)b::bytea[], %(high)b::bytea[], %(since)b::timestamptz[])
           WITH ORDINALITY AS span (low, high, since, n)
      LEFT JOIN attempt a ON a.key BETWEEN span.low AND span.high AND a.bucket > span.since AND a.count > 0
     GROUP BY n ORDER BY n
"""


def _over(counters: Sequence[Counter], at: datetime, counted: int) -> tuple[frozenset[Limit], int]:
    """Which limits have no room for this attempt (`counted`: 1 if it is in the table already), and for how long."""
    windows = [(counter, window) for counter in counters for window in counter.limit.windows]
    found = _totals(windows, at)
    refused, retry_after = set(), 0
    for counter, window in windows:
        whole, recent = (found[counter.key, seconds] for seconds in _spans(window))
        total, latest = (row[1] if counter.once else row[0] for row in (whole, recent))
        if total - counted >= window.most and (not window.slow or latest - counted >= 1):
            refused.add(counter.limit)
            oldest, seconds = (recent[2], window.slow) if window.slow else (whole[2], window.seconds)
            retry_after = max(retry_after, ceil((oldest + timedelta(seconds=seconds) - at).total_seconds()), 1)
    return frozenset(refused), retry_after


def _totals(windows: Sequence[tuple[Counter, Window]], at: datetime) -> dict[tuple[bytes, int], tuple[Any, ...]]:
    """A row of _TOTALS for each key and number of seconds."""
    spans = list(dict.fromkeys((counter.key, seconds) for counter, window in windows for seconds in _spans(window)))
    asked = {
        "low": [key[:16] + bytes(16) for key, _ in spans],
        "high": [key[:16] + b"\xff" * 16 for key, _ in spans],
        "since": [at - timedelta(seconds=seconds) for _, seconds in spans],
    }
    with db.hot() as cursor:
        return dict(zip(spans, cursor.execute(_TOTALS, asked), strict=True))


def _spans(window: Window) -> tuple[int, int]:
    """The whole of it, and the last `slow` seconds, in seconds."""
    return window.seconds, window.slow or window.seconds


def _mac(*parts: str) -> bytes:
    # A new key, each 90 days, begins all counts anew; who waits for that gains one window.
    return keys().mac("limits", "\0".join(parts).encode())[1][:16]
