"""That a measure ends within a month is asked of every town that protects by it; the office stands beside it."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

OFFICES = """
UPDATE protection_expiry AS one SET contact_office = measure.contact_office FROM protection_measure AS measure
 WHERE measure.id = one.measure_id
"""


def offices(apps, schema_editor) -> None:
    """Name the office of what was asked before."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.actor', 'hub', true)")
        cursor.execute(OFFICES)


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0006_sets_protection'),
        ('protection', '0003_expiry'),
        ('relocations', '0018_flow_of_each_mover'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='expiry',
            name='raised_once',
        ),
        migrations.RemoveConstraint(
            model_name='expiry',
            name='expiry_once',
        ),
        migrations.AddField(
            model_name='expiry',
            name='contact_office',
            field=models.CharField(default='', max_length=100, verbose_name='contact office'),
            preserve_default=False,
        ),
        migrations.RunPython(offices, migrations.RunPython.noop),
        migrations.AddField(
            model_name='expiry',
            name='relocation',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation', verbose_name='relocation'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='expiry',
            trigger=pgtrigger.compiler.Trigger(name='raised_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."measure_id" IS DISTINCT FROM (NEW."measure_id") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."contact_office" IS DISTINCT FROM (NEW."contact_office") OR OLD."code" IS DISTINCT FROM (NEW."code") OR OLD."expires_on" IS DISTINCT FROM (NEW."expires_on") OR OLD."at" IS DISTINCT FROM (NEW."at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='97d1e544e62d4a5d56f14f8d5e074b0c31d24011', operation='UPDATE', pgid='pgtrigger_raised_once_05d25', table='protection_expiry', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='expiry',
            constraint=models.UniqueConstraint(fields=('measure', 'municipality', 'expires_on'), name='expiry_once'),
        ),
    ]
