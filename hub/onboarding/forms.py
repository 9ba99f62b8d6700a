"""What the page of an onboarding asks, step by step."""

import json
import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from hub.shadow.admin import layouts
from municipalities import standard as standards
from municipalities import transports
from municipalities.errors import RefusedError
from municipalities.models import AT_ONCE, Connection, GaijiTable

NAME = "[a-z][a-z0-9_]*"
#: What the answers of a system that exchanges files may say.
RIGHT = Connection._meta.get_field("sets_protection")
#: Bytes of a report.
LARGEST = 1_000_000


def choices() -> Iterator[tuple[str, str]]:
    """Every record standard, after nothing."""
    yield "", "—"
    yield from layouts()


class LayoutForm(forms.Form):
    """Which record standard."""

    standard = forms.ChoiceField(label=_("record standard"), choices=choices)
    gaiji = forms.ModelChoiceField(GaijiTable.objects.all(), label=_("gaiji table"), required=False, empty_label="—")

    def clean(self) -> dict[str, Any]:
        """The standard takes the gaiji table, if there is one."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        name, table = answers.get("standard"), answers.get("gaiji")
        if name and table:
            try:
                standards.load(name, table.value())
            except ValueError as error:
                why = gettext("This standard cannot use the table: %(why)s.") % {"why": error}
                raise ValidationError({"gaiji": why}) from error
        return answers


class DraftForm(forms.Form):
    """A file of the vendor's from which a standard is drafted."""

    name = forms.RegexField(
        NAME,
        label=pgettext_lazy("standard", "name"),
        max_length=60,
        help_text=_("Small letters, digits and underscores."),
    )
    base = forms.ChoiceField(label=_("variant of"), choices=choices, required=False)
    file = forms.FileField(
        label=_("header, sample or layout sheet"),
        help_text=_("Invented records only: no data of real persons."),
    )

    def clean_name(self) -> str:
        """A name that is free."""
        name: str = self.cleaned_data["name"]
        if not re.fullmatch(NAME, name) or name in standards.names():
            raise ValidationError(gettext("There is a standard of this name already: take another name."))
        return name


class AddressForm(forms.Form):
    """Where its system is told."""

    address = forms.CharField(
        label=pgettext_lazy("connection", "address"),
        max_length=500,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_(
            "https://… is pushed to, pull: fetches by itself, folder:… and sftp://user@host/folder?hostkey=SHA256:… "
            "exchange files."
        ),
    )
    concurrency = forms.IntegerField(label=_("at once"), min_value=1, max_value=AT_ONCE, initial=4)
    sets_protection = forms.BooleanField(label=RIGHT.verbose_name, help_text=RIGHT.help_text, required=False)

    def clean(self) -> dict[str, Any]:
        """The right is given here to a system that exchanges files alone."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        scheme = answers.get("address", "").partition(":")[0]
        if answers.get("sets_protection") and scheme and scheme not in transports.FILES:
            text = gettext(
                "Only where files are exchanged: the client of another system is given the scope «protection»."
            )
            raise ValidationError({"sets_protection": text})
        return answers

    def clean_address(self) -> str:
        """One that a transport could use."""
        address: str = self.cleaned_data["address"]
        try:
            transports.find(address)
        except RefusedError as error:
            text = gettext("No transport can use this address: %(why)s.")
            raise ValidationError(text % {"why": error.detail}) from error
        return address


class KitForm(forms.Form):
    """The kit, run by the hub."""

    books = forms.URLField(
        label=_("where it shows its books"),
        required=False,
        assume_scheme="https",
        help_text=_(
            "An address of the test system that says as JSON what it holds; without it some checks are not made."
        ),
    )


class ReportForm(forms.Form):
    """A report that the vendor made."""

    report = forms.FileField(label=_("report (JSON)"))

    def clean_report(self) -> Any:
        """What the file says."""
        file = self.cleaned_data["report"]
        if file.size > LARGEST:
            raise ValidationError(gettext("This is no report of the kit."))
        try:
            return json.loads(file.read())
        except ValueError as error:
            raise ValidationError(gettext("This is no report of the kit.")) from error


class LiveForm(forms.Form):
    """From when on."""

    day = forms.DateField(label=_("first day"), widget=AdminDateWidget())
    reason = forms.CharField(
        label=_("reason to go live below the needed conformance grade"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"size": 60}),
        help_text=_("It is kept in the audit."),
    )
