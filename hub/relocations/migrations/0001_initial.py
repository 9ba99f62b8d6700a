"""Relocations, legs, movers, reports and events, with their state machines and row-level security."""

import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


from django.db.migrations.operations import RunSQL

from hub.actors import ACCOUNT, ACTOR, IS_HUB, IS_STAFF, is_town, row_security

#: Citizens and partner fronts see what they filed.
IS_OWNER = f"({ACTOR} IN ('citizen', 'front') AND owner = {ACTOR} || ':' || {ACCOUNT})"
OF_RELOCATION = "EXISTS (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id)"
OWN = f"({ACTOR} IN ('citizen', 'front') AND {OF_RELOCATION})"
#: Towns see a relocation in which they have a leg.
HAS_LEG = (
    f"({ACTOR} IN ('clerk', 'system') AND EXISTS (SELECT 1 FROM relocations_leg AS leg"
    " WHERE leg.relocation_id = relocations_relocation.id))"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0001_initial'),
        ('deliveries', '0001_initial'),
        ('vault', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Leg',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('origin', 'origin'), ('destination', 'destination'), ('domicile', 'domicile'), ('last_registered', 'last_registered')], max_length=16, verbose_name='role')),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='legs', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'leg',
                'verbose_name_plural': 'legs',
            },
        ),
        migrations.CreateModel(
            name='Relocation',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('receipt_no', models.CharField(default=hub.ids.receipt_no, max_length=14, unique=True, verbose_name='receipt number')),
                ('kind', models.CharField(choices=[('DOMESTIC', 'DOMESTIC'), ('IN_CITY', 'IN_CITY'), ('WARD_TO_WARD', 'WARD_TO_WARD'), ('OVERSEAS_OUT', 'OVERSEAS_OUT'), ('OVERSEAS_IN', 'OVERSEAS_IN'), ('HOUSEHOLD_CHANGE', 'HOUSEHOLD_CHANGE')], max_length=16, verbose_name='kind')),
                ('flow', models.CharField(choices=[('CARD_SPECIAL', 'CARD_SPECIAL'), ('PAPER_CERT', 'PAPER_CERT'), ('EX_OFFICIO', 'EX_OFFICIO'), ('NOT_APPLICABLE', 'NOT_APPLICABLE')], max_length=16, verbose_name='flow')),
                ('state', models.CharField(choices=[('SUBMITTED', 'received'), ('IN_REVIEW', 'under review at the municipality you leave'), ('RETURNED', 'returned: something must be corrected'), ('MOVEOUT_ACCEPTED', 'move-out accepted'), ('AWAITING_ARRIVAL', 'moved out; go to the counter of the new municipality'), ('ARRIVED', 'registered at the new municipality'), ('SETTLED', 'everything is settled'), ('REJECTED', 'not accepted by the municipality you leave'), ('WITHDRAWN', 'withdrawn by you')], default='SUBMITTED', max_length=16, verbose_name='state')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('planned_out_on', models.DateField(verbose_name='planned move-out date')),
                ('filed_on', models.DateField(verbose_name='filed on')),
                ('submitted_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='submitted')),
                ('owner', models.CharField(editable=False, max_length=120)),
                ('destination', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='destination')),
                ('origin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='origin')),
            ],
            options={
                'verbose_name': 'relocation',
                'verbose_name_plural': 'relocations',
            },
        ),
        migrations.CreateModel(
            name='Mover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(max_length=16, verbose_name='role')),
                ('ordinal', models.PositiveSmallIntegerField(verbose_name='mover')),
                ('state', models.CharField(max_length=16, verbose_name='state')),
                ('leg', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='movers', to='relocations.leg')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='movers', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'mover',
                'verbose_name_plural': 'movers',
            },
        ),
        migrations.AddField(
            model_name='leg',
            name='relocation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='legs', to='relocations.relocation', verbose_name='relocation'),
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client', models.CharField(max_length=120)),
                ('key', models.CharField(max_length=200)),
                ('fingerprint', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('relocation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation')),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('type', models.CharField(max_length=40, verbose_name='event')),
                ('actor_kind', models.CharField(max_length=8, verbose_name='by')),
                ('detail', models.JSONField(default=dict, verbose_name='detail')),
                ('municipality', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'event',
                'verbose_name_plural': 'events',
            },
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('type', models.CharField(max_length=32, verbose_name='report')),
                ('outcome', models.CharField(blank=True, max_length=16, verbose_name='outcome')),
                ('ordinals', models.JSONField(verbose_name='movers')),
                ('received_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='received')),
                ('fingerprint', models.BinaryField()),
                ('body', models.BinaryField()),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='relocations.relocation')),
            ],
            options={
                'verbose_name': 'report',
                'verbose_name_plural': 'reports',
            },
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(default=1)),
                ('body', models.BinaryField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='relocations.relocation')),
            ],
        ),
        migrations.AddIndex(
            model_name='relocation',
            index=models.Index(fields=['owner', '-id'], name='relocation_owner'),
        ),
        migrations.AddIndex(
            model_name='relocation',
            index=models.Index(fields=['state', '-id'], name='relocation_state'),
        ),
        migrations.AddConstraint(
            model_name='relocation',
            constraint=models.CheckConstraint(condition=models.Q(('origin', models.F('destination')), _negated=True), name='relocation_moves'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='relocation',
            trigger=pgtrigger.compiler.Trigger(name='filed_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."receipt_no" IS DISTINCT FROM (NEW."receipt_no") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."filed_on" IS DISTINCT FROM (NEW."filed_on") OR OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at") OR OLD."owner" IS DISTINCT FROM (NEW."owner"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='7a8e1f239e6a3f392728d44dcd33fad94a92e54b', operation='UPDATE', pgid='pgtrigger_filed_once_0b49c', table='relocations_relocation', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='relocation',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='ed34a82f55051f783d2d8f3e1c2aeef22b9e840e', operation='DELETE', pgid='pgtrigger_kept_1a712', table='relocations_relocation', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='mover',
            index=models.Index(fields=['relocation', 'ordinal'], name='mover_of_relocation'),
        ),
        migrations.AddConstraint(
            model_name='mover',
            constraint=models.UniqueConstraint(fields=('leg', 'ordinal'), name='mover_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_origin', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'origin\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{DELIVERED:PROVISIONAL,DELIVERED:WITHDRAWN,EFFECTIVE:CONFIRMED,PENDING:DELIVERED,PENDING:PROVISIONAL,PENDING:WITHDRAWN,PROVISIONAL:REGISTERED,PROVISIONAL:REJECTED,PROVISIONAL:RETURNED,PROVISIONAL:WITHDRAWN,REGISTERED:CONFIRMED,REGISTERED:EFFECTIVE,RETURNED:WITHDRAWN}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='1fa3b97e33555eeac3aac0492bbec3bc0f5fedaf', operation='UPDATE', pgid='pgtrigger_steps_origin_4722a', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_destination', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'destination\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{ANNOUNCED:AT_COUNTER,ANNOUNCED:CANCELLED,ANNOUNCED:PREPARED,AT_COUNTER:CANCELLED,AT_COUNTER:PREPARED,AT_COUNTER:REGISTERED,AT_COUNTER:REJECTED,NONE:ANNOUNCED,NONE:AT_COUNTER,NONE:CANCELLED,NONE:PREPARED,NOTIFIED:CLOSED,PREPARED:AT_COUNTER,PREPARED:CANCELLED,REGISTERED:CLOSED,REGISTERED:NOTIFIED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='aa40e0a40f5f3bbf71fbe3a7d6c94c3fe885030b', operation='UPDATE', pgid='pgtrigger_steps_destination_1ec9a', table='relocations_mover', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='mover',
            trigger=pgtrigger.compiler.Trigger(name='steps_domicile', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."role" = \'domicile\')', declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{NONE:APPLIED,NONE:CANCELLED,NONE:NOTICE_SENT,NOTICE_SENT:APPLIED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='8884b5861a192dfdb8d9bbf49e83e01ced8205a0', operation='UPDATE', pgid='pgtrigger_steps_domicile_655a1', table='relocations_mover', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='leg',
            index=models.Index(fields=['municipality', '-relocation'], name='leg_of_town'),
        ),
        migrations.AddConstraint(
            model_name='leg',
            constraint=models.UniqueConstraint(fields=('relocation', 'role', 'municipality'), name='leg_once'),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('client', 'key'), name='idempotency_once'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['relocation', 'id'], name='event_of_relocation'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='event',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2bb9d821a8d3d9be42876d74c322f29f3962dc04', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_7cc2f', table='relocations_event', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['relocation', 'received_at'], name='report_of_relocation'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='report',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1cd89650a8491ed9614a5c616e425874b264e672', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_ee123', table='relocations_report', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(fields=('relocation', 'number'), name='version_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='version',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9b871f1f742fc86a49a7d4f9149f909814fbe16b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_65a0a', table='relocations_version', when='BEFORE')),
        ),
        row_security("relocations_leg", f"{IS_STAFF} OR {is_town()} OR {IS_OWNER}", IS_HUB),
        row_security("relocations_relocation", f"{IS_STAFF} OR {IS_OWNER} OR {HAS_LEG}", IS_HUB),
        row_security("relocations_mover", f"{IS_STAFF} OR {is_town()} OR {OWN}", IS_HUB, f"{IS_HUB} OR {is_town()}"),
        row_security("relocations_report", f"{IS_STAFF} OR {is_town()} OR {OWN}", IS_HUB),
        row_security("relocations_event", f"{IS_STAFF} OR {is_town()} OR {OWN}", IS_HUB),
        # The whole document: towns read their notices instead, operators read neither.
        row_security("relocations_version", f"{IS_HUB} OR {OWN}", IS_HUB),
        row_security("relocations_idempotencykey", IS_HUB, IS_HUB, removes=IS_HUB),
        # An operator sees the relocation but has no key to anything sealed in it.
        row_security("vault_datakey", f"{IS_HUB} OR ({ACTOR} IN ('clerk', 'system', 'citizen', 'front') AND {OF_RELOCATION})", IS_HUB, removes=IS_HUB),
        RunSQL(
            f"CREATE POLICY owner_sees ON deliveries_delivery FOR SELECT USING ({OWN})",
            "DROP POLICY owner_sees ON deliveries_delivery",
        ),
    ]
