"""Deliveries, receipts, events and lanes, with their state machine and row-level security."""

import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


from hub.actors import ACTOR, IS_HUB, IS_STAFF, is_town, row_security

MINE = f"{IS_STAFF} OR {is_town()}"
OF_DELIVERY = "EXISTS (SELECT 1 FROM deliveries_delivery AS delivery WHERE delivery.id = delivery_id)"

#: Events and receipts are written by who changes the delivery: never by the citizen who may see it.
WRITES = f"{IS_STAFF} OR ({ACTOR} IN ('clerk', 'system') AND {OF_DELIVERY})"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Lane',
            fields=[
                ('municipality', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='lane', serialize=False, to='municipalities.municipality', verbose_name='municipality')),
                ('paused', models.BooleanField(default=False, verbose_name='paused')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('blocked_until', models.DateTimeField(blank=True, null=True, verbose_name='blocked until')),
            ],
            options={
                'verbose_name': 'lane',
                'verbose_name_plural': 'lanes',
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('relocation_id', models.UUIDField(editable=False, verbose_name='relocation')),
                ('receipt_no', models.CharField(max_length=14, verbose_name='receipt number')),
                ('version', models.PositiveSmallIntegerField(default=1, verbose_name='version')),
                ('type', models.CharField(max_length=32, verbose_name='notice')),
                ('role', models.CharField(choices=[('origin', 'origin'), ('destination', 'destination'), ('domicile', 'domicile'), ('last_registered', 'last_registered')], max_length=16, verbose_name='role')),
                ('part', models.PositiveSmallIntegerField(default=1)),
                ('ordinals', models.JSONField(help_text='Numbers of the movers it tells about.', verbose_name='movers')),
                ('sequence', models.PositiveSmallIntegerField(verbose_name='sequence')),
                ('notice', models.BinaryField(help_text="The canonical notice, sealed with the relocation's key.")),
                ('state', models.CharField(choices=[('queued', 'waiting to be sent'), ('ready', 'waiting to be fetched'), ('sent', 'handed over'), ('answered', 'answered'), ('held', 'held: a person must look'), ('superseded', 'superseded by a later version'), ('withdrawn', 'withdrawn before it was sent'), ('expired', 'expired')], default='queued', max_length=10, verbose_name='state')),
                ('answer', models.CharField(blank=True, choices=[('received', 'received (受領)'), ('accepted_for_review', 'accepted for review (仮登録)'), ('registered', 'registered (本登録)'), ('returned', 'returned for correction (補正)'), ('rejected', 'rejected (不受理)'), ('implausible', 'implausible (事実相違)')], max_length=20, verbose_name='answer')),
                ('cause', models.CharField(blank=True, choices=[('ours', 'the hub'), ('theirs', 'the municipality'), ('data', 'a clerk decides about the data'), ('refused', 'the municipality refused it')], max_length=8, verbose_name='who must act')),
                ('code', models.CharField(blank=True, help_text='Code of the error catalogue.', max_length=4, verbose_name='error')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('attempts_before', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='next attempt')),
                ('leased_until', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='created')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='handed over')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('content_sha256', models.BinaryField(null=True)),
                ('fallbacks', models.BinaryField(null=True)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='municipalities.connection', verbose_name='connection')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('state', models.CharField(choices=[('queued', 'waiting to be sent'), ('ready', 'waiting to be fetched'), ('sent', 'handed over'), ('answered', 'answered'), ('held', 'held: a person must look'), ('superseded', 'superseded by a later version'), ('withdrawn', 'withdrawn before it was sent'), ('expired', 'expired')], max_length=10, verbose_name='state')),
                ('attempt', models.PositiveSmallIntegerField(default=0, verbose_name='attempt')),
                ('code', models.CharField(blank=True, max_length=4, verbose_name='error')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('actor_kind', models.CharField(max_length=8, verbose_name='by')),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='deliveries.delivery')),
            ],
            options={
                'verbose_name': 'step of a delivery',
                'verbose_name_plural': 'steps of deliveries',
            },
        ),
        migrations.CreateModel(
            name='Receipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('received', 'received (受領)'), ('accepted_for_review', 'accepted for review (仮登録)'), ('registered', 'registered (本登録)'), ('returned', 'returned for correction (補正)'), ('rejected', 'rejected (不受理)'), ('implausible', 'implausible (事実相違)')], max_length=20, verbose_name='kind')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('codes', models.JSONField(default=list, verbose_name='error codes')),
                ('body', models.BinaryField()),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receipts', to='deliveries.delivery')),
            ],
            options={
                'verbose_name': 'receipt',
                'verbose_name_plural': 'receipts',
            },
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'queued')), fields=['municipality', 'due_at'], name='delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('leased_until__isnull', False)), fields=['municipality', 'leased_until'], name='delivery_leased'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'ready')), fields=['municipality', 'id'], name='delivery_ready'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['municipality', '-id'], name='delivery_of_town'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['state', '-id'], name='delivery_by_state'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('relocation_id', 'version', 'type', 'role', 'municipality', 'part'), name='delivery_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('relocation_id', 'municipality', 'sequence'), name='delivery_in_order'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='steps', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{queued:answered,queued:expired,queued:held,queued:ready,queued:sent,queued:superseded,queued:withdrawn,ready:answered,ready:expired,ready:held,ready:queued,ready:sent,ready:superseded,ready:withdrawn,sent:answered,sent:held,sent:queued,answered:queued,held:queued,held:superseded,held:withdrawn}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='edd15d6e28740da4eb2101078bd642df31bfce35', operation='UPDATE', pgid='pgtrigger_steps_921fd', table='deliveries_delivery', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='told_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."version" IS DISTINCT FROM (NEW."version") OR OLD."type" IS DISTINCT FROM (NEW."type") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."part" IS DISTINCT FROM (NEW."part") OR OLD."sequence" IS DISTINCT FROM (NEW."sequence") OR OLD."notice" IS DISTINCT FROM (NEW."notice"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='cc5ea3e4aea42abc0f35177b3a4dcd249530e4ef', operation='UPDATE', pgid='pgtrigger_told_once_cd7ab', table='deliveries_delivery', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='d057b904e0c123a2abd51d99759e1b5b15e25b2d', operation='DELETE', pgid='pgtrigger_kept_7be76', table='deliveries_delivery', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['delivery', 'id'], name='delivery_event'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='event',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='dfe93c3d7a4809b516d0870c88cb5caf3a324359', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_8851f', table='deliveries_event', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='receipt',
            constraint=models.UniqueConstraint(fields=('delivery', 'kind'), name='receipt_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='receipt',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='bb04e0c7f6145e07d7865e601975408911669499', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_95a60', table='deliveries_receipt', when='BEFORE')),
        ),
        row_security("deliveries_delivery", MINE, IS_HUB, changes=MINE),
        row_security("deliveries_lane", MINE, IS_HUB, changes=f"{IS_STAFF}"),
        row_security("deliveries_event", f"{IS_STAFF} OR {OF_DELIVERY}", WRITES, changes="false"),
        row_security("deliveries_receipt", f"{IS_STAFF} OR {OF_DELIVERY}", WRITES, changes="false"),
    ]
