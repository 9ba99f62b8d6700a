"""Celery's way into the deliveries. No rule lives here."""

import time
from contextlib import suppress
from datetime import timedelta

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from hub.deliveries import callbacks, courier, reconciliation, replays
from municipalities.models import Municipality


@shared_task(ignore_result=True)
def carry() -> None:
    """Carry what is due; hand the process back after five idle seconds, or after twenty busy ones.

    Whoever carried something asks for the next one, so that the beat need not call every second: what it called
    while all processes were busy is thrown away one by one before any delivery goes on.
    """
    if courier.run_in_turn(idle=5.0, slice_=20.0):
        with suppress(OperationalError):  # the broker is away: the beat calls when it is back
            carry.apply_async(expires=5.0, retry=False)


@shared_task(ignore_result=True)
def prove() -> None:
    """Ask addresses that were registered whether they mean to be called."""
    callbacks.work()


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Write the hub's digests of the day before yesterday and note towns that were expected to send theirs.

    A day is left a whole day to settle: what was made late in the evening may be handed over in the morning.
    """
    day = timezone.localdate() - timedelta(days=2)
    codes = Municipality.objects.leaf().valid_on(day).values_list("pk", flat=True)
    reconciliation.write_daily(day, list(codes))


@shared_task(ignore_result=True)
def replay() -> None:
    """Take replays a few seconds further, so that nothing waits behind them."""
    ends = time.monotonic() + 3.0
    while replays.advance() and time.monotonic() < ends:
        pass
