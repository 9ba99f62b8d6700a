"""Drafts a record standard from a vendor's file for an onboarding: shown and taken away, never used as it is."""

import io
import tempfile
import zipfile
from pathlib import Path

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from hub.audit import services as audit
from hub.onboarding.models import Draft, Onboarding
from municipalities import standard as standards
from municipalities.drafting import folder
from municipalities.drafting.draft import Draft as Drafted
from municipalities.drafting.draft import draft
from municipalities.drafting.sniff import UnreadableError, sniff
from municipalities.standard import TableError

#: Bytes of a vendor's file: a header and some records are enough.
LARGEST = 1_000_000


def make(row: Onboarding, name: str, file: str, content: bytes, base: str) -> Draft:
    """Draft a standard and keep it with the onboarding; ``ValidationError`` for a file that nothing can be made of."""
    if len(content) > LARGEST:
        raise ValidationError(gettext("The file is too large: a header and a few records are enough."))
    layouts = {one: standards.load(one) for one in standards.names()}
    try:
        drafted = draft(name, file, sniff(content), layouts, layouts[base] if base else None)
        zipped, remaining = _folder(drafted)
    except (UnreadableError, TableError) as error:
        raise ValidationError(gettext("The file was not taken: %(why)s.") % {"why": error}) from error
    kept = Draft.objects.create(
        onboarding=row,
        name=name,
        told=drafted.sniffed.told()[:300],
        rows=[
            {
                "name": line.field.name,
                "source": line.field.source,
                "convert": line.field.convert,
                "codes": line.field.codes,
                "how": line.how,
                "doubt": line.doubt,
            }
            for line in drafted.rows
        ],
        unplaced=drafted.unplaced,
        omitted=[leaf for leaf, why in drafted.omits.items() if why],
        remaining=remaining,
        folder=zipped,
    )
    detail = {"name": name, "items": len(drafted.rows), "not_placed": len(drafted.unplaced)}
    audit.record(audit.Act("onboarding.drafted", f"municipality:{row.municipality_id}", detail))
    return kept


def _folder(drafted: Drafted) -> tuple[bytes, list[str]]:
    """The folder as a ZIP file, and what must be filled in before it loads."""
    with tempfile.TemporaryDirectory() as place:
        where = Path(place) / drafted.name
        folder.write(drafted, where)
        remaining = folder.remaining(drafted, where, standards.tables_of)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(where.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(place))
    return packed.getvalue(), remaining
