"""What a town sends back in its own layout: read by the standard that wrote it, compared with what the town was told.

Nothing is guessed: a code or a private character that no table knows makes a ``Return``, which waits for a person.
What differs from what the town was told becomes a ``Difference``; it never overwrites what was filed.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings

from hub import numbers, records
from hub.audit import services as audit
from hub.catalogue import refuse
from hub.deliveries import services, writing
from hub.deliveries.models import Delivery, Difference, Receipt, Return
from hub.deliveries.states import Answer
from hub.fidelity import services as fidelity
from hub.fidelity.characters import points
from hub.vault import cipher
from hub.vault import services as vault
from municipalities import standard
from municipalities.characters import Question, Repertoire, Undecided, equal_by_fallback
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard.answers import Answer as TownsAnswer

#: What answers by name, and what the answer itself decides: neither is a difference.
NOT_COMPARED = frozenset(
    {"noticeId", "type", "receiptNo", "version", "recipient", "role", "actualInOn", "effectiveOn", "personCount"}
)
#: The name on a card's signature certificate has substitutes for what JIS X 0208 and 0212 lack.
CARD = Repertoire("euc_jp")
FULL_NAME = re.compile("/movers/([0-9]+)/fullName")
T = TypeVar("T")


class UnclearError(Exception):
    """The file cannot be read without a person: an unknown code, or a private character without a meaning."""

    def __init__(self, error: UnfitError) -> None:
        super().__init__(error.code)
        self.error = error


@dataclass(frozen=True, slots=True)
class Differs:
    """One value that came back otherwise than the town was told."""

    path: str
    told: Any
    came: Any


@dataclass(frozen=True, slots=True)
class Came:
    """A record that came back, and how it differs from what the town was told."""

    record: Notice
    differences: tuple[Differs, ...]


# --- Receipts --------------------------------------------------------------------------------------------


def receive_answers(delivery: Delivery, content: bytes) -> list[tuple[Receipt, bool]]:
    """Take in a file of receipts about this delivery; as ``services.receive`` for each, in the file's order.

    Raises ``UnclearError``, ``Refusal`` E100 for what cannot be read, E104 when an answer is about another notice.
    """
    answers = read_answers(services.layout_of(delivery), content)
    if any(answer.notice_id != str(delivery.pk) for answer in answers):
        raise refuse("E104", "/noticeId", "Every answer must be about this delivery.")
    return [services.receive(delivery, receipt_of(answer)) for answer in answers]


def read_answers(layout: standard.Standard, content: bytes) -> Sequence[TownsAnswer]:
    """Read a file of receipts; raises ``UnclearError``, ``Refusal`` E100 for what cannot be read, E104 without any."""
    answers = _read(lambda: layout.read_answers(content))
    if not answers:
        raise refuse("E104", "/noticeId", "The file has no answer.")
    return answers


def receipt_of(answer: TownsAnswer) -> services.ReceiptBody:
    """An answer as the API's receipt."""
    errors = [{"code": code} for code in answer.errors]
    return services.ReceiptBody(kind=Answer(answer.kind.value), errors=errors, legal_date=answer.legal_date)


def _read(work: Callable[[], T]) -> T:
    try:
        return work()
    except UnfitError as error:
        if error.code in ("E130", "E132"):
            raise UnclearError(error) from error
        raise refuse(error.code, error.pointer, "The content does not fit the layout.") from error


# --- Records ---------------------------------------------------------------------------------------------


def read(delivery: Delivery, content: bytes) -> Came:
    """Read a registered record or certificate data and compare it with what the town was told.

    Raises ``UnclearError``, ``Refusal`` E100 for what cannot be read, E104 when it is about another notice or person
    or a text holds U+0000, E140 for a number that the hub must not hold.
    """
    layout, notice = services.layout_of(delivery), services.notice_of(delivery)
    record = _read(lambda: _record(layout, delivery.municipality_id, content))
    if (record.notice_id, record.receipt_no) != (notice.notice_id, notice.receipt_no):
        raise refuse("E104", "/noticeId", "The record must be about the delivery that is named.")
    said = msgspec.to_builtins(record)
    records.refuse_nul(said)
    for pointer, text in numbers.texts(said):
        if pointer != "/noticeId" and numbers.is_forbidden(text):
            raise refuse("E140", pointer)
    return Came(record, tuple(differences(layout, notice, record)))


def _record(layout: standard.Standard, municipality: str, content: bytes) -> Notice:
    """Read; what a clerk said about unknown private characters is asked for only when there are any."""
    try:
        return layout.read(content)
    except Undecided as open_:
        recalled = fidelity.recall(municipality, map(writing.asked, open_.questions))
        if not recalled.decisions:
            raise
    return layout.read(content, recalled.decisions)


def differences(layout: standard.Standard, notice: Notice, record: Notice) -> Iterator[Differs]:
    """Yield what came back otherwise; a value that was told as a fallback and came back so is no difference.

    The measure is what the town was told: the notice as its own layout reads it back. Nor is it one that the town has
    the character for which the card of whoever presents one has a substitute.
    """
    written, _ = writing.write(layout, notice)
    filed, told, came = (_values(one, notice) for one in (notice, layout.read(written.content), record))
    repertoire = Repertoire(layout.encoding, characters=layout.tables.head.characters)
    for path in dict.fromkeys((*told, *came)):
        ours, theirs, original = told.get(path), came.get(path), filed.get(path)
        if not (ours or theirs) or ours == theirs or _stands_for(original, theirs, repertoire):
            continue
        if not (_is_of_a_card(path, notice) and _stands_for(theirs, original, CARD)):
            yield Differs(path, ours, theirs)


def _is_of_a_card(path: str, notice: Notice) -> bool:
    name = FULL_NAME.fullmatch(path)
    return name is not None and notice.movers[int(name[1])].presents_card


def _stands_for(original: Any, theirs: Any, repertoire: Repertoire) -> bool:
    """Tell whether a text that came back is the one filed, as far as the town's characters can hold it."""
    if not (isinstance(original, str) and isinstance(theirs, str) and theirs):
        return False
    return equal_by_fallback(original, theirs, repertoire)


def _values(record: Notice, notice: Notice) -> dict[str, Any]:
    """Every value by its pointer into the notice; movers by their number, E104 for one that the notice lacks."""
    places = {mover.ordinal: place for place, mover in enumerate(notice.movers)}
    tree = {key: value for key, value in msgspec.to_builtins(record).items() if key not in NOT_COMPARED}
    try:
        movers = {places[mover["ordinal"]]: mover for mover in tree.pop("movers")}
    except KeyError:
        raise refuse("E104", "/movers", "The record has a person that the notice does not have.") from None
    return dict(_leaves(tree, "")) | {
        pointer: value
        for place, mover in sorted(movers.items())
        for pointer, value in _leaves(mover, f"/movers/{place}")
    }


def _leaves(tree: dict[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{pointer}/{key}")
        else:
            yield f"{pointer}/{key}", value


def note(delivery: Delivery, report_id: UUID, found: Sequence[Differs]) -> None:
    """Keep the differences of a report, for a clerk to look at; repeating it adds nothing."""
    key = vault.open_one(delivery.relocation_id) if found else b""
    rows = []
    for one in found:
        row = Difference(
            delivery=delivery, municipality_id=delivery.municipality_id, report_id=report_id, path=one.path
        )
        row.texts = cipher.seal(key, msgspec.json.encode([one.told, one.came]), row.identity)
        rows.append(row)
    Difference.objects.bulk_create(rows, ignore_conflicts=True)


def texts(row: Difference, key: bytes) -> tuple[Any, Any]:
    """Return what was told and what came back."""
    told, came = msgspec.json.decode(cipher.unseal(key, bytes(row.texts), row.identity), type=list[Any])
    return told, came


# --- What waits for a person -------------------------------------------------------------------------------


def hold(delivery: Delivery, content: bytes, unclear: UnclearError, report: dict[str, str] | None = None) -> Return:
    """Keep a file that a person must look at; the same file again is the same return."""
    body = b"deliveries.return\0" + content
    mark = hmac.new(settings.HUB_AUDIT_KEY.encode(), body, hashlib.sha256).digest()
    existing = Return.objects.filter(delivery=delivery, mark=mark).first()
    if existing is not None:
        return existing
    row = Return(delivery=delivery, municipality_id=delivery.municipality_id, report=report or {}, mark=mark)
    row.content = cipher.seal(vault.open_one(delivery.relocation_id), content, row.identity)
    describe(row, unclear)
    row.save(force_insert=True)
    audit.record(services.act("return.held", delivery, code=row.code))
    return row


def describe(row: Return, unclear: UnclearError) -> None:
    """Say why a person must look: the catalogue's code, the layout's item and the unknown characters."""
    error = unclear.error
    questions = error.questions if isinstance(error, Undecided) else ()
    row.code, row.item = error.code, (error.pointer or "")[:200]
    row.points = "; ".join(dict.fromkeys(points(question.cluster) for question in questions))[:200]


def questions_of(row: Return) -> tuple[Question, ...]:
    """Return what a person must say before the file can be read; none when nothing is unknown (any more)."""
    try:
        _record(services.layout_of(row.delivery), row.municipality_id, content_of(row))
    except Undecided as open_:
        return open_.questions
    except UnfitError:
        pass  # another thing is unclear first: a code without a meaning
    return ()


def content_of(row: Return) -> bytes:
    """Return the file as it came; raises ``ShreddedError`` when the relocation was shredded."""
    return cipher.unseal(vault.open_one(row.delivery.relocation_id), bytes(row.content), row.identity)
