"""Which language a page speaks: what the person chose, else what the client asked for, else the browser's.

After a change of words, in this folder:
`pybabel extract -F translations/babel.cfg -k _l --no-location --sort-output -o /tmp/messages.pot .`,
`pybabel update -w 110 -i /tmp/messages.pot -d translations`, and `pybabel compile -d translations`.
A test compares words, catalogues and what was compiled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, g, request
from flask_babel import Babel, get_locale

CATALOGUES = Path(__file__).parent / "translations"

# In their own words, in the order of the menu; the first is what the messages are written in.
LANGUAGES = {"en": "English", "nb": "Norsk bokmål", "ar": "العربية"}
# Norwegian tags without a catalogue of their own: whoever asks for them reads Bokmål.
_READS = {"no": "nb", "nn": "nb"}


@dataclass(frozen=True)
class Link:
    """An entry of the language menu."""

    code: str
    name: str
    address: str


def start(app: Flask) -> None:
    """Give the app its catalogues and the choice below."""
    Babel(app, default_translation_directories=str(CATALOGUES), locale_selector=choose)


def choose() -> str:
    """`ui_locales` in the address (the menu writes it), then the client's, then Accept-Language (RFC 9110 §12.5.4)."""
    accepted = [tag for tag, quality in request.accept_languages if quality > 0]
    wishes = (request.args.get("ui_locales", "").split(), g.get("ui_locales", ()), accepted)
    return next((found for tags in wishes if (found := _first(tags))), "en")


def _first(tags: Iterable[str]) -> str | None:
    """The first tag (BCP 47) that we have words for; `nb-NO` and `nb_NO` are served by `nb`."""
    for tag in tags:
        language = tag.replace("_", "-").partition("-")[0].lower()
        language = _READS.get(language, language)
        if language in LANGUAGES:
            return language
    return None


def current() -> str:
    """The page's language, for `lang`."""
    return str(get_locale() or "en")


def direction() -> str:
    """`ltr` or `rtl`, for `dir`."""
    locale = get_locale()
    return locale.text_direction if locale else "ltr"


def menu() -> list[Link]:
    """The same page in every language; what else stands in its address stays."""
    kept = {name: values for name, values in request.args.to_dict(flat=False).items() if name != "ui_locales"}
    return [
        Link(code, name, f"?{urlencode({**kept, 'ui_locales': code}, doseq=True)}") for code, name in LANGUAGES.items()
    ]
