"""Consents, heartbeats and what changed for fronts, under row-level security."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from hub.actors import ACCOUNT, ACTOR, IS_HUB, IS_STAFF, is_town, row_security

IS_OWNER = f"({ACTOR} = 'front' AND owner = {ACTOR} || ':' || {ACCOUNT})"

#: Whatever happens to a front's relocation is an event of it.
TOUCH = """
CREATE FUNCTION api_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_relocationchange (relocation_id, owner, changed_at)
    SELECT one.id, one.owner, clock_timestamp()
      FROM new_events JOIN relocations_relocation AS one ON one.id = new_events.relocation_id
     WHERE one.owner LIKE 'front:%'
     GROUP BY one.id, one.owner
        ON CONFLICT (relocation_id) DO UPDATE SET changed_at = clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER api_touch AFTER INSERT ON relocations_event
    REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION api_touch();
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
        ('relocations', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('relocation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='consent', serialize=False, to='relocations.relocation')),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='recorded')),
                ('body', models.BinaryField()),
            ],
            options={
                'verbose_name': 'consent given to a front',
                'verbose_name_plural': 'consents given to fronts',
            },
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('municipality', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='heartbeat', serialize=False, to='municipalities.municipality', verbose_name='municipality')),
                ('at', models.DateTimeField(verbose_name='last heard')),
                ('open', models.BooleanField(verbose_name='says it is open')),
                ('backlog', models.PositiveIntegerField(default=0, verbose_name='its own backlog')),
                ('software', models.CharField(blank=True, max_length=100, verbose_name='software')),
            ],
            options={
                'verbose_name': 'heartbeat of an adapter',
                'verbose_name_plural': 'heartbeats of adapters',
            },
        ),
        migrations.CreateModel(
            name='RelocationChange',
            fields=[
                ('relocation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='relocations.relocation')),
                ('owner', models.CharField(max_length=120)),
                ('changed_at', models.DateTimeField()),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='consent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4dfdb16e43aa60d8c53337d5a7af4472fbbbf9ae', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_1c790', table='api_consent', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='relocationchange',
            index=models.Index(fields=['owner', 'changed_at', 'relocation'], name='api_change_of_front'),
        ),
        row_security("api_consent", f"{IS_HUB} OR {IS_OWNER}", IS_HUB, changes="false"),
        row_security("api_heartbeat", f"{IS_STAFF} OR {is_town()}", f"{IS_HUB} OR {is_town()}"),
        row_security("api_relocationchange", f"{IS_STAFF} OR {IS_OWNER}", IS_HUB),
        RunSQL(TOUCH, "DROP TRIGGER api_touch ON relocations_event; DROP FUNCTION api_touch();"),
    ]
