"""Whose consent a version of a filing needs, each by what it is about, and what answers amount to."""

import hashlib
import hmac
from collections.abc import Collection
from datetime import date

import msgspec
from django.conf import settings
from django.utils import timezone

from hub.consents.models import Answer
from hub.relocations import people
from hub.relocations.filing import Filing
from hub.relocations.models import Agreement


def wanted_of(filing: Filing, gone: Collection[int], today: date | None = None) -> dict[bytes, int]:
    """Return whose consent a version needs, each by what it is about; who was taken out is not asked."""
    asked = people.asked(filing, today or timezone.localdate())
    return {subject(filing, ordinal): ordinal for ordinal in asked if ordinal not in gone}


def subject(filing: Filing, ordinal: int) -> bytes:
    """Return the keyed hash of what this person agrees to; another address or another person is another consent."""
    town = people.keeper(filing)
    movers = {mover.ordinal: people.mark_of(town, mover) for mover in filing.movers}
    who = [movers[ordinal]] if ordinal else [filing.household_joined.head_name.encode(), *sorted(movers.values())]
    place = [filing.old_address.full_address, filing.new_address.full_address]
    text = msgspec.json.encode([ordinal == people.JOINED_HEAD, who, place])
    return hmac.new(settings.HUB_AUDIT_KEY.encode(), b"consent" + text, hashlib.sha256).digest()


def amount_to(answers: Collection[str]) -> Agreement:
    """Return what these answers amount to: one refusal refuses, one that is missing waits."""
    found = Agreement.GIVEN if answers else Agreement.NOT_NEEDED
    for answer, amounts_to in ((Answer.PENDING, Agreement.PENDING), (Answer.REFUSED, Agreement.REFUSED)):
        if answer in answers:
            found = amounts_to
    return found
