"""Audit entries and chains, append-only, with row-level security."""

import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


from hub.actors import ACCOUNT, ACTOR, IS_STAFF, row_security

OWN = (
    f"(actor_kind = {ACTOR} AND actor = {ACCOUNT} AND {ACTOR} <> ''"
    " AND municipality = current_setting('hub.municipality', true))"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Chain',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('length', models.PositiveIntegerField(default=0)),
                ('head', models.BinaryField(default=b'')),
                ('seal', models.BinaryField(default=b'')),
            ],
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chain_id', models.UUIDField()),
                ('number', models.PositiveIntegerField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('actor_kind', models.CharField(max_length=8)),
                ('actor', models.CharField(max_length=100)),
                ('municipality', models.CharField(blank=True, max_length=6)),
                ('action', models.CharField(max_length=40)),
                ('subject', models.CharField(max_length=80)),
                ('detail', models.JSONField(default=dict)),
                ('code', models.BinaryField()),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit entries',
                'constraints': [models.UniqueConstraint(fields=('chain_id', 'number'), name='audit_entry_number')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='entry',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1b389f8260e22d0fbf38b4ff1e20214212b176ee', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a6b88', table='audit_entry', when='BEFORE')),
        ),
        row_security("audit_chain", f"{ACTOR} <> ''", f"{ACTOR} <> ''"),
        # An entry says who acts, and nobody writes one in another's name.
        # Changing one is let through to the trigger, which refuses it aloud.
        row_security("audit_entry", f"{IS_STAFF} OR {OWN}", OWN, changes=IS_STAFF, removes=IS_STAFF),
    ]
