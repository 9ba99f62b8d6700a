"""Whether an address works and means to be called: asked before anything is sent there, at every registration.

An address is registered with its key, given to the town, and then asked: what is pushed to must answer a signed
challenge, an SFTP server must let the key in, a bell must answer. A worker asks, never a page. What is internal is
refused, unless its network is named in ``HUB_CALLBACK_NETWORKS``.
"""

import asyncio

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from hub.actors import HUB, acting
from hub.audit import services as audit
from hub.catalogue import entries
from hub.deliveries import keys
from hub.deliveries.models import Callback
from hub.vault import cipher
from hub.vault import services as vault
from municipalities import transports
from municipalities.errors import DeliveryError
from municipalities.models import Connection
from municipalities.transports import Line
from municipalities.transports.guard import Guard

#: Seconds an answer may take.
PATIENCE = 5.0
LONGEST_WHY = 200
#: Codes that say more than that it did not prove itself: it is internal; nobody answered now.
TOLD = ("E116", "E900")


class Unproven(Exception):
    """The address did not prove itself; ``code`` is the catalogue's, ``why`` is for technicians."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


def guard() -> Guard:
    """Where the hub may connect to."""
    return Guard(settings.HUB_CALLBACK_NETWORKS)


def is_signed(address: str) -> bool:
    """Whether the hub signs there: pushes, or in at an SFTP server."""
    return address.partition(":")[0] in ("http", "https", "sftp")


def prove(address: str, key: bytes) -> None:
    """Ask an address by its transport. Raises ``Unproven``."""
    try:
        asyncio.run(_ask(address, key))
    except DeliveryError as error:
        raise Unproven(error.code if error.code in TOLD else "E117", error.detail) from error


async def _ask(address: str, key: bytes) -> None:
    permitted = guard()
    async with transports.open_session(limit=1, guard=permitted) as session:
        line = Line(session, key, settings.HUB_FOLDER_ROOT, timeout=PATIENCE, guard=permitted)
        await transports.prove(address, line)


# --- Registering -------------------------------------------------------------------------------------------


def present_of(municipality: str) -> Connection | None:
    """The connection of today."""
    return Connection.objects.valid_on(timezone.localdate()).filter(municipality=municipality).first()


@transaction.atomic
def register(municipality: str, address: str) -> tuple[Callback, bytes]:
    """Note an address for a town; returns it, and a key if a new one was made, to be shown once.

    A town that has a key keeps it; registering the same address again changes nothing.
    """
    row, is_new = Callback.objects.get_or_create(municipality_id=municipality, address=address)
    if is_new:
        _write_down("callback.registered", row)
    if row.signing_key or not is_signed(address):
        return row, b""
    present = present_of(municipality)
    if present is not None and present.signing_key:
        _lock_in(row, keys.opened(present.pk, bytes(present.signing_key)))
        return row, b""
    key = cipher.new_key()
    _lock_in(row, key)
    return row, key


@transaction.atomic
def replace_key(row: Callback) -> bytes:
    """Return a new key for an address that is not in use yet; it has to prove itself again."""
    row = Callback.objects.select_for_update().get(pk=row.pk)
    key = cipher.new_key()
    row.proven_at = row.tried_at = None
    row.code = row.why = ""
    _lock_in(row, key)
    _write_down("callback.key_replaced", row)
    return key


def _lock_in(row: Callback, key: bytes) -> None:
    row.signing_key = vault.masters().wrap(key, _identity(row.pk))
    row.save()


def key_of(row: Callback) -> bytes:
    """The key of an address."""
    return vault.masters().unwrap(bytes(row.signing_key), _identity(row.pk)) if row.signing_key else b""


def signs(municipality: str, address: str) -> bytes:
    """The key by which the hub signs there, or will; empty without one."""
    present = present_of(municipality)
    if present is not None and present.address == address and present.signing_key:
        return keys.opened(present.pk, bytes(present.signing_key))
    row = Callback.objects.filter(municipality=municipality, address=address).first()
    return key_of(row) if row is not None else b""


def _identity(callback_id: int) -> str:
    return f"deliveries_callback.signing_key:{callback_id}"


# --- Asking ------------------------------------------------------------------------------------------------


def want(row: Callback) -> None:
    """Let a worker ask the address."""
    Callback.objects.filter(pk=row.pk).update(wanted_at=timezone.now())


def work() -> int:
    """Ask every address that is to be asked; returns how many. No transaction is open while we wait for an answer."""
    asked = 0
    with acting(HUB):
        waiting = list(Callback.objects.filter(wanted_at__isnull=False).order_by("wanted_at"))
    for row in waiting:
        code, why = _verdict(row)
        with acting(HUB):
            asked += _keep(row, code, why)
    return asked


def _verdict(row: Callback) -> tuple[str, str]:
    try:
        prove(row.address, key_of(row))
    except Unproven as unproven:
        return unproven.code, unproven.why
    except cipher.SealBrokenError as error:
        return "E901", type(error).__name__
    return "", ""


def _keep(row: Callback, code: str, why: str) -> int:
    """Write down what came of it, unless somebody asked anew meanwhile."""
    now = timezone.now()
    same = Callback.objects.filter(pk=row.pk, wanted_at=row.wanted_at, signing_key=row.signing_key)
    proven = now if not code else None
    kept = same.update(wanted_at=None, tried_at=now, proven_at=proven, code=code, why=why[:LONGEST_WHY])
    if kept:
        _write_down("callback.unproven" if code else "callback.proved", row, code=code)
    return kept


def _write_down(action: str, row: Callback, **detail: str) -> None:
    told = {"address": row.address, **detail}
    audit.record(audit.Act(action, f"municipality:{row.municipality_id}", told))


# --- Whether it may go live --------------------------------------------------------------------------------


def against(municipality: str, address: str) -> str:
    """What stands against calling a town there, in words; empty when it proved itself, is in use, or is never called.

    An address that nobody registered, of a town that has its key, is registered and asked by this.
    """
    if not transports.calls_back(address):
        return ""
    present = present_of(municipality)
    if present is not None and present.address == address:
        return ""
    row = Callback.objects.filter(municipality=municipality, address=address).first()
    if row is not None and row.is_proven:
        return ""
    if row is None and (not is_signed(address) or (present is not None and present.signing_key)):
        row, _ = register(municipality, address)
        want(row)
        return gettext("The address is being asked to prove itself: try again in a moment.")
    if row is None:
        return gettext(
            "The town has no signing key yet: an operator makes it, and asks the address, on the page «Onboarding»."
        )
    if row.wanted_at is not None:
        return gettext("The address is being asked to prove itself: try again in a moment.")
    want(row)
    if row.code:
        entry = entries()[row.code]
        told = {"code": row.code, "title": entry.title, "remedy": entry.remedy}
        return gettext("%(code)s %(title)s. %(remedy)s It is being asked once more.") % told
    return gettext("The address is being asked to prove itself: try again in a moment.")


def check(municipality: str, address: str) -> None:
    """Refuse (``ValidationError``) an address that did not prove itself."""
    if why := against(municipality, address):
        raise ValidationError({"address": why})
