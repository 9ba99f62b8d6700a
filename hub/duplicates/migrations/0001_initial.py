"""Marks of persons, and cases for the clerks of the municipality that keeps them."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACTOR, IS_HUB, is_town, narrowed, row_security

CLERKS = f"{IS_HUB} OR ({ACTOR} = 'clerk' AND {is_town()})"
#: A case of which a clerk may not see every filing does not exist for that clerk: one is under protection measures.
WHOLE = f"{ACTOR} <> 'clerk' OR size = (SELECT count(*) FROM duplicates_member AS one WHERE one.case_id = duplicates_case.id)"
LEG_IN_SIGHT = (
    f"{ACTOR} <> 'clerk' OR EXISTS (SELECT 1 FROM relocations_leg AS leg"
    " WHERE leg.relocation_id = duplicates_member.relocation_id)"
)


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
        ('relocations', '0004_consent_and_guard'),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mark', models.BinaryField()),
                ('finding', models.CharField(choices=[('OPEN', 'not decided yet'), ('SAME', 'the same person'), ('DIFFERENT', 'different persons')], default='OPEN', max_length=9, verbose_name='finding')),
                ('size', models.PositiveSmallIntegerField(default=0, verbose_name='filings')),
                ('opened_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='opened')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                ('decided_by', models.CharField(blank=True, editable=False, max_length=120)),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'duplicate case',
                'verbose_name_plural': 'duplicate cases',
            },
        ),
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ordinal', models.PositiveSmallIntegerField()),
                ('mark', models.BinaryField()),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='marks', to='relocations.relocation')),
            ],
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ordinal', models.PositiveSmallIntegerField(verbose_name='mover')),
                ('registered', models.BooleanField(default=False, verbose_name='move-out registered')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='duplicates.case')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality')),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='relocations.relocation', verbose_name='relocation')),
            ],
            options={
                'verbose_name': 'filing of the case',
                'verbose_name_plural': 'filings of the case',
            },
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['municipality', 'finding', '-id'], name='case_of_town'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.UniqueConstraint(condition=models.Q(('finding', 'DIFFERENT'), _negated=True), fields=('municipality', 'mark'), name='case_of_person'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='decided', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."finding", \':\', NEW."finding") = ANY(\'{OPEN:SAME,OPEN:DIFFERENT,SAME:DIFFERENT}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."finding" IS DISTINCT FROM NEW."finding") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "finding" from "%" to "%" on table %\', OLD."finding", NEW."finding", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='a9a397b5a752c1404923dd8499c8111c6bbb6d24', operation='UPDATE', pgid='pgtrigger_decided_dfcba', table='duplicates_case', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='e365c02b23beb25b70a8a06d741346ab0b5346b3', operation='DELETE', pgid='pgtrigger_kept_b34c3', table='duplicates_case', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='mark',
            index=models.Index(fields=['mark'], name='mark_of_person'),
        ),
        migrations.AddConstraint(
            model_name='mark',
            constraint=models.UniqueConstraint(fields=('relocation', 'municipality', 'ordinal'), name='mark_once'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(fields=('case', 'relocation'), name='member_once'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(condition=models.Q(('registered', True)), fields=('case',), name='one_registered'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='member',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='23b4cef86e81812ecd144a80ce40f3a5b67f1a2c', operation='DELETE', pgid='pgtrigger_kept_def0e', table='duplicates_member', when='BEFORE')),
        ),
        row_security("duplicates_mark", IS_HUB, IS_HUB, changes="false", removes=IS_HUB),
        row_security("duplicates_member", CLERKS, IS_HUB),
        narrowed("duplicates_member", "leg_in_sight", LEG_IN_SIGHT),
        row_security("duplicates_case", CLERKS, IS_HUB),
        narrowed("duplicates_case", "whole", WHOLE),
    ]
