"""When a delivery last changed, by the database's clock; who paused a lane."""

import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0002_what_came_back'),
        ('municipalities', '0002_gaiji_and_trials'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_ready',
        ),
        migrations.AddField(
            model_name='delivery',
            name='changed_at',
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name='lane',
            name='paused_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=8, verbose_name='paused by'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'ready')), fields=['municipality', 'changed_at', 'id'], name='delivery_ready'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['municipality', 'changed_at', 'id'], name='delivery_changed'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='delivery',
            trigger=pgtrigger.compiler.Trigger(name='changed', sql=pgtrigger.compiler.UpsertTriggerSql(func='NEW.changed_at = clock_timestamp(); RETURN NEW;', hash='7751c7ba73e82f13b18c00639561e3ea30510bff', operation='INSERT OR UPDATE OF "state"', pgid='pgtrigger_changed_aa232', table='deliveries_delivery', when='BEFORE')),
        ),
    ]
