"""Documents of message 16 as a report says them: checked, and sorted by procedure and mover (``followon.hand_on``)."""

import re
from collections.abc import Collection

from hub import numbers
from hub.catalogue import refuse
from hub.procedures import documents
from hub.relocations.reported import REFERENCE, Document, ReportBody

REPORT = "moveout.transfer_docs"
#: So many papers of one mover for one procedure fit every layout.
MOST = 4
#: One paper as a record names it: whose, by number, and its reference; without a number, everybody's.
PAPER = re.compile(rf"(?:(?P<mover>[0-9]{{1,2}}):)?(?P<reference>{REFERENCE.removeprefix('^').removesuffix('$')})")


def named(procedure: str, text: str) -> tuple[Document, ...]:
    """Read the papers that a record names, as records to departments carry them (``documents.in_words``).

    Refuses with E104 what is no list of papers; without a text there are none.

    >>> [(one.mover, one.reference) for one in named("F05", "1:4500-12 A7/3")]
    [(1, '4500-12'), (None, 'A7/3')]
    """
    found = [PAPER.fullmatch(word) for word in text.split()]
    if not all(found):
        raise refuse("E104", "/task/documents", "Papers as «mover:reference», a space between two.")
    return tuple(
        Document(
            procedure=procedure.strip(),
            reference=paper["reference"],
            mover=int(paper["mover"]) if paper["mover"] else None,
        )
        for paper in found
        if paper
    )


def said(body: ReportBody, ordinals: Collection[int]) -> documents.Documents:
    """Return the references by procedure and mover.

    Refuses with E310 a message 16 without any, with E104 documents of another report, of a procedure that no
    department of a destination works on, of a mover whom the report is not about, or too many; with E140 a number
    that the hub must not hold.
    """
    if (body.type == REPORT) != bool(body.documents):
        if body.documents:
            raise refuse("E104", "/documents", f"Handed over with {REPORT}.")
        raise refuse("E310", "/documents", "At least one: its procedure and its reference.")
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for index, one in enumerate(body.documents):
        at = f"/documents/{index}"
        if not documents.takes_documents(one.procedure):
            raise refuse("E104", f"{at}/procedure", "A procedure on which a department of the destination works.")
        if one.mover is not None and one.mover not in ordinals:
            raise refuse("E104", f"{at}/mover", "One of the movers of the report, by ordinal.")
        if numbers.is_forbidden(one.reference):
            raise refuse("E140", f"{at}/reference")
        for ordinal in sorted(ordinals) if one.mover is None else [one.mover]:
            place = (one.procedure, ordinal)
            found[place] = tuple(dict.fromkeys((*found.get(place, ()), one.reference)))
            if len(found[place]) > MOST:
                raise refuse("E104", at, f"At most {MOST} of one mover for one procedure.")
    return found
