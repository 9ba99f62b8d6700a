"""The kinds of field the citizen's form is made of, and how a page groups them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from hub.citizens.options import Options
from hub.relocations.checks import TEXT
from hub.words import Words

Choices = Options | Callable[[], Options]
DATES = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]


def text(label: Words, hint: Words = "", *, required: bool = False, width: str = "", **attrs: str) -> forms.CharField:
    """One line. What is typed is kept: never stripped, for a name is as it is."""
    widget = forms.TextInput(attrs={"maxlength": str(TEXT), "class": width, **attrs})
    return forms.CharField(label=label, help_text=hint, required=required, strip=False, max_length=TEXT, widget=widget)


def lines(label: Words, hint: Words = "", rows: int = 4) -> forms.CharField:
    """Several lines; a browser ends them with CR LF, the filing with LF."""
    widget = forms.Textarea(attrs={"rows": str(rows), "maxlength": str(TEXT)})
    return Lines(label=label, help_text=hint, required=False, strip=False, max_length=TEXT, widget=widget)


class Lines(forms.CharField):
    """A text of several lines."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


def number(label: Words, *, largest: int, **attrs: str) -> forms.IntegerField:
    """A small number, typed: in any width of digits."""
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "short", **attrs})
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=largest, widget=widget)


def day(label: Words, hint: Words = "", *, required: bool = False) -> forms.DateField:
    """A day by the browser's own calendar; where it has none, it can be typed."""
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "medium"})
    return forms.DateField(label=label, help_text=hint, required=required, input_formats=DATES, widget=widget)


class Opening(forms.Select):
    """A list that opens; written in one piece, since Django's own renders a template for each of 250 countries."""

    template_name = "citizens/select.html"


def choice(label: Words, choices: Choices, hint: Words = "", *, required: bool = False) -> forms.ChoiceField:
    """One of a list that opens."""
    return forms.ChoiceField(label=label, help_text=hint, required=required, choices=choices, widget=Opening)


def radio(label: Words, choices: Choices, hint: Words = "") -> forms.ChoiceField:
    """One of a few, all of them in sight; one must be chosen."""
    return forms.ChoiceField(label=label, help_text=hint, choices=choices, widget=forms.RadioSelect)


def tick(label: Words, hint: Words = "") -> forms.BooleanField:
    """Yes, when it is ticked."""
    return forms.BooleanField(label=label, help_text=hint, required=False)


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one heading: in a row when they are parts of one answer, folded when few need them."""

    legend: Words
    fields: tuple[str, ...]
    hint: Words = ""
    row: bool = False
    folded: bool = False
    must: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A group with the fields as they stand."""

    group: Group
    fields: list[BoundField]

    @property
    def is_open(self) -> bool:
        """Whether something stands in a folded group that must be seen."""
        return any(field.errors or field.value() for field in self.fields)


class PageForm(forms.Form):
    """Fields of one page. Whether an answer is needed is the server's to say: going back needs none."""

    use_required_attribute = False
    groups: ClassVar[tuple[Group, ...]] = ()
    #: Buttons beside a field: what is sent, and what is written on it.
    buttons: ClassVar[Mapping[str, tuple[str, Words]]] = {}
    #: Fields that must be answered though the field alone cannot tell.
    needed: ClassVar[frozenset[str]] = frozenset()

    def leave_out(self, *names: str) -> None:
        """Take out questions that this kind of filing does not need."""
        for name in names:
            del self.fields[name]

    def typed(self, name: str) -> str:
        """What was typed so far, valid or not."""
        return str(self.data.get(self.add_prefix(name), ""))

    def sections(self) -> Iterator[Section]:
        """The groups in order, for the template; a field the form took out is left out."""
        for group in self.groups:
            fields = [self[name] for name in group.fields if name in self.fields]
            for field in fields:
                self._equip(field)
            if fields:
                yield Section(group, fields)

    def _equip(self, field: Any) -> None:
        """Give the template what it shows beside a field."""
        button = self.buttons.get(field.name)
        field.button = (button[0].format(prefix=self.prefix), button[1]) if button else None
        field.must = field.field.required or field.name in self.needed

    def need(self, name: str, message: Words | None = None) -> None:
        """Say that this answer is missing."""
        if name not in self.errors:
            self.add_error(name, str(message or _("Please answer this.")))

    def complained(self, name: str) -> bool:
        """Whether this field, or another part of the same answer, has a complaint already."""
        group = next((group.fields for group in self.groups if group.row and name in group.fields), (name,))
        return any(part in self.errors for part in group)
