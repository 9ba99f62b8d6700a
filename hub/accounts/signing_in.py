"""Failed attempts to sign in are counted; too many, and a sign-in must wait, whoever asks.

Counted are failures alone, by account and address together, and by each on its own with more patience: guessing
at one account from everywhere and at every account from one place both end, and nobody locks another out alone.
"""

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext

from hub import limits
from hub.accounts import origin
from hub.limits import Limit

QUARTER = 900
HERE = Limit("sign-in-here", 10, QUARTER, 10)
ACCOUNT = Limit("sign-in-account", 100, QUARTER, 100)
ADDRESS = Limit("sign-in-address", 100, QUARTER, 100)


def _keys(name: str, address: str) -> tuple[tuple[Limit, str], ...]:
    name = name.strip().lower()
    return (HERE, f"{name} {address}"), (ACCOUNT, name), (ADDRESS, address)


def wait(name: str, address: str) -> float:
    """Return for how many seconds this account may not try from this address; 0 when it may."""
    found = [limits.spend(limit, who, count=False) for limit, who in _keys(name, address)]
    return max((spent.wait for spent in found if spent is not None), default=0.0)


def failed(name: str, address: str) -> None:
    """Count a failure."""
    for limit, who in _keys(name, address):
        limits.spend(limit, who)


def refuse_if_too_many(name: str, request: HttpRequest | None) -> None:
    """Raise ``ValidationError`` for the form when this account must wait."""
    seconds = wait(name, address_of(request))
    if seconds:
        text = gettext("Too many failed attempts. Please wait %(minutes)d minutes and try again.")
        raise ValidationError(text % {"minutes": max(1, round(seconds / 60))}, code="too_many")


def address_of(request: HttpRequest | None) -> str:
    """Return the address a request came from; behind a trusted proxy, what the proxy itself wrote down last."""
    return str(origin.address_of(request.META) or "") if request else ""
