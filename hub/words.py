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
    Flow.EX_OFFICIO.value: _("ex officio"),
    Flow.NOT_APPLICABLE.value: _("none needed"),
}

#: Codes that the models name as they are, so that the catalogue has their words.
CODES = (
    _("DOMESTIC"),
    _("IN_CITY"),
    _("WARD_TO_WARD"),
    _("OVERSEAS_OUT"),
    _("OVERSEAS_IN"),
    _("HOUSEHOLD_CHANGE"),
    _("CARD_SPECIAL"),
    _("PAPER_CERT"),
    _("EX_OFFICIO"),
    _("NOT_APPLICABLE"),
)

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
    ("origin", "NON_ARRIVAL"): _("moved out, no move-in known of"),
    ("origin", "CANCELLED"): _("cancelled"),
    ("origin", "CLOSED"): _("closed"),
    ("origin", "CLOSED_EX_OFFICIO"): _("closed ex officio"),
    ("destination", "NONE"): _("not told yet"),
    ("destination", "ANNOUNCED"): _("visit announced"),
    ("destination", "PREPARED"): _("prepared, waiting for the visit"),
    ("destination", "OVERDUE"): _("the announced visit has not taken place"),
    ("destination", "SPECIAL_LAPSED"): _("filing with the card has lapsed, a certificate on paper is needed"),
    ("destination", "AT_COUNTER"): _("visited, being worked on"),
    ("destination", "PROVISIONAL"): _("entered provisionally, being reviewed"),
    ("destination", "REGISTERED"): _("move-in registered"),
    ("destination", "NOTIFIED"): _("move-in registered, origin told"),
    ("destination", "CLOSED"): _("completed"),
    ("destination", "REJECTED"): _("not accepted"),
    ("destination", "CANCELLED"): _("cancelled"),
    ("destination", "DIVERTED"): _("moved in elsewhere"),
    ("destination", "DROPPED"): _("not concerned any more"),
    ("domicile", "NONE"): _("nothing to do yet"),
    ("domicile", "NOTICE_SENT"): _("told, appendix not changed yet"),
    ("domicile", "APPLIED"): _("appendix changed"),
    ("domicile", "MISMATCH"): _("does not match the family register"),
    ("domicile", "REVOKED"): _("told of the cancellation"),
    ("domicile", "DROPPED"): _("not concerned any more"),
    ("domicile", "CANCELLED"): _("cancelled"),
    ("last_registered", "NONE"): _("nothing to do yet"),
    ("last_registered", "NOTIFIED"): _("told of the move-in"),
    ("last_registered", "CONFIRMED"): _("moved out, new address confirmed"),
    ("last_registered", "CANCELLED"): _("cancelled"),
}

#: What is handed to a municipality.
NOTICES = {
    "moveout.submitted": _("move-out filing"),
    "arrival.planned": _("announcement of the visit"),
    "arrival.prefill": _("data for the move-in filing"),
    "movein.notice": _("notice of the move-in"),
    "appendix.notice": _("notice for the appendix of the family register"),
    "task.opened": _("request for a follow-on procedure"),
    "task.cancelled": _("request for a follow-on procedure taken back"),
    "moveout.transfer_docs": _("documents for a follow-on procedure"),
    "withdraw.requested": _("withdrawal"),
    "filing.amended": _("amended filing"),
    "correction.notified": _("correction"),
    "cancel.requested": _("request for a cancellation"),
    "certificate.recalled": _("recall of what was handed over"),
    "movein.cancelled": _("notice of the cancelled move-in"),
    "inquiry.nonarrival": _("inquiry about a missing move-in"),
    "protection.route": _("instruction for handling"),
}

#: What a municipality reports, by type and outcome.
REPORTS = {
    ("moveout.reviewing", ""): _("is reviewing the move-out filing"),
    ("moveout.decided", "REGISTERED"): _("accepted the move-out"),
    ("moveout.decided", "RETURNED"): _("asks for a correction"),
    ("moveout.decided", "REJECTED"): _("did not accept the move-out"),
    ("certificate.available", ""): _("sent the certificate data ahead"),
    ("certificate.paper_issued", ""): _("issued the move-out certificate on paper"),
    ("moveout.decided", "EX_OFFICIO"): _("recorded the move-out ex officio"),
    ("moveout.transfer_docs", ""): _("handed on documents for follow-on procedures"),
    ("moveout.effective", "EX_OFFICIO"): _("closed the record ex officio"),
    ("moveout.effective", ""): _("fixed the date of the move-out"),
    ("arrival.plan_ack", ""): _("has seen the announced visit"),
    ("arrival.visited", ""): _("saw the movers at its counter"),
    ("arrival.visited", "CARD_PRESENTED"): _("was presented the card for its continued use"),
    ("movein.decided", "REGISTERED"): _("registered the move-in"),
    ("movein.decided", "PROVISIONAL"): _("entered the move-in provisionally"),
    ("movein.decided", "RETURNED"): _("needs something more for the move-in"),
    ("movein.decided", "REJECTED"): _("did not accept the move-in"),
    ("arrival.diverted", ""): _("saw the movers at its counter, though another municipality was planned"),
    ("differences.reported", ""): _("reported items that differ"),
    ("cancel.requested", ""): _("was asked at its counter to let the move be cancelled"),
    ("movein.notice_applied", ""): _("confirmed the new address"),
    ("protection.route", ""): _("instruction for handling"),
    ("protection.route", "PROVISIONAL"): _("instruction for handling"),
    ("task.result", "DONE"): _("finished a follow-on procedure"),
    ("task.result", "NEEDS_VISIT"): _("asks for a visit about a follow-on procedure"),
    ("task.result", "NOT_APPLICABLE"): _("says that a follow-on procedure does not apply"),
    ("appendix.applied", ""): _("changed the appendix of the family register"),
    ("appendix.mismatch", ""): _("found that the family register does not match"),
    ("registry.change", "BIRTH"): _("told of a birth"),
    ("registry.change", "DEATH"): _("told of a death"),
    ("registry.change", "MARRIAGE"): _("told of a marriage"),
    ("registry.change", "TRANSFER"): _("told of a transfer of the family register"),
    ("registry.change", "OTHER"): _("told of a change in the family register"),
    ("correction.notified", ""): _("corrected an error in its record"),
    ("cancel.decided", "CANCEL_ADD"): _("cancelled the move-out"),
    ("cancel.decided", "CANCEL_REMOVE"): _("cancelled the move-in"),
    ("cancel.decided", "CANCEL_AMENDED"): _("cancelled the change"),
    ("cancel.decided", "REFUSED"): _("refused the cancellation"),
    ("inquiry.replied", "ARRIVED"): _("answered that the person moved in"),
    ("inquiry.replied", "NOT_ARRIVED"): _("answered that the person did not move in"),
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


#: Clocks that run for movers at a town (``relocations/data/clocks.csv``).
CLOCKS = {
    "VISIT": _("planned visit"),
    "C14": _("move-in within 14 days of moving in"),
    "SPECIAL14": _("move-in with the card within 14 days of moving in"),
    "C30": _("move-in with the card within 30 days of the planned day"),
    "C90": _("card presented within 90 days of the move-in filing"),
    "NON_ARRIVAL": _("no move-in known after the move-out"),
    "REOPENED": _("no move-in known after one was cancelled"),
    "AGENCY": _("notice to the Immigration Services Agency"),
}


def leg_state(role: str, state: str) -> str:
    """The state in words; a state the table lacks is shown as it is."""
    return str(LEG_STATES.get((role, state), state))


def clock(name: str) -> str:
    """Return a clock in words."""
    return str(CLOCKS.get(name, name))


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
