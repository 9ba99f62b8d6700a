"""What a delivery that cannot be written asks a person, what the person may answer, and letting it go on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.actors import HUB, acting
from hub.catalogue import Problem, Refusal, refuse
from hub.deliveries import services, writing
from hub.deliveries.models import Delivery
from hub.deliveries.states import Cause, State
from hub.fidelity import services as fidelity
from hub.fidelity.characters import points, replaced
from hub.fidelity.models import Kind
from hub.fidelity.services import Asked, Choice, Recalled
from hub.vault.services import ShreddedError
from municipalities import standard
from municipalities.characters import CLUSTER, Candidate, Question
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard.sources import sources
from municipalities.standard.tables import ours_name

#: Held deliveries of a town that are looked through after a decision; the rest goes on when it is sent again.
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class OpenText:
    """One text that cannot be written as filed: where it stands, and a question for each of its characters."""

    asked: Asked
    questions: tuple[Question, ...]
    #: What was decided about it already, if that keeps the delivery held.
    remembered: fidelity.Remembered | None

    @property
    def target(self) -> str:
        """The character set that lacks something."""
        return self.asked[0]

    @property
    def text(self) -> str:
        """The text as filed."""
        return self.asked[1]

    @property
    def places(self) -> dict[str, str]:
        """The items it stands in: pointer and the layout's own name."""
        return {question.pointer: question.item for question in self.questions}

    @property
    def clusters(self) -> dict[str, tuple[Candidate, ...]]:
        """The characters that are missing, each with what may stand for it; none when the text is too long."""
        return {question.cluster: question.candidates for question in self.questions if question.cluster}

    def picked(self, picks: Mapping[str, str]) -> str:
        """Return the text with a candidate for every missing character and the lawful substitutes of the others."""
        return replaced(self.questions[0].draft or self.text, picks)

    def basis(self, picks: Mapping[str, str]) -> str:
        """Return the tables that the picked candidates stand on."""
        bases = (
            base
            for cluster, found in self.clusters.items()
            for one in found
            for base in one.bases
            if picks.get(cluster) == one.written
        )
        return " / ".join(dict.fromkeys(bases))


@dataclass(frozen=True, slots=True)
class NoCode:
    """A word that has no code in a table of the layout."""

    item: str
    table: str
    word: str


@dataclass(frozen=True, slots=True)
class Open:
    """Everything that keeps one delivery from being written."""

    texts: tuple[OpenText, ...]
    #: The first refusal; ``None`` when the delivery can be written.
    problem: UnfitError | None
    #: Words that a code table lacks; nobody guesses a code.
    words: tuple[NoCode, ...]


def open_of(delivery: Delivery) -> Open:
    """Return what a held delivery asks; read as the hub, the caller has made sure whose delivery it is.

    Raises ``ShreddedError`` when the relocation was shredded, ``Refusal`` E134 without its record standard.
    """
    with acting(HUB):
        notice = services.notice_of(delivery)
    return _open(services.layout_of(delivery), notice)


def _open(layout: standard.Standard, notice: Notice) -> Open:
    recalled = writing.recalled(layout, notice)
    found: dict[Asked, list[Question]] = {}
    for question in layout.questions(notice, recalled.decisions):
        found.setdefault(writing.asked(question), []).append(question)
    texts = tuple(OpenText(asked, tuple(ours), recalled.found.get(asked)) for asked, ours in found.items())
    return Open(texts, _problem(layout, notice, recalled), tuple(dict.fromkeys(_without_code(layout, notice))))


def _without_code(layout: standard.Standard, notice: Notice) -> Iterator[NoCode]:
    """Every word of the notice that a code table of the layout lacks."""
    for item in layout.items:
        if item.codes:
            source, table = sources()[item.source], layout.codes[item.codes]
            for owner in notice.movers if source.part.of_mover else (notice,):
                part = source.part.get(owner)
                value = None if part is None else getattr(part, source.attribute)
                words = value[source.index - 1 : source.index] if isinstance(value, tuple) else (value,)
                missing = (word for word in words if word and ours_name(word) not in table)
                yield from (NoCode(item.name, item.codes, word) for word in missing)


def _problem(layout: standard.Standard, notice: Notice, recalled: Recalled) -> UnfitError | None:
    try:
        layout.write(notice, recalled.decisions)
    except UnfitError as error:
        return error
    return None


def decide(delivery: Delivery, choices: Sequence[Choice]) -> int:
    """Keep what a person chose about this delivery's texts and let go what can be written now; returns how many went.

    Raises ``Refusal`` E200 when the delivery is not held for a decision, E130 or E131 when the town's character set
    or item cannot hold a writing either; the pointer is the number of the choice.
    """
    if delivery.state != State.HELD or delivery.cause != Cause.DATA:
        raise refuse("E200", detail=f"The delivery is {delivery.state}.")
    with acting(HUB):
        notice = services.notice_of(delivery)
    problems = list(_problems(services.layout_of(delivery), notice, choices))
    if problems:
        raise Refusal(*problems)
    fidelity.decide(delivery.municipality_id, choices, delivery.pk, delivery.relocation_id)
    return release(delivery)


def _problems(layout: standard.Standard, notice: Notice, choices: Sequence[Choice]) -> Iterator[Problem]:
    """What keeps a writing from being written; whether the choices are about this delivery's texts at all."""
    known = {writing.asked(question) for question in layout.questions(notice)}
    for number, choice in enumerate(choices):
        if choice.asked not in known:
            yield Problem("E104", f"/{number}")
        elif choice.kind == Kind.WRITE and _is_open(layout, notice, choice.asked, choice.writing):
            clusters = dict.fromkeys(CLUSTER.findall(choice.writing))
            missing = [points(one) for one in clusters if _is_open(layout, notice, choice.asked, one)]
            yield Problem("E130" if missing else "E131", f"/{number}", ", ".join(missing))


def _is_open(layout: standard.Standard, notice: Notice, asked: Asked, text: str) -> bool:
    """Tell whether the target cannot hold this text in the place of the one that was filed."""
    return any(writing.asked(question) == asked for question in layout.questions(notice, {asked: text}))


def release(delivery: Delivery) -> int:
    """Send again what waited for the same decisions: this delivery and others of its town, in order.

    An operator's decision frees other towns' deliveries when they are sent again.
    """
    held = Delivery.objects.filter(municipality=delivery.municipality_id, state=State.HELD, cause=Cause.DATA)
    with acting(HUB):
        first = held.select_related("connection__gaiji").order_by("pk")[:AT_ONCE]
        free = [row.pk for row in first if _can_be_written(row)]
    for row in held.filter(pk__in=free).select_for_update(of=("self",)).order_by("pk"):
        services.send_again(row, "decided")
    return len(free)


def _can_be_written(delivery: Delivery) -> bool:
    try:
        return open_of(delivery).problem is None
    except (ShreddedError, Refusal):
        return False
