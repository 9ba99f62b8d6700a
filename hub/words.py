"""What codes mean to a person who reads: states of legs, notices, reports. Pages and the admin use these."""

from typing import TYPE_CHECKING, TypeAlias

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from municipalities.notice import Flow, Role

#: A text, or one that is translated when it is shown.
if TYPE_CHECKING:
    from django.utils.functional import _StrPromise  # the stubs' name of what gettext_lazy returns

    Words: TypeAlias = str | _StrPromise
else:
    Words = str

#: What a municipality is to the movers, as its clerks say it.
ROLES = {
    Role.ORIGIN.value: _("origin"),
    Role.DESTINATION.value: _("destination"),
    Role.DOMICILE.value: _("domicile"),
    Role.LAST_REGISTERED.value: _("last_registered"),
}

#: How the move-out certificate travels.
FLOWS: dict[str, Words] = {
    Flow.CARD_SPECIAL.value: _("with the card"),
    Flow.PAPER_CERT.value: _("on paper"),
}

#: Codes that the models name as they are, so that the catalogue has their words.
CODES = (_("DOMESTIC"), _("CARD_SPECIAL"), _("PAPER_CERT"))

#: State of one mover at one municipality, by role and state (``relocations/data/leg_steps.csv``).
LEG_STATES = {
    ("origin", "PENDING"): _("waiting to be handed over"),
    ("origin", "DELIVERED"): _("handed over, not looked at yet"),
    ("origin", "PROVISIONAL"): _("under review"),
    ("origin", "REGISTERED"): _("move-out accepted"),
    ("origin", "RETURNED"): _("returned for correction"),
    ("origin", "REJECTED"): _("not accepted"),
    ("origin", "EFFECTIVE"): _("moved out"),
    ("origin", "CONFIRMED"): _("moved out, new address confirmed"),
    ("origin", "WITHDRAWN"): _("withdrawn"),
    ("destination", "NONE"): _("not told yet"),
    ("destination", "ANNOUNCED"): _("visit announced"),
    ("destination", "PREPARED"): _("prepared, waiting for the visit"),
    ("destination", "AT_COUNTER"): _("visited, being worked on"),
    ("destination", "REGISTERED"): _("move-in registered"),
    ("destination", "NOTIFIED"): _("move-in registered, origin told"),
    ("destination", "CLOSED"): _("completed"),
    ("destination", "REJECTED"): _("not accepted"),
    ("destination", "CANCELLED"): _("cancelled"),
    ("domicile", "NONE"): _("nothing to do yet"),
    ("domicile", "NOTICE_SENT"): _("told, appendix not changed yet"),
    ("domicile", "APPLIED"): _("appendix changed"),
    ("domicile", "CANCELLED"): _("cancelled"),
}

#: What is handed to a municipality.
NOTICES = {
    "moveout.submitted": _("move-out filing"),
    "arrival.planned": _("announcement of the visit"),
    "arrival.prefill": _("data for the move-in filing"),
    "movein.notice": _("notice of the move-in"),
    "appendix.notice": _("notice for the appendix of the family register"),
    "withdraw.requested": _("withdrawal"),
}

#: What a municipality reports, by type and outcome.
REPORTS = {
    ("moveout.reviewing", ""): _("is reviewing the move-out filing"),
    ("moveout.decided", "REGISTERED"): _("accepted the move-out"),
    ("moveout.decided", "RETURNED"): _("asks for a correction"),
    ("moveout.decided", "REJECTED"): _("did not accept the move-out"),
    ("certificate.available", ""): _("sent the certificate data ahead"),
    ("certificate.paper_issued", ""): _("issued the move-out certificate on paper"),
    ("moveout.effective", ""): _("fixed the date of the move-out"),
    ("arrival.plan_ack", ""): _("has seen the announced visit"),
    ("arrival.visited", ""): _("saw the movers at its counter"),
    ("movein.decided", "REGISTERED"): _("registered the move-in"),
    ("movein.decided", "RETURNED"): _("needs something more for the move-in"),
    ("movein.decided", "REJECTED"): _("did not accept the move-in"),
    ("movein.notice_applied", ""): _("confirmed the new address"),
    ("appendix.applied", ""): _("changed the appendix of the family register"),
}

#: Character sets by the names that decisions are kept under, and spellings within them.
CHARACTER_SETS: dict[str, Words] = {
    "cp932": _("CP932 (Shift_JIS of Windows)"),
    "jisx0208": _("JIS X 0208"),
    "jisx0212": _("JIS X 0208 and 0212"),
    "jisx0213": _("JIS X 0213"),
    "mj": _("MJ characters (文字情報基盤)"),
    "unicode": _("Unicode"),
}
SPELLINGS: dict[str, Words] = {
    "wide": _("full width"),
    "half": _("half width"),
    "half_kana": _("half-width katakana"),
}

#: Rules of the fidelity ledger that are named in English by the writers of records.
RULES: dict[str, Words] = {
    "decided by a clerk": _("decided by a clerk"),
    "full width only": _("full width only"),
    "half width only": _("half width only"),
    "JIS X 0201 kana": _("JIS X 0201 kana"),
}


def leg_state(role: str, state: str) -> str:
    """The state in words; a state the table lacks is shown as it is."""
    return str(LEG_STATES.get((role, state), state))


def notice(type_: str) -> str:
    """The notice in words."""
    return str(NOTICES.get(type_, type_))


def report(type_: str, outcome: str) -> str:
    """The report in words."""
    return str(REPORTS.get((type_, outcome), f"{type_} {outcome}".strip()))


def character_set(target: str) -> str:
    """A town's character set in words: its list, its own characters, its spelling."""
    held, _slash, spelling = target.partition("/")
    name, _plus, own = held.partition("+gaiji:")
    shown = [str(CHARACTER_SETS.get(name, name))]
    if own:
        shown.append(gettext("gaiji table %(name)s") % {"name": own})
    if spelling:
        shown.append(str(SPELLINGS.get(spelling, spelling)))
    return ", ".join(shown)


def rule(rules: str) -> str:
    """Why characters were replaced; a rule the table lacks, a legal table's name, is shown as it is."""
    return "; ".join(str(RULES.get(one, one)) for one in rules.split("; "))
