"""A settled filing of which nobody owes a procedure that the law orders is complete."""

from django.db import migrations, models

#: Rules with a duty (``procedures.csv``) as of this migration.
DUTIES = (
    *("F01.loss", "F01.gain", "F01.address", "F02", "F03.out", "F04", "F05.other", "F05.same", "F07.loss", "F07.gain"),
    *("F08.end", "F08.apart", "F10.claim", "F11.claim", "F12.enter", "F19", "F20.return", "F20.register", "F21", "F22"),
)
STATES = [
    ("SUBMITTED", "received"),
    ("IN_REVIEW", "under review at the municipality you leave"),
    ("CONSENT_PENDING", "waiting for the consent of those concerned"),
    ("RETURNED", "returned: something must be corrected"),
    ("MOVEOUT_ACCEPTED", "move-out accepted"),
    ("AWAITING_ARRIVAL", "moved out; go to the counter of the new municipality"),
    ("NON_ARRIVAL", "moved out; no move-in is known of"),
    ("ARRIVED", "registered at the new municipality"),
    ("SETTLED", "moved; procedures are still open"),
    ("COMPLETE", "complete"),
    ("REJECTED", "not accepted by the municipality"),
    ("WITHDRAWN", "withdrawn by you"),
    ("CANCELLED", "cancelled at the municipality"),
]
COMPLETE = """
UPDATE relocations_relocation AS one SET state = 'COMPLETE'
 WHERE one.state = 'SETTLED' AND NOT EXISTS (
       SELECT FROM procedures_task AS task
        WHERE task.relocation_id = one.id AND task.state IN ('PENDING', 'READY', 'SENT') AND task.rule = ANY(%s))
"""
SETTLED = "UPDATE relocations_relocation SET state = 'SETTLED' WHERE state = 'COMPLETE'"


def complete(apps, schema_editor) -> None:
    """Say so of those that are."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.actor', 'hub', true)")
        cursor.execute(COMPLETE, [list(DUTIES)])


def settled(apps, schema_editor) -> None:
    """Take it back."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.actor', 'hub', true)")
        cursor.execute(SETTLED)


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0002_task_opens_on"),
        ("relocations", "0016_registered_again"),
    ]

    operations = [
        migrations.AlterField(
            model_name="relocation",
            name="frozen_state",
            field=models.CharField(blank=True, choices=STATES, editable=False, max_length=16),
        ),
        migrations.AlterField(
            model_name="relocation",
            name="state",
            field=models.CharField(choices=STATES, default="SUBMITTED", max_length=16, verbose_name="state"),
        ),
        migrations.RunPython(complete, settled),
    ]
