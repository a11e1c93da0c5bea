"""Figures, dates and reasons in plain words."""

import mimetypes
import zlib
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from flask import Flask
from markupsafe import Markup

from resource_server.policy import Layer

KINDS: Final = {
    "text/csv": "CSV",
    "text/plain": "Text",
    "text/markdown": "Markdown",
    "application/json": "JSON",
    "application/pdf": "PDF",
    "application/octet-stream": "File",
    "application/vnd.apache.parquet": "Parquet",
}

# What the token lets through: [refused, allowed].
_OF_TOKENS: Final = {
    "scope": ("You have not allowed the portal to do this", "You have allowed the portal to do this"),
    "authorization_details": (
        "Your sign-in is limited to other datasets or actions",
        "Your sign-in is not limited to other datasets or actions",
    ),
}

# What is said of a person: [you, somebody else].
_OF_PEOPLE: Final = {
    "belongs to the company": ("belong to the company", "belongs to the company"),
    "does not belong to the company": ("do not belong to the company", "does not belong to the company"),
    "owns the dataset": ("own the dataset", "owns the dataset"),
}
_OF_SHARES: Final = {
    "open to the whole company": "it is open to the whole company",
    "shared to read": "it is shared to read",
    "shared to modify": "it is shared to read and change",
}


def register(app: Flask) -> None:
    """Let the templates use them."""
    for filter_ in (size, kind, day, moment, end, last_day, hour, sentence, initials, tint):
        app.add_template_filter(filter_)


def size(count: int) -> str:
    """Bytes as people read them: "1.2 MB"."""
    for unit, bytes_ in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= bytes_:
            return f"{count / bytes_:.1f} {unit}".replace(".0 ", " ")
    return f"{count} byte{'' if count == 1 else 's'}"


def kind(media_type: str) -> str:
    """A media type as a word, where there is one."""
    plain = media_type.partition(";")[0].strip().lower()
    return KINDS.get(plain, plain)


def extension(media_type: str) -> str:
    """How the name of a file of this type ends, or nothing."""
    return mimetypes.guess_extension(media_type.partition(";")[0].strip()) or ""


def day(value: date) -> str:
    """24 November 2026."""
    return f"{value.day} {value:%B} {value.year}"


def moment(value: datetime) -> str:
    """24 November 2026, 10:38 UTC."""
    return f"{day(value.astimezone(UTC))}, {value.astimezone(UTC):%H:%M} UTC"


def end(value: datetime | None) -> str:
    """When a share ends: its last day, or to the minute where it ends within a day."""
    if value is None:
        return "Never"
    return f"{day(last_day(value))}, {hour(value)}" if hour(value) else day(last_day(value))


def hour(value: datetime) -> str:
    """10:38 UTC; nothing at midnight, where a day says it all."""
    return "" if value.astimezone(UTC).time() == time(0) else f"{value.astimezone(UTC):%H:%M} UTC"


def last_day(value: datetime) -> date:
    """The last day on which a share that ends then holds, UTC."""
    return (value.astimezone(UTC) - timedelta(microseconds=1)).date()


def end_of(last: date) -> datetime:
    """The first moment after that day, UTC."""
    return datetime.combine(last + timedelta(days=1), time(0), UTC)


def sentence(layer: Layer, name: str | None = None) -> str:
    """A layer of a decision without its full stop, as people read it: a token is none of their words.

    Args:
        layer: of the decision.
        name: whom it is about; None: whoever reads it.
    """
    if (said := _OF_TOKENS.get(layer.layer)) is not None:
        return said[layer.allowed]
    if (about := _OF_PEOPLE.get(layer.detail)) is not None:
        return f"You {about[0]}" if name is None else Markup("<bdi>{}</bdi> {}").format(name, about[1])
    words = layer.detail.replace("data_owner", "data owner").replace("may modify", "may change")
    words = _OF_SHARES.get(layer.detail, words)
    return words[:1].upper() + words[1:]


def initials(name: str) -> str:
    """At most two letters for a tile: the provider's pages show the same ones."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def tint(text: str) -> str:
    """One of six tints, always the same for the same text."""
    return "abcdef"[zlib.crc32(text.encode()) % 6]
