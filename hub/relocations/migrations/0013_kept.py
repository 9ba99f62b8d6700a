"""What was said of a filing whose filer may not learn more: read and written by the hub alone."""

import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from hub.actors import IS_HUB, row_security


class Migration(migrations.Migration):

    dependencies = [
        ('relocations', '0012_late_notice'),
    ]

    operations = [
        migrations.CreateModel(
            name='Kept',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('type', models.CharField(max_length=40)),
                ('ordinals', models.JSONField(default=list)),
                ('agreement', models.CharField(blank=True, choices=[('', 'Not Needed'), ('PENDING', 'Pending'), ('GIVEN', 'Given'), ('REFUSED', 'Refused')], max_length=8)),
                ('request_id', models.UUIDField(null=True)),
                ('account', models.CharField(blank=True, max_length=120)),
                ('relocation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='kept', to='relocations.relocation')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('account', ''), _negated=True), fields=['account'], name='kept_of_account')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='kept',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='0e5305a583e298824bc5de2f9ad2091349050374', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9cba0', table='relocations_kept', when='BEFORE')),
        ),
        row_security("relocations_kept", IS_HUB, IS_HUB),
    ]
