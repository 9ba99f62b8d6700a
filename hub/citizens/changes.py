"""What each town was told otherwise than it was filed, in a citizen's words: its system cannot hold a character."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from django.utils.translation import gettext

from hub.deliveries.models import Delivery
from hub.fidelity import ledger
from hub.fidelity.characters import Pair, is_spelling, pairs
from hub.fidelity.models import Substitution
from hub.vault import services as vault
from hub.vault.services import ShreddedError

#: Where a name of a person stands in a notice; everything else is an address, a reading or a remark.
NAMES = ("Name", "fullNameKanji", "fullNameRoman", "headOfRegister")
#: What was replaced in a delivery; whether in a name.
Replaced = dict[Pair, bool]


def replaced(relocation_id: UUID) -> Mapping[UUID, Replaced]:
    """Return what was replaced, by delivery; nothing when the relocation was shredded."""
    rows = list(Substitution.objects.filter(relocation_id=relocation_id).order_by("id"))
    found: dict[UUID, Replaced] = {}
    try:
        key = vault.open_one(relocation_id) if rows else b""
    except ShreddedError:
        return found
    for row in rows:
        of_delivery, in_name = found.setdefault(row.delivery_id, {}), row.path.endswith(NAMES)
        for pair in pairs(*ledger.texts(row, key)):
            of_delivery[pair] = of_delivery.get(pair, False) or in_name
    return found


def sentences(found: Mapping[UUID, Replaced], told: Iterable[Delivery]) -> list[str]:
    """Return what to say of one town, each thing once."""
    every: Replaced = {}
    for row in told:
        for pair, in_name in found.get(row.pk, {}).items():
            every[pair] = every.get(pair, False) or in_name
    return list(_sentences(every))


def _sentences(every: Replaced) -> Iterator[str]:
    for (filed, written), in_name in every.items():
        if is_spelling((filed, written)):
            continue
        if not written:
            text = gettext("This municipality's system has no room for «%(filed)s»: it was left out.")
        elif in_name:
            text = gettext(
                "This municipality's system cannot hold «%(filed)s»: it was told «%(written)s»,"
                " your name in the hub is unchanged."
            )
        else:
            text = gettext(
                "This municipality's system cannot hold «%(filed)s»: it was told «%(written)s»,"
                " what you filed is unchanged in the hub."
            )
        yield text % {"filed": filed, "written": written}
    if any(map(is_spelling, every)):
        yield gettext("This municipality's system writes letters and digits in another width; they are the same.")
