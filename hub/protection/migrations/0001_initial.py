"""Protection measures; what a measure guards is opened by two clerks."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACCOUNT, ACTOR, IS_HUB, IS_PROTECTING, is_town, narrowed, row_security

ENTRUSTED = f"{IS_HUB} OR ({IS_PROTECTING} AND {is_town()})"
#: The key of a guarded relocation opens for the clerk who asked, while what another released lasts.
RELEASED = (
    f"{ACTOR} <> 'clerk'"
    " OR NOT EXISTS (SELECT 1 FROM relocations_leg AS leg"
    " WHERE leg.relocation_id = vault_datakey.relocation_id AND leg.guard <> '')"
    " OR EXISTS (SELECT 1 FROM protection_release AS one"
    " WHERE one.relocation_id = vault_datakey.relocation_id AND one.act = 'SEE'"
    f" AND one.asked_by = {ACCOUNT} AND one.released_at IS NOT NULL AND now() < one.until)"
)
TASK_IN_SIGHT = (
    f"{ACTOR} <> 'clerk' OR EXISTS (SELECT 1 FROM relocations_leg AS leg"
    " WHERE leg.relocation_id = procedures_task.relocation_id)"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('vault', '0001_initial'),
        ('procedures', '0001_initial'),
        ('municipalities', '0002_gaiji_and_trials'),
        ('relocations', '0004_consent_and_guard'),
    ]

    operations = [
        migrations.CreateModel(
            name='ContactWish',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('settled_at', models.DateTimeField(null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, editable=False, max_length=120)),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
                ('relocation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation', verbose_name='relocation')),
            ],
            options={
                'verbose_name': 'wish to talk about protection',
                'verbose_name_plural': 'wishes to talk about protection',
            },
        ),
        migrations.CreateModel(
            name='Measure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mark', models.BinaryField()),
                ('state', models.CharField(choices=[('PROVISIONAL', 'provisional (仮支援措置)'), ('ACTIVE', 'in force'), ('ENDED', 'ended')], default='PROVISIONAL', max_length=11, verbose_name='state')),
                ('contact_office', models.CharField(help_text='Whom other municipalities ask: an office, never a person.', max_length=100, verbose_name='contact office')),
                ('expires_on', models.DateField(help_text='One year as a rule. Afterwards the protection stays until two clerks end it.', verbose_name='last day')),
                ('set_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='set')),
                ('set_by', models.CharField(editable=False, max_length=120)),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'protection measure',
                'verbose_name_plural': 'protection measures',
            },
        ),
        migrations.CreateModel(
            name='Guarded',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ordinal', models.PositiveSmallIntegerField(verbose_name='mover')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, verbose_name='since')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation', verbose_name='relocation')),
                ('measure', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='guarded', to='protection.measure')),
            ],
            options={
                'verbose_name': 'guarded filing',
                'verbose_name_plural': 'guarded filings',
            },
        ),
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(choices=[('SEE', 'see the protected data of a filing'), ('END', 'end the measure')], max_length=3, verbose_name='act')),
                ('asked_by', models.CharField(max_length=120)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('released_by', models.CharField(blank=True, max_length=120)),
                ('released_at', models.DateTimeField(null=True, verbose_name='released')),
                ('until', models.DateTimeField(null=True, verbose_name='until')),
                ('measure', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='protection.measure', verbose_name='protection measure')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation', verbose_name='relocation')),
            ],
            options={
                'verbose_name': 'release by two clerks',
                'verbose_name_plural': 'releases by two clerks',
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='contactwish',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='c890cca42459dec8eca6583ff27f5dbc66d2c507', operation='DELETE', pgid='pgtrigger_kept_00696', table='protection_contactwish', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='measure',
            index=models.Index(fields=['municipality', 'expires_on'], name='measure_expires'),
        ),
        migrations.AddConstraint(
            model_name='measure',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'ENDED'), _negated=True), fields=('municipality', 'mark'), name='measure_of_person'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='measure',
            trigger=pgtrigger.compiler.Trigger(name='steps', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{PROVISIONAL:ACTIVE,PROVISIONAL:ENDED,ACTIVE:ENDED}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='9f0ea5b15322ddccd2610a02eda0b8962f3d9b52', operation='UPDATE', pgid='pgtrigger_steps_38e0a', table='protection_measure', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='measure',
            trigger=pgtrigger.compiler.Trigger(name='set_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."mark" IS DISTINCT FROM (NEW."mark") OR OLD."set_at" IS DISTINCT FROM (NEW."set_at") OR OLD."set_by" IS DISTINCT FROM (NEW."set_by"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='ae6fbde1ab15448ca231ac4b4c20563518eee31d', operation='UPDATE', pgid='pgtrigger_set_once_1ac7c', table='protection_measure', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='measure',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='0c7e274a4dcd2661aadefa14d9a9cac2b652eae9', operation='DELETE', pgid='pgtrigger_kept_092ad', table='protection_measure', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='guarded',
            constraint=models.UniqueConstraint(fields=('measure', 'relocation'), name='guarded_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='guarded',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='09ece511ea7f45d84d96689ef392dc176bc87bbe', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6d5ff', table='protection_guarded', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(fields=['relocation', 'asked_by'], name='release_for_reader'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(('asked_by', models.F('released_by')), _negated=True), name='release_takes_two'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('act', 'END'), ('relocation', None)), models.Q(('act', 'SEE'), ('relocation__isnull', False)), _connector='OR'), name='release_of_what'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('released_at', None), ('released_by', '')), models.Q(models.Q(('released_by', ''), _negated=True), ('released_at__isnull', False)), _connector='OR'), name='release_by_somebody'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='asked_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."act" IS DISTINCT FROM (NEW."act") OR OLD."measure_id" IS DISTINCT FROM (NEW."measure_id") OR OLD."relocation_id" IS DISTINCT FROM (NEW."relocation_id") OR OLD."asked_by" IS DISTINCT FROM (NEW."asked_by") OR OLD."asked_at" IS DISTINCT FROM (NEW."asked_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='82afc4e6ad95bc83ad067d581c66b83d3ef6fb2c', operation='UPDATE', pgid='pgtrigger_asked_once_81e97', table='protection_release', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='released_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."released_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='c856812062fe7a94579b2c2847a8cd1828a34305', operation='UPDATE', pgid='pgtrigger_released_once_1164c', table='protection_release', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='251e37772e37dec2827b11133a3d62e542902e07', operation='DELETE', pgid='pgtrigger_kept_b47ee', table='protection_release', when='BEFORE')),
        ),
        row_security("protection_measure", ENTRUSTED, IS_HUB, changes=ENTRUSTED),
        row_security("protection_guarded", ENTRUSTED, IS_HUB, changes="false"),
        row_security("protection_release", ENTRUSTED, ENTRUSTED),
        row_security("protection_contactwish", ENTRUSTED, IS_HUB, changes=ENTRUSTED),
        narrowed("vault_datakey", "released", RELEASED),
        # Departments see no task of a guarded relocation; the counter of the protection role does.
        narrowed("procedures_task", "leg_in_sight", TASK_IN_SIGHT),
    ]
