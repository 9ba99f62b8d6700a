"""Changed characters become rows of the ledger; what came back and waits for a person; handed over on paper."""

import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
import msgspec
from django.db import migrations, models

from hub.actors import IS_STAFF, is_town, row_security
from hub.fidelity.characters import in_points
from hub.vault import cipher
from hub.vault import services as vault

MINE = f"{IS_STAFF} OR {is_town()}"


def move(apps, schema_editor):
    """Make rows of each delivery's sealed list; of a relocation that was shredded nothing is left to move."""
    Delivery, Substitution, DataKey = (
        apps.get_model(*name)
        for name in (("deliveries", "Delivery"), ("fidelity", "Substitution"), ("vault", "DataKey"))
    )
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('hub.actor', 'hub', true)")
    for row in Delivery.objects.filter(fallbacks__isnull=False).select_related("connection").iterator(chunk_size=500):
        key = DataKey.objects.filter(pk=row.relocation_id).first()
        if key is not None:
            Substitution.objects.bulk_create(rows(Substitution, row, vault.unwrap(row.relocation_id, bytes(key.wrapped))))


def rows(Substitution, delivery, key):
    sealed = cipher.unseal(key, bytes(delivery.fallbacks), f"deliveries_delivery:{delivery.pk}:fallbacks")
    for number, found in enumerate(msgspec.json.decode(sealed), start=1):
        texts = [found["original"], found["written"]]
        yield Substitution(
            delivery_id=delivery.pk,
            relocation_id=delivery.relocation_id,
            municipality_id=delivery.municipality_id,
            at=delivery.sent_at or delivery.created_at,
            number=number,
            standard=delivery.connection.standard,
            path=found["path"],
            points=in_points(*texts),
            rule=found["rule"],
            texts=cipher.seal(key, msgspec.json.encode(texts), f"fidelity_substitution.texts:{delivery.pk}:{number}"),
        )


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0001_initial'),
        ('fidelity', '0001_initial'),
        ('municipalities', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Difference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('report_id', models.UUIDField(verbose_name='report')),
                ('path', models.CharField(help_text='JSON pointer into the notice.', max_length=200, verbose_name='item')),
                ('texts', models.BinaryField()),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, max_length=100, verbose_name='settled by account')),
            ],
            options={
                'verbose_name': 'difference that came back',
                'verbose_name_plural': 'differences that came back',
            },
        ),
        migrations.CreateModel(
            name='Return',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('report', models.JSONField(blank=True, default=dict, verbose_name='report')),
                ('content', models.BinaryField()),
                ('mark', models.BinaryField()),
                ('code', models.CharField(max_length=4, verbose_name='error')),
                ('item', models.CharField(blank=True, max_length=200, verbose_name='item')),
                ('points', models.CharField(blank=True, max_length=200, verbose_name='unknown characters')),
                ('state', models.CharField(choices=[('held', 'a person must look'), ('taken', 'taken in'), ('dropped', 'put aside')], default='held', max_length=8, verbose_name='state')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, max_length=100, verbose_name='settled by account')),
            ],
            options={
                'verbose_name': 'file that came back',
                'verbose_name_plural': 'files that came back',
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='delivery',
            name='steps',
        ),
        migrations.RunPython(move),
        migrations.RemoveField(
            model_name='delivery',
            name='fallbacks',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='steps', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{queued:answered,queued:expired,queued:held,queued:ready,queued:sent,queued:superseded,queued:withdrawn,ready:answered,ready:expired,ready:held,ready:queued,ready:sent,ready:superseded,ready:withdrawn,sent:answered,sent:held,sent:queued,answered:queued,held:queued,held:sent,held:superseded,held:withdrawn}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='bf42a68844bbcd3467ff9a5a83104c76dc04444c', operation='UPDATE', pgid='pgtrigger_steps_921fd', table='deliveries_delivery', when='BEFORE')),
        ),
        migrations.AddField(
            model_name='difference',
            name='delivery',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='differences', to='deliveries.delivery', verbose_name='delivery'),
        ),
        migrations.AddField(
            model_name='difference',
            name='municipality',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='return',
            name='delivery',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='returns', to='deliveries.delivery', verbose_name='delivery'),
        ),
        migrations.AddField(
            model_name='return',
            name='municipality',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddIndex(
            model_name='difference',
            index=models.Index(fields=['municipality', '-id'], name='difference_of_town'),
        ),
        migrations.AddConstraint(
            model_name='difference',
            constraint=models.UniqueConstraint(fields=('report_id', 'path'), name='difference_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='difference',
            trigger=pgtrigger.compiler.Trigger(name='came_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."delivery_id" IS DISTINCT FROM (NEW."delivery_id") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."report_id" IS DISTINCT FROM (NEW."report_id") OR OLD."path" IS DISTINCT FROM (NEW."path") OR OLD."texts" IS DISTINCT FROM (NEW."texts"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='66c96bb26a7296dfc9b9ef5852bcf5b1e0ff6d02', operation='UPDATE', pgid='pgtrigger_came_once_9f171', table='deliveries_difference', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='difference',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='728dc489f3a047e0d59a30388b88607aa29ef0df', operation='DELETE', pgid='pgtrigger_kept_b65a9', table='deliveries_difference', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='return',
            index=models.Index(fields=['municipality', '-id'], name='return_of_town'),
        ),
        migrations.AddConstraint(
            model_name='return',
            constraint=models.UniqueConstraint(fields=('delivery', 'mark'), name='return_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='return',
            trigger=pgtrigger.compiler.Trigger(name='came_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."delivery_id" IS DISTINCT FROM (NEW."delivery_id") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."at" IS DISTINCT FROM (NEW."at") OR OLD."report" IS DISTINCT FROM (NEW."report") OR OLD."content" IS DISTINCT FROM (NEW."content") OR OLD."mark" IS DISTINCT FROM (NEW."mark"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='16fb889fa9973ae7aa955b821a57042764388c3e', operation='UPDATE', pgid='pgtrigger_came_once_26302', table='deliveries_return', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='return',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='cb80d899540a3057e5b2c648e0d20005440e1259', operation='DELETE', pgid='pgtrigger_kept_0017f', table='deliveries_return', when='BEFORE')),
        ),
        row_security("deliveries_return", MINE, MINE),
        row_security("deliveries_difference", MINE, MINE),
    ]
