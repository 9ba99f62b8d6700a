"""Addresses that were registered and have to prove themselves; an operator or the town itself registers them."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from hub.actors import IS_STAFF, is_town, row_security

MINE = f"{IS_STAFF} OR {is_town()}"


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0005_purge'),
        ('municipalities', '0004_previous_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='Callback',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.CharField(max_length=500, verbose_name='address')),
                ('signing_key', models.BinaryField(null=True)),
                ('registered_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='registered')),
                ('wanted_at', models.DateTimeField(blank=True, null=True, verbose_name='to be asked since')),
                ('tried_at', models.DateTimeField(blank=True, null=True, verbose_name='asked')),
                ('proven_at', models.DateTimeField(blank=True, null=True, verbose_name='proved itself')),
                ('code', models.CharField(blank=True, help_text='Code of the error catalogue.', max_length=4, verbose_name='error')),
                ('why', models.CharField(blank=True, max_length=200, verbose_name='what was seen')),
                ('municipality', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='municipalities.municipality', verbose_name='municipality')),
            ],
            options={
                'verbose_name': 'registered address',
                'verbose_name_plural': 'registered addresses',
                'indexes': [models.Index(condition=models.Q(('wanted_at__isnull', False)), fields=['wanted_at'], name='callback_wanted')],
                'constraints': [models.UniqueConstraint(fields=('municipality', 'address'), name='callback_once')],
            },
        ),
        row_security("deliveries_callback", MINE, MINE, removes=IS_STAFF),
    ]
