"""A browser without scripts: reads the form of a page, keeps what stands in it, and presses a button."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.test import Client


@dataclass
class Page(HTMLParser):
    """What one page says and asks: the form's fields with their values, the buttons and the visible text."""

    source: str
    values: dict[str, str] = field(default_factory=dict)
    options: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    described: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    title: str = ""
    action: str = "/file/"

    def __post_init__(self) -> None:
        super().__init__()
        self._select = self._area = self._tag = ""
        self.feed(self.source)

    @property
    def text(self) -> str:
        """Everything that can be read."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._tag = tag
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "form" and found.get("id") == "filing":
            self.action = found["action"]
        if tag == "a":
            self.links.append(found.get("href", ""))
        name = found.get("name", "")
        if name and tag in ("input", "select", "textarea"):
            self._field(tag, name, found)
        if tag == "button" and name == "go":
            self.buttons.append(found.get("value", ""))
        if tag == "option" and self._select:
            self.options[self._select].append(found.get("value", ""))
            if "selected" in found:
                self.values[self._select] = found.get("value", "")

    def _field(self, tag: str, name: str, found: dict[str, str]) -> None:
        self.described[name] = found.get("aria-describedby", "")
        kind = found.get("type", tag)
        if kind in ("radio", "checkbox"):
            self.options.setdefault(name, []).append(found.get("value", "on"))
            if "checked" in found:
                self.values[name] = found.get("value", "on")
        elif tag == "select":
            self._select, self.options[name] = name, []
            self.values[name] = ""
        else:
            self._area = name if tag == "textarea" else ""
            self.values[name] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self._area = ""
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            # A browser drops the line end that follows the tag.
            self.values[self._area] += data.removeprefix("\n")
        elif self._tag == "title":
            self.title += data
        elif self._tag not in ("script", "style"):
            self.words.append(data)


class Visitor:
    """Somebody at the citizen's pages."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answer: Any = None
        self.page = Page("")

    def open(self, path: str) -> Page:
        """Open a page."""
        return self.see(self.client.get(path))

    def fill(self, **answers: str) -> None:
        """Type or choose; what the page does not ask, nobody can answer."""
        for name, value in answers.items():
            name = name.replace("__", "-")
            assert name in self.page.values or name in self.page.options, f"the page has no {name}"
            if name in self.page.options and value:
                assert value in self.page.options[name], f"{name} does not offer {value}"
            self.page.values[name] = value

    def press(self, button: str = "next", **answers: str) -> Page:
        """Fill in and press a button of the form."""
        self.fill(**answers)
        assert button in self.page.buttons, f"no button {button}"
        return self.see(self.client.post(self.page.action, self.page.values | {"go": button}))

    def see(self, answer: Any) -> Page:
        """Look at what was answered."""
        self.answer = answer
        self.page = Page(answer.content.decode())
        return self.page
