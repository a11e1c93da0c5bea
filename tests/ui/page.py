"""Reads a page as a test needs it: elements with their attributes and text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_INLINE = {"a", "b", "bdi", "button", "code", "span", "wbr"}
_VOID = {"img", "meta", "link", "input", "br", "wbr", "use"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As a screen reader says it: without what is hidden from it."""
        return " ".join("".join(self.parts).split())

    def __getitem__(self, name: str) -> str | None:
        return self.attributes[name]

    def __contains__(self, name: str) -> bool:
        return name in self.attributes


class Page(HTMLParser):
    """The elements of an answer, in order; an element that is not closed in its turn fails the test."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: list[Element] = []
        self.tokens: dict[str | None, str | None] = {}  # by the action of their form; None: posted back to the page
        self._open: list[Element] = []
        self.feed(html)
        assert [] == self._open

    def handle_starttag(self, tag, attrs):
        if tag not in _INLINE:
            self.handle_data(" ")
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if element.attributes.get("name") == "csrf_token":
            form = next(outer for outer in self._open if outer.tag == "form")
            self.tokens[form.attributes.get("action")] = element["value"]
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop().tag == tag

    def handle_data(self, data):
        if not any(element.attributes.get("aria-hidden") == "true" for element in self._open):
            for element in self._open:
                element.parts.append(data)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of a tag with these attributes; a trailing underscore in a name is dropped (`class_`)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [e for e in self.elements if e.tag == tag and wanted.items() <= e.attributes.items()]

    def one(self, tag: str, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]

    @property
    def text(self) -> str:
        return self.one("html").text

    @property
    def heading(self) -> str:
        return self.one("h1").text
