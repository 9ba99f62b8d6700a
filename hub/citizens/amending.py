"""Amending what was filed (message 50): its days, and the new address within its municipality, in one short form."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from hub.citizens.fields import Group, PageForm, day, text
from hub.relocations.filing import Filing

#: Answers and the fields of the filing they stand for.
DAYS = ("planned_out_on", "living_from", "visit_on")
PARTS = {"town": "street_address", "block": "city_block", "building": "building_name_etc"}


class AmendForm(PageForm):
    """What may still change; another municipality, kind or person is another filing."""

    planned_out_on = day(_("Planned day of moving out"), required=True)
    living_from = day(_("Day you start living at the new address"), required=True)
    visit_on = day(_("Day you plan to visit the new municipality"))
    town = text(_("Town"), _("for example 霞が関"))
    block = text(_("Block and number"), _("for example 2丁目1番2号"))
    building = text(_("Building and room"))

    groups: ClassVar = (Group(_("Days"), DAYS), Group(_("New address"), tuple(PARTS)))

    def __init__(self, filing: Filing, sent: Mapping[str, Any] | None) -> None:
        address = filing.new_address
        known = {name: getattr(filing, name) for name in DAYS}
        known |= {name: getattr(address, part) for name, part in PARTS.items()}
        super().__init__(sent, initial=known)
        self.filing = filing
        self.leave_out(*(name for name in ("planned_out_on", "living_from") if known[name] is None))
        if not address.local_government_code or filing.old_address == address:  # abroad, or the address stays
            self.leave_out(*PARTS)

    def amended(self) -> Filing:
        """The filing in its new version; call it when the form is valid."""
        found, changes = self.cleaned_data, {}
        for name in DAYS:
            if name in self.fields:
                value: date | None = found[name]
                changes[name] = value
        if "town" in self.fields:
            changes["new_address"] = self._address()
        return msgspec.structs.replace(self.filing, **changes)

    def _address(self) -> Any:
        """The new address with its parts, and as one text, which is the one that counts."""
        old = self.filing.new_address
        parts = {part: self.cleaned_data[name] for name, part in PARTS.items()}
        if parts == {part: getattr(old, part) for part in PARTS.values()}:
            return old
        building = f"　{parts['building_name_etc']}" if parts["building_name_etc"] else ""
        whole = f"{old.prefecture}{old.city_and_county}{parts['street_address']}{parts['city_block']}{building}"
        return msgspec.structs.replace(old, full_address=whole, street_address_id="", **parts)
