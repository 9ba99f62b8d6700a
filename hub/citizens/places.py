"""Postal codes for the form: what stands under one, and filling an address from it."""

from hub.citizens.options import Options
from municipalities import postal
from municipalities.models import Municipality

#: Between municipality and town in the value of a candidate; neither contains it.
BETWEEN = "|"


def candidates(postal_code: str) -> Options:
    """The places under a postal code to choose from, a blank first; nothing for no or an unknown code."""
    found = postal.find(postal_code) if postal_code else ()
    offices = Municipality.objects.in_bulk({place.municipality_code for place in found})
    choices: Options = [
        (
            BETWEEN.join((place.municipality_code, place.town, place.building)),
            f"{offices[place.municipality_code].full_name}{place.town}{place.building}",
        )
        for place in found
        if place.municipality_code in offices
    ]
    return [("", "—"), *choices] if choices else []


def fill(answers: dict[str, str], prefix: str) -> bool:
    """Fill municipality and town from the postal code or the chosen candidate; tells whether the code is known."""
    found = [value for value, _ in candidates(answers.get(f"{prefix}-postal_code", ""))][1:]
    chosen = answers.pop(f"{prefix}-candidate", "")
    if chosen not in found:
        chosen = found[0] if len(found) == 1 else ""
    codes = {chosen.split(BETWEEN)[0]} if chosen else {value.split(BETWEEN)[0] for value in found}
    if len(codes) == 1:
        office = Municipality.objects.get(pk=codes.pop())
        answers[f"{prefix}-prefecture"], answers[f"{prefix}-municipality"] = office.prefecture, office.pk
    if chosen:
        _, town, building = chosen.split(BETWEEN)
        answers[f"{prefix}-town"] = town
        answers[f"{prefix}-building"] = building or answers.get(f"{prefix}-building", "")
    elif found:
        answers[f"{prefix}-town"] = ""
    return bool(found)
