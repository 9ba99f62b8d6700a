"""The form that sets a measure: for a mover of a filing by number, or for a resident by name, birth date and sex."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub.actors import Actor
from hub.protection import services
from hub.protection.models import Measure
from municipalities.notice import Mover, Sex, UncertainDate


def in_a_year() -> Any:
    """The last day of the usual term."""
    return timezone.localdate() + timedelta(days=364)


class SetForm(forms.Form):
    """Nothing of a resident is kept but a keyed hash. There is no field for a reason, nor for anybody else."""

    receipt_no = forms.CharField(label=_("Receipt number"), required=False, max_length=14)
    ordinal = forms.IntegerField(label=_("Number of the mover"), required=False, min_value=1, max_value=99)
    full_name = forms.CharField(label=_("Full name, as registered"), required=False, max_length=100, strip=False)
    born = forms.DateField(
        label=_("Date of birth"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    sex = forms.ChoiceField(
        label=_("Sex"),
        choices=[("", "—"), (Sex.MALE.value, _("male")), (Sex.FEMALE.value, _("female"))],
        required=False,
    )
    contact_office = forms.CharField(
        label=_("Contact office"),
        max_length=100,
        help_text=_("Whom other municipalities ask: an office, never a person."),
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        initial=in_a_year,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("One year as a rule. Afterwards the protection stays until two clerks end it."),
    )
    provisional = forms.BooleanField(label=_("Provisional (仮支援措置)"), required=False)

    def clean(self) -> dict[str, Any]:
        """One of the two ways."""
        answers: dict[str, Any] = super().clean() or self.cleaned_data
        filed = bool(answers.get("receipt_no") and answers.get("ordinal"))
        known = bool(answers.get("full_name") and answers.get("born"))
        if filed == known:
            raise forms.ValidationError(
                gettext("Give a receipt number with the mover's number, or name and birth date; not both.")
            )
        return answers

    def set(self, clerk: Actor) -> Measure:
        """Set the measure; raises ``Refusal`` as the services do."""
        answers = self.cleaned_data
        terms = {name: answers[name] for name in ("contact_office", "expires_on", "provisional")}
        if answers["receipt_no"]:
            number = answers["receipt_no"].strip().upper()
            return services.set_for_filed(clerk, number, answers["ordinal"], **terms)
        born = answers["born"]
        person = Mover(
            ordinal=1,
            full_name=answers["full_name"],
            date_of_birth=UncertainDate(year=born.year, month=born.month, day=born.day),
            sex=Sex(answers["sex"]),
        )
        return services.set_for_resident(clerk, person, **terms)
