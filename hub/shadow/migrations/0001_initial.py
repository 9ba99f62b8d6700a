"""Trials of the next standard and what they found, with row-level security."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from hub.actors import IS_HUB, IS_STAFF, is_town, row_security

#: An operator or the town itself may take a plan back, and with it what was found.
MINE = f"{IS_STAFF} OR {is_town()}"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
    ]

    operations = [
        migrations.CreateModel(
            name='Change',
            fields=[
            ],
            options={
                'verbose_name': 'change of connection',
                'verbose_name_plural': 'changes of connections',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('municipalities.connection',),
        ),
        migrations.CreateModel(
            name='Finding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('kind', models.CharField(choices=[('refused', 'would be refused'), ('unreadable', 'cannot be read back'), ('changed', 'is read as another value'), ('lost', 'is lost'), ('gained', 'is gained'), ('fallback', 'characters are replaced otherwise'), ('accepted', 'is refused today, would be accepted')], max_length=10, verbose_name='kind')),
                ('item', models.CharField(max_length=200, verbose_name='item')),
                ('code', models.CharField(blank=True, max_length=4, verbose_name='error')),
                ('count', models.PositiveIntegerField(verbose_name='number')),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='findings', to='municipalities.connection', verbose_name='connection')),
                ('municipality', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'finding',
                'verbose_name_plural': 'findings',
                'constraints': [models.UniqueConstraint(fields=('connection', 'day', 'kind', 'item', 'code'), name='shadow_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='Trial',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('delivery_id', models.UUIDField(verbose_name='delivery')),
                ('day', models.DateField(verbose_name='day')),
                ('outcome', models.CharField(choices=[('equal', 'equal'), ('different', 'different'), ('refused', 'would be refused'), ('unread', 'could not be tried')], max_length=10, verbose_name='outcome')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='at')),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='municipalities.connection', verbose_name='connection')),
                ('municipality', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'trial',
                'verbose_name_plural': 'trials',
                'constraints': [models.UniqueConstraint(fields=('connection', 'delivery_id'), name='shadow_tried_once')],
            },
        ),
        row_security("shadow_trial", MINE, IS_HUB, changes="false", removes=MINE),
        row_security("shadow_finding", MINE, IS_HUB, removes=MINE),
    ]
