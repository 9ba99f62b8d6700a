"""How many requests a system takes in a second, and for how long attempts go on."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0002_gaiji_and_trials'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='per_second',
            field=models.PositiveSmallIntegerField(blank=True, help_text='How many requests its system takes in a second; empty: as many as come.', null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000)], verbose_name='per second'),
        ),
        migrations.AddField(
            model_name='connection',
            name='retry_hours',
            field=models.PositiveSmallIntegerField(default=72, help_text='After so many hours of attempts a person must look. Time in which it is closed counts for nothing.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(672)], verbose_name='retries for hours'),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.CheckConstraint(condition=models.Q(('per_second__range', (1, 1000))), name='connection_per_second'),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.CheckConstraint(condition=models.Q(('retry_hours__range', (1, 672))), name='connection_retry_hours'),
        ),
    ]
