"""The page of the addresses: from where to where, and what lies before this move and is not registered yet."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from hub.citizens import options, places
from hub.citizens.fields import Group, PageForm, choice, lines, text
from hub.words import Words
from municipalities.notice import Kind


class AddressForm(PageForm):
    """One address: found by its postal code, or chosen by prefecture and municipality."""

    postal_code = text(_("Postal code"), _("7 digits, with or without a hyphen"), inputmode="numeric", width="medium")
    candidate = choice(_("Several places have this postal code: choose yours"), [])
    prefecture = choice(_("Prefecture"), options.prefectures)
    municipality = choice(_("Municipality"), [])
    town = text(_("Town"), _("for example 霞が関"))
    block = text(_("Block and number"), _("for example 2丁目1番2号"))
    building = text(_("Building and room"))
    country = choice(_("Country"), options.countries_abroad)
    abroad = lines(_("Address abroad"), _("As it is written there, in Latin letters if possible."), rows=3)

    buttons: ClassVar = {
        "postal_code": ("find:{prefix}", _("Find address")),
        "candidate": ("find:{prefix}", _("Use this place")),
        "prefecture": ("choose:{prefix}", _("Show municipalities")),
    }
    needed = frozenset({"prefecture", "municipality"})
    TITLES: ClassVar = {"old": _("Old address"), "new": _("New address"), "same": _("Address")}
    ABROAD = ("country", "abroad")
    ORDER = ("postal_code", "candidate", "prefecture", "municipality", "town", "block", "building")

    def __init__(self, *args: Any, kind: str = options.MOVE, fixed: bool = False, **kwargs: Any) -> None:
        """``fixed``: the municipality stays as it was filed."""
        super().__init__(*args, **kwargs)
        side = str(self.prefix)
        self.is_abroad = (kind, side) in ((Kind.OVERSEAS_IN, "old"), (Kind.OVERSEAS_OUT, "new"))
        if self.is_abroad:
            self.leave_out(*self.ORDER)
            self.groups = (Group(self.TITLES[side], self.ABROAD),)  # type: ignore[misc]
            return
        self.leave_out(*self.ABROAD)
        here = self.typed("prefecture"), self.typed("municipality")
        # Who has moved names the old address as it was called then; where one stays or goes, today's name counts.
        offices = options.offices(here[0], former=side == "old" and kind != Kind.HOUSEHOLD_CHANGE)
        self.offer("municipality", offices)
        if fixed:
            self.buttons = {}  # type: ignore[misc]
            self.offer("prefecture", [(here[0], here[0])])
            self.offer("municipality", [pair for pair in offices if pair[0] == here[1]])
        found = places.candidates(self.typed("postal_code")) if not fixed else []
        self.offer("candidate", found)
        if len(found) <= 2 or self.typed("town"):
            del self.fields["candidate"]
        hint = "" if self.prefix == "old" else _("Municipality alone is enough when the rest is not certain yet.")
        title = self.TITLES["same" if kind == Kind.HOUSEHOLD_CHANGE else side]
        self.groups = (Group(title, self.ORDER, hint),)  # type: ignore[misc]

    def offer(self, name: str, choices: options.Options) -> None:
        """Set what can be chosen here."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A municipality is always needed; of the address that is left, the rest too."""
        answers: dict[str, Any] = self.cleaned_data
        if self.is_abroad:
            for name in self.ABROAD:
                if not answers.get(name):
                    self.need(name)
            return answers
        if not answers.get("municipality"):
            self.need("municipality" if answers.get("prefecture") else "prefecture")
        if self.prefix == "old" and not (answers.get("town") or answers.get("block")):
            self.need("town")
        return answers


class BeforeForm(PageForm):
    """What came before this move: one that is filed and not registered yet, or one that was never filed (未届)."""

    follows = choice(_("The filing that is still open"), [])
    last_registered_prefecture = choice(_("Prefecture where you are still registered"), options.prefectures)
    last_registered_municipality = choice(_("Municipality where you are still registered"), [])

    buttons: ClassVar = {"last_registered_prefecture": ("choose:before", _("Show municipalities"))}
    UNFILED = ("last_registered_prefecture", "last_registered_municipality")
    ABROAD = Group(
        _("If you were registered in Japan before you went abroad"),
        UNFILED,
        _("Choose the municipality where you were registered last."),
        folded=True,
    )

    groups = (
        Group(
            _("If this move follows one you have filed here"),
            ("follows",),
            _("The move before is registered first; until then this filing waits here."),
        ),
        Group(
            _("If the filing of your last move was never made"),
            UNFILED,
            _(
                "You live at the old address and never made the move-in filing there:"
                " say where you are still registered."
            ),
            folded=True,
        ),
    )

    def __init__(
        self, *args: Any, kind: str = options.MOVE, earlier: Sequence[tuple[str, Words]] = (), **kwargs: Any
    ) -> None:
        """``earlier``: the filer's own moves that are not registered yet, by receipt number."""
        super().__init__(*args, **kwargs)
        if kind not in (options.MOVE, Kind.OVERSEAS_IN):
            self.leave_out(*self.UNFILED)
        else:
            offices = options.offices(self.typed("last_registered_prefecture"), former=True)
            self.fields["last_registered_municipality"].choices = offices  # type: ignore[attr-defined]
        if kind == Kind.OVERSEAS_IN:
            self.groups = (self.groups[0], self.ABROAD)  # type: ignore[misc]
        if earlier:
            none = ("", _("No, it has nothing to do with one of these"))
            self.fields["follows"].choices = [none, *earlier]  # type: ignore[attr-defined]
        else:
            self.leave_out("follows")

    def clean(self) -> dict[str, Any]:
        """A prefecture alone says nothing."""
        answers: dict[str, Any] = self.cleaned_data
        if answers.get("last_registered_prefecture") and not answers.get("last_registered_municipality"):
            self.need("last_registered_municipality")
        return answers
