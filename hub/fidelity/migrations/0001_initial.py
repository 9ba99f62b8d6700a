"""Decisions of clerks and the ledger of changed characters, with row-level security."""

import django.db.models.deletion
import django.utils.timezone
import hub.ids
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import ACTOR, IS_HUB, IS_STAFF, is_town, row_security

OF_RELOCATION = "EXISTS (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id)"
#: Citizens and partner fronts see what became of the characters that they filed.
OWN = f"({ACTOR} IN ('citizen', 'front') AND {OF_RELOCATION})"
#: A clerk decides for the own municipality alone; a system decides nothing.
DECIDES = f"{IS_STAFF} OR ({ACTOR} = 'clerk' AND {is_town()})"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0001_initial'),
        ('relocations', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.UUIDField(default=hub.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('target', models.CharField(max_length=80, verbose_name='character set')),
                ('mark', models.BinaryField()),
                ('kind', models.CharField(choices=[('write', 'another writing'), ('paper', 'held until the town takes it on paper')], max_length=8, verbose_name='decision')),
                ('texts', models.BinaryField()),
                ('points', models.CharField(blank=True, max_length=200, verbose_name='characters asked about')),
                ('basis', models.CharField(blank=True, max_length=300, verbose_name='legal basis')),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='decided')),
                ('decided_by_kind', models.CharField(max_length=8, verbose_name='by')),
                ('decided_by', models.CharField(max_length=100, verbose_name='account')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('ended_by', models.CharField(blank=True, max_length=100, verbose_name='ended by account')),
                ('municipality', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'decision about characters',
                'verbose_name_plural': 'decisions about characters',
            },
        ),
        migrations.CreateModel(
            name='Substitution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('delivery_id', models.UUIDField(verbose_name='delivery')),
                ('relocation_id', models.UUIDField()),
                ('number', models.PositiveSmallIntegerField()),
                ('standard', models.CharField(max_length=60, verbose_name='record standard')),
                ('path', models.CharField(help_text='JSON pointer into the notice.', max_length=200, verbose_name='item')),
                ('points', models.TextField(blank=True, help_text='Code points: as filed → as written.', verbose_name='characters')),
                ('rule', models.TextField(verbose_name='rule')),
                ('texts', models.BinaryField()),
                ('decision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='substitutions', to='fidelity.decision', verbose_name='decision')),
                ('municipality', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'changed characters',
                'verbose_name_plural': 'ledger of changed characters',
            },
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(fields=['municipality', '-id'], name='decision_of_town'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('mark', 'municipality'), name='decision_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', '')), models.Q(('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True)), _connector='OR'), name='decision_ended_by_somebody'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='decided_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."municipality_id" IS DISTINCT FROM (NEW."municipality_id") OR OLD."target" IS DISTINCT FROM (NEW."target") OR OLD."mark" IS DISTINCT FROM (NEW."mark") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."texts" IS DISTINCT FROM (NEW."texts") OR OLD."points" IS DISTINCT FROM (NEW."points") OR OLD."basis" IS DISTINCT FROM (NEW."basis") OR OLD."decided_at" IS DISTINCT FROM (NEW."decided_at") OR OLD."decided_by_kind" IS DISTINCT FROM (NEW."decided_by_kind") OR OLD."decided_by" IS DISTINCT FROM (NEW."decided_by"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='d250a98aac49e22155200d3ca7019f19c9101ca8', operation='UPDATE', pgid='pgtrigger_decided_once_7b2a1', table='fidelity_decision', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='3f85dd9f10e328cb2103243c0233824f7f783e92', operation='DELETE', pgid='pgtrigger_kept_6f5c6', table='fidelity_decision', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='decision',
            trigger=pgtrigger.compiler.Trigger(name='ended_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."ended_at" IS NOT NULL)', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='3b51b4f7a02c91cef185429ba65adebc869daf06', operation='UPDATE', pgid='pgtrigger_ended_once_98e85', table='fidelity_decision', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='substitution',
            index=models.Index(fields=['relocation_id'], name='substitution_of_move'),
        ),
        migrations.AddIndex(
            model_name='substitution',
            index=models.Index(fields=['municipality', '-id'], name='substitution_of_town'),
        ),
        migrations.AddConstraint(
            model_name='substitution',
            constraint=models.UniqueConstraint(fields=('delivery_id', 'number'), name='substitution_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='substitution',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5e5cad095cf83d2e7733fdc99523d98772a13887', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_6b8ff', table='fidelity_substitution', when='BEFORE')),
        ),
        row_security("fidelity_decision", f"{IS_STAFF} OR {is_town()}", DECIDES),
        row_security("fidelity_substitution", f"{IS_STAFF} OR {is_town()} OR {OWN}", IS_HUB, changes="false"),
    ]
