"""A town of the demo that is left to a vendor: not simulated, its connection the vendor's, its secrets said aloud."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from hub.demo import seed
from municipalities import transports
from municipalities.errors import DeliveryError
from municipalities.models import Connection, Municipality

#: Where the connection's own address is kept while a vendor has the town.
KEPT = "vendor.json"
#: A vendor's system fetches, unless it says where it is pushed to.
FETCHES = "pull:"


class NoSuchTownError(ValueError):
    """No vendor can be this town; the text says why."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Which town, and how its system is reached."""

    code: str
    address: str = FETCHES

    @classmethod
    def read(cls, text: str) -> "Vendor":
        """``CODE`` or ``CODE=ADDRESS``; raises ``NoSuchTownError``."""
        code, _, address = text.partition("=")
        vendor = cls(code, address or FETCHES)
        try:
            transports.find(vendor.address)
        except DeliveryError as error:
            raise NoSuchTownError(f"{vendor.address}: {error.detail}") from None
        return vendor

    @property
    def is_pushed(self) -> bool:
        """Whether the hub calls the vendor's system, and signs."""
        return self.address.startswith("http")

    def connection(self) -> Connection:
        """The town's connection of today; raises ``NoSuchTownError``."""
        row = Connection.objects.valid_on(timezone.localdate()).filter(municipality=self.code).first()
        if row is None:
            leaf = Municipality.objects.leaf().valid_on(timezone.localdate())
            raise NoSuchTownError(f"{self.code} is not one of the {leaf.count():,} register offices (six digits)")
        return row

    def lines(self, hub: str) -> Iterator[str]:
        """What the vendor's engineer needs, the last lines to be pasted into a shell."""
        row = self.connection()
        client = f"town-{self.code}"
        yield f"{self.code} {row.municipality}: left to you, layout {row.standard}, reached by {row.address}"
        yield f"guide    {hub}/api/v1/docs?town={self.code}"
        yield f"token    {hub}/oauth/token"
        yield ""
        yield f"HUB={hub}"
        yield f"CLIENT_ID={client}"
        yield f"CLIENT_SECRET={seed.client_secret(client)}"
        yield f"FRONT_ID={seed.FRONT}"
        yield f"FRONT_SECRET={seed.client_secret(seed.FRONT)}"
        if self.is_pushed:
            yield f"KEY=whsec_{base64.b64encode(seed.secret(f'signing:{self.code}')).decode()}"


def hand_over(vendor: Vendor, data: Path) -> None:
    """Give the vendor the town's connection; what it was before is kept for ``take_back``."""
    row = vendor.connection()
    kept = {"code": vendor.code, "address": row.address}
    (data / KEPT).write_text(json.dumps(kept), encoding="utf-8")
    Connection.objects.filter(pk=row.pk).update(address=vendor.address)


def take_back(data: Path) -> None:
    """Let the town of an earlier run be simulated again."""
    if not (data / KEPT).exists():
        return
    kept = json.loads((data / KEPT).read_text(encoding="utf-8"))
    today = timezone.localdate()
    Connection.objects.valid_on(today).filter(municipality=kept["code"]).update(address=kept["address"])
    (data / KEPT).unlink()
