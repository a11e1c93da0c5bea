"""Every page in every language: what the person chose, what the client asked for, what the browser prefers."""

from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from consent_ui.languages import CATALOGUES, LANGUAGES
from tests.ui.page import Page

WORDS = {"en": "Sign in", "nb": "Logg inn", "ar": "تسجيل الدخول"}


@pytest.mark.parametrize(
    ("chosen", "asked", "accepted", "spoken"),
    [
        ("", (), "", "en"),
        ("", (), "de, nb-NO;q=0.8, en;q=0.5", "nb"),
        ("", (), "no", "nb"),
        ("", (), "ar;q=0, xx", "en"),
        ("", ("fr", "ar-EG"), "nb", "ar"),
        ("nb", ("ar",), "en", "nb"),
        ("xx nn_NO", ("ar",), "en", "nb"),
        ("xx", (), "ar", "ar"),
    ],
)
def test_the_page_speaks(visitor, provider, chosen, asked, accepted, spoken):
    provider.waits("login", ui_locales=asked)
    answer = visitor.get("/signin/h1", query_string={"ui_locales": chosen}, headers={"Accept-Language": accepted})
    page = Page(answer.text)

    assert WORDS[spoken] == page.heading
    assert spoken == page.one("html")["lang"]
    assert ("rtl" if spoken == "ar" else "ltr") == page.one("html")["dir"]


def test_the_menu_offers_the_others(visitor, provider):
    """In their own words; what else stands in the address stays."""
    provider.waits("company")
    page = Page(visitor.get("/signin/h1/company?q=a+b").text)

    assert [("?q=a+b&ui_locales=nb", "nb", "Norsk bokmål"), ("?q=a+b&ui_locales=ar", "ar", "العربية")] == [
        (link["href"], link["lang"], link.text) for link in page.all("a") if "hreflang" in link
    ]


def test_a_choice_lasts_through_the_sign_in(visitor, fill, provider):
    """It travels in our own addresses, and never to the client."""
    following = fill("/signin/h1?ui_locales=nb", identifier="ada", password="a long pass phrase")
    provider.waits("consent")
    turned = visitor.get("/signin/h1?ui_locales=nb")
    finished = fill("/signin/h1/consent?ui_locales=nb", decision="allow")

    assert "/signin/h1/next?ui_locales=nb" == following.location
    assert "/signin/h1/consent?ui_locales=nb" == turned.location
    provider.somebody = False
    asked = visitor.get("/account?ui_locales=nb")

    assert "/signin/h1?ui_locales=nb" == asked.location
    assert "https://app.kelda.example/callback?code=x" == finished.location


def catalogue(language: str) -> Catalog:
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def said() -> set[object]:
    """Every message of templates and code."""
    found = extract_from_dir(
        CATALOGUES.parent,
        [("**.py", "python"), ("templates/**.html", "jinja2")],
        keywords={"_": None, "_l": None, "ngettext": (1, 2)},
    )
    return {message for _file, _line, message, _comments, _context in found}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_message_is_translated_and_used(language):
    messages = [message for message in catalogue(language) if message.id]

    assert said() == {message.id for message in messages}
    assert [] == [m.id for m in messages if m.fuzzy or not all([m.string] if isinstance(m.string, str) else m.string)]
    assert [] == [m.id for m in messages if list(m.check(catalogue(language)))]


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_the_compiled_catalogue_is_the_written_one(language):
    """After an edit: pybabel compile -d consent_ui/translations."""
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))

    assert compiled.getvalue() == (CATALOGUES / language / "LC_MESSAGES" / "messages.mo").read_bytes()
