"""New deliveries, each bound to its town's connection of the day it is told on."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.utils import timezone

from hub import actors
from hub.catalogue import refuse
from hub.deliveries.models import Delivery
from hub.rows import sent

# Deliveries over today's connections, with their first steps, in one statement: most filings pass here.
INSERT = """
WITH told AS (
    INSERT INTO deliveries_delivery (id, relocation_id, receipt_no, version, type, role, part, ordinals,
           municipality_id, connection_id, sequence, notice, state, answer, cause, code, attempts, attempts_before,
           due_at, leased_by, created_at)
    SELECT d.id, d.relocation, d.receipt_no, d.version, d.type, d.role, d.part, d.ordinals,
           d.town, link.id, d.sequence, d.notice, 'queued', '', '', '', 0, 0, %(now)s, '', %(at)s
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS d(id uuid, relocation uuid, receipt_no varchar, version int, type varchar, role varchar, part int,
                ordinals jsonb, town varchar, sequence int, notice bytea)
      JOIN municipalities_connection AS link
        ON link.municipality_id = d.town AND link.valid_from <= %(today)s
       AND (link.valid_to IS NULL OR link.valid_to >= %(today)s)
    RETURNING id, connection_id
), steps AS (
    INSERT INTO deliveries_event (delivery_id, at, state, attempt, code, note, actor_kind)
    SELECT id, %(at)s, 'queued', 0, '', '', %(kind)s FROM told
)
SELECT id, connection_id FROM told
"""


def insert(rows: Sequence[Delivery], at: datetime) -> None:
    """Write new deliveries, made at this moment, and their first steps; E120 for a town without a connection today."""
    now = timezone.now()
    parameters = {
        "now": now,
        "at": at,
        "today": timezone.localdate(now),
        "kind": actors.current().kind.value,
        "rows": sent(
            {
                "id": row.pk,
                "relocation": row.relocation_id,
                "receipt_no": row.receipt_no,
                "version": row.version,
                "type": row.type,
                "role": row.role,
                "part": row.part,
                "ordinals": row.ordinals,
                "town": row.municipality_id,
                "sequence": row.sequence,
                "notice": row.notice,
            }
            for row in rows
        ),
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, parameters)
        bound = dict(cursor.fetchall())
    for row in rows:
        if row.pk not in bound:
            raise refuse("E120", detail=f"The municipality {row.municipality_id} has no connection.")
        row.connection_id = bound[row.pk]
