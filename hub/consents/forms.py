"""The two forms of a consent given in person: the receipt number that was brought, then who said what."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hub.consents.models import Means
from hub.consents.services import Outline

AGREES, REFUSES = "agree", "refuse"


class FindForm(forms.Form):
    """Which filing."""

    receipt_no = forms.CharField(
        label=_("Receipt number"),
        max_length=20,
        help_text=_("The person at the counter has it from who filed."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_receipt_no(self) -> str:
        """As it is printed, however it was typed."""
        return str(self.cleaned_data["receipt_no"]).strip().upper()


class RecordForm(forms.Form):
    """Who, identified how, and the answer; nothing is chosen beforehand."""

    receipt_no = forms.CharField(widget=forms.HiddenInput)
    person = forms.ChoiceField(label=_("Who is at the counter"), widget=forms.RadioSelect)
    means = forms.ChoiceField(label=_("Means of identification"), choices=Means.choices, widget=forms.RadioSelect)
    answer = forms.ChoiceField(
        label=_("Answer"),
        choices=[(AGREES, _("agrees to this filing")), (REFUSES, _("does not agree"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, outlines: list[Outline], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = [(str(one.request.pk), name_of(one)) for one in outlines]
        self.fields["person"].choices = people  # type: ignore[attr-defined]


def name_of(outline: Outline) -> str:
    """Whom to look for in the document that is shown."""
    if outline.mover is None:
        return str(_("%(name)s (head of the household that is joined)") % {"name": outline.head_name})
    return f"{outline.mover.full_name}　{outline.born}".strip()
