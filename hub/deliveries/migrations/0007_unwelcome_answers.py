"""Answers after which somebody has something to do are found at once."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deliveries', '0006_callbacks'),
        ('municipalities', '0004_previous_keys'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('answer__in', ('returned', 'rejected', 'implausible'))), fields=['answer', '-id'], name='delivery_unwelcome'),
        ),
    ]
