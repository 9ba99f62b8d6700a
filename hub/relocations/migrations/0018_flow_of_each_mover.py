"""How the certificate travels is each mover's own; that the card was presented in time may be said later."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

FLOWS = [(name, name) for name in ("CARD_SPECIAL", "PAPER_CERT", "EX_OFFICIO", "NOT_APPLICABLE")]
OWN = """
UPDATE relocations_mover AS mover SET flow = one.flow FROM relocations_relocation AS one
 WHERE one.id = mover.relocation_id AND mover.flow <> one.flow
"""


def own(apps, schema_editor) -> None:
    """Give every mover the flow of the filing."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.actor', 'hub', true)")
        cursor.execute(OWN)


class Migration(migrations.Migration):
    dependencies = [
        ("relocations", "0017_complete"),
    ]

    operations = [
        migrations.AddField(
            model_name="mover",
            name="flow",
            field=models.CharField(
                choices=FLOWS, default="NOT_APPLICABLE", max_length=16, verbose_name="way of the certificate"
            ),
            preserve_default=False,
        ),
        migrations.RunPython(own, migrations.RunPython.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="deadline",
            name="steps",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deadline",
            trigger=pgtrigger.compiler.Trigger(
                name="steps",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" <> NEW."state" AND OLD."state" || \':\' || NEW."state" NOT IN (\'MET:RUNNING\', \'PASSED:MET\', \'RUNNING:MET\', \'RUNNING:PASSED\', \'RUNNING:SUPERSEDED\', \'SUPERSEDED:RUNNING\'))',
                    func='RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME;',
                    hash="aac51fad72753de533b15f3962164d0c310ab68d",
                    operation="UPDATE",
                    pgid="pgtrigger_steps_ab50a",
                    table="relocations_deadline",
                    when="BEFORE",
                ),
            ),
        ),
    ]
