"""Hours and closures of lanes, leases of fetches, reconciliation and replays, with row-level security."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

from hub.actors import IS_HUB, IS_STAFF, is_town, row_security

MINE = f"{IS_STAFF} OR {is_town()}"


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0003_changed_at'),
        ('municipalities', '0003_pace_and_retries'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Closure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts', models.DateTimeField(verbose_name='starts')),
                ('ends', models.DateTimeField(verbose_name='ends')),
                ('note_code', models.CharField(choices=[('maintenance', 'maintenance'), ('migration', 'change of system'), ('outage', 'outage'), ('year_end', 'year-end closing'), ('other', 'other')], default='maintenance', max_length=12, verbose_name='why')),
                ('announced_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='announced')),
                ('cancelled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='cancelled')),
            ],
            options={
                'verbose_name': 'announced closure',
                'verbose_name_plural': 'announced closures',
            },
        ),
        migrations.CreateModel(
            name='DatedHours',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='date')),
                ('opens_at', models.TimeField(blank=True, help_text='Empty: closed all day.', null=True, verbose_name='opens at')),
                ('closes_at', models.TimeField(blank=True, null=True, verbose_name='closes at')),
            ],
            options={
                'verbose_name': 'hours of the system on a date',
                'verbose_name_plural': 'hours of the system on dates',
            },
        ),
        migrations.CreateModel(
            name='Discrepancy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('kind', models.CharField(choices=[('digest', 'the digests differ; the ids were not given'), ('missing', "handed over, and not in the municipality's books"), ('unknown', "in the municipality's books, and never handed over"), ('silent', 'no digest came from the municipality')], max_length=8, verbose_name='difference')),
                ('delivery_id', models.CharField(blank=True, max_length=36, verbose_name='delivery')),
                ('found_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='found')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, max_length=100, verbose_name='settled by account')),
            ],
            options={
                'verbose_name': 'difference in the books',
                'verbose_name_plural': 'differences in the books',
            },
        ),
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('compared_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='compared')),
                ('ours', models.JSONField(help_text='Number, last id and digest; no content.', verbose_name='of the hub')),
                ('theirs', models.JSONField(blank=True, null=True, verbose_name='of the municipality')),
                ('agrees', models.BooleanField(null=True, verbose_name='agrees')),
            ],
            options={
                'verbose_name': 'reconciliation',
                'verbose_name_plural': 'reconciliations',
            },
        ),
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('chosen', models.JSONField(verbose_name='chosen')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('state', models.CharField(choices=[('waiting', 'waits for a second operator'), ('running', 'running'), ('done', 'done'), ('stopped', 'stopped')], max_length=8, verbose_name='state')),
                ('expected', models.PositiveIntegerField(verbose_name='expected')),
                ('sent', models.PositiveIntegerField(default=0, verbose_name='sent again')),
                ('skipped', models.PositiveIntegerField(default=0, verbose_name='skipped')),
                ('reached', models.UUIDField(editable=False, null=True)),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
            ],
            options={
                'verbose_name': 'replay',
                'verbose_name_plural': 'replays',
            },
        ),
        migrations.CreateModel(
            name='WeeklyHours',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.PositiveSmallIntegerField(choices=[(0, 'Monday'), (1, 'Tuesday'), (2, 'Wednesday'), (3, 'Thursday'), (4, 'Friday'), (5, 'Saturday'), (6, 'Sunday')], verbose_name='day of the week')),
                ('opens_at', models.TimeField(verbose_name='opens at')),
                ('closes_at', models.TimeField(help_text='00:00 is the end of the day.', verbose_name='closes at')),
                ('on_holidays', models.BooleanField(default=False, verbose_name='on holidays too')),
            ],
            options={
                'verbose_name': 'weekly hours of the system',
                'verbose_name_plural': 'weekly hours of the system',
            },
        ),
        migrations.AddField(
            model_name='delivery',
            name='held_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='held since'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='leased_by',
            field=models.CharField(blank=True, default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='lane',
            name='open_from',
            field=models.DateTimeField(blank=True, null=True, verbose_name='open from'),
        ),
        migrations.AddField(
            model_name='lane',
            name='open_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='open until'),
        ),
        migrations.AddField(
            model_name='lane',
            name='paced_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='lane',
            name='resumed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='resumed'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['receipt_no'], name='delivery_receipt_no', opclasses=['varchar_pattern_ops']),
        ),
        migrations.AddField(
            model_name='closure',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='closures', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='datedhours',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='dated_hours', to='municipalities.municipality'),
        ),
        migrations.AddField(
            model_name='discrepancy',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='reconciliation',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AddField(
            model_name='replay',
            name='asked_by',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by'),
        ),
        migrations.AddField(
            model_name='replay',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='confirmed by'),
        ),
        migrations.AddField(
            model_name='weeklyhours',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='weekly_hours', to='municipalities.municipality'),
        ),
        migrations.AddIndex(
            model_name='closure',
            index=models.Index(fields=['municipality', 'ends'], name='closure_of_town'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.CheckConstraint(condition=models.Q(('ends__gt', models.F('starts'))), name='closure_forward'),
        ),
        migrations.AddConstraint(
            model_name='closure',
            constraint=models.UniqueConstraint(condition=models.Q(('cancelled_at', None)), fields=('municipality', 'starts', 'ends'), name='closure_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='closure',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='e35d8786773138036ddd4da93fc838fe7a6a6d28', operation='DELETE', pgid='pgtrigger_kept_64351', table='deliveries_closure', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='datedhours',
            constraint=models.UniqueConstraint(fields=('municipality', 'day', 'opens_at'), name='dated_hours_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='datedhours',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('closes_at', None), ('opens_at', None)), models.Q(('closes_at__isnull', False), ('opens_at__isnull', False), models.Q(('closes_at__gt', models.F('opens_at')), ('closes_at', '00:00'), _connector='OR')), _connector='OR'), name='dated_hours_forward'),
        ),
        migrations.AddIndex(
            model_name='discrepancy',
            index=models.Index(fields=['settled_at', '-day'], name='discrepancy_open'),
        ),
        migrations.AddConstraint(
            model_name='discrepancy',
            constraint=models.UniqueConstraint(fields=('municipality', 'day', 'kind', 'delivery_id'), name='discrepancy_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='discrepancy',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='ff653f6cdcbf39427b894c565b22024d3df98667', operation='DELETE', pgid='pgtrigger_kept_a956c', table='deliveries_discrepancy', when='BEFORE')),
        ),
        migrations.AddIndex(
            model_name='reconciliation',
            index=models.Index(fields=['agrees', '-day'], name='reconciliation_open'),
        ),
        migrations.AddConstraint(
            model_name='reconciliation',
            constraint=models.UniqueConstraint(fields=('municipality', 'day'), name='reconciled_once'),
        ),
        migrations.AddConstraint(
            model_name='replay',
            constraint=models.CheckConstraint(condition=models.Q(('confirmed_by', models.F('asked_by')), _negated=True), name='replay_four_eyes'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='replay',
            trigger=pgtrigger.compiler.Trigger(name='decided_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."chosen" IS DISTINCT FROM (NEW."chosen") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."expected" IS DISTINCT FROM (NEW."expected") OR OLD."asked_by_id" IS DISTINCT FROM (NEW."asked_by_id") OR OLD."asked_at" IS DISTINCT FROM (NEW."asked_at"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='f0c29177f418fe2b150365f1bb34cc6db3aab6c5', operation='UPDATE', pgid='pgtrigger_decided_once_720e3', table='deliveries_replay', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='replay',
            trigger=pgtrigger.compiler.Trigger(name='kept', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='5cb27e61b0742573eb8e554708fdf51306cbc1da', operation='DELETE', pgid='pgtrigger_kept_9448e', table='deliveries_replay', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='weeklyhours',
            constraint=models.UniqueConstraint(fields=('municipality', 'day', 'opens_at'), name='weekly_hours_once'),
        ),
        migrations.AddConstraint(
            model_name='weeklyhours',
            constraint=models.CheckConstraint(condition=models.Q(('closes_at__gt', models.F('opens_at')), ('closes_at', '00:00'), _connector='OR'), name='weekly_hours_forward'),
        ),
        row_security("deliveries_weeklyhours", MINE, MINE, removes=MINE),
        row_security("deliveries_datedhours", MINE, MINE, removes=MINE),
        row_security("deliveries_closure", MINE, MINE),
        row_security("deliveries_reconciliation", MINE, f"{IS_HUB} OR {is_town()}"),
        row_security("deliveries_discrepancy", MINE, f"{IS_HUB} OR {is_town()}", changes=MINE),
        row_security("deliveries_replay", IS_STAFF, IS_STAFF),
    ]
