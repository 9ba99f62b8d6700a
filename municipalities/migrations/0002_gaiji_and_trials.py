"""Gaiji tables of the towns, and from when a connection's standard is tried before it begins."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='tried_from',
            field=models.DateField(blank=True, help_text='What went out from this day on is also written in this standard, and compared, until it begins.', null=True, verbose_name='tried from'),
        ),
        migrations.CreateModel(
            name='GaijiTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Small letters, digits and underscores; what clerks decided is kept under it, so it stays.', max_length=30, unique=True, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_]*$')], verbose_name='name')),
                ('title', models.CharField(max_length=100, verbose_name='title')),
                ('source', models.CharField(blank=True, help_text='Who issued it, and when.', max_length=200, verbose_name='source')),
                ('version', models.PositiveIntegerField(default=1, editable=False, verbose_name='version')),
            ],
            options={
                'verbose_name': 'gaiji table',
                'verbose_name_plural': 'gaiji tables',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('name__regex', '^[a-z][a-z0-9_]*$')), name='gaiji_table_name')],
            },
        ),
        migrations.CreateModel(
            name='Gaiji',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('private', models.CharField(max_length=1, verbose_name='private character')),
                ('sequence', models.CharField(help_text='A character with its variation selector, if it has one.', max_length=8, verbose_name='stands for')),
                ('note', models.CharField(blank=True, max_length=100, verbose_name='note')),
                ('table', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='municipalities.gaijitable', verbose_name='gaiji table')),
            ],
            options={
                'verbose_name': 'gaiji',
                'verbose_name_plural': 'gaiji',
                'ordering': ['table', 'private'],
            },
        ),
        migrations.AddField(
            model_name='connection',
            name='gaiji',
            field=models.ForeignKey(blank=True, help_text='Of a system with private-use characters of its own.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='municipalities.gaijitable', verbose_name='gaiji table'),
        ),
        migrations.AddConstraint(
            model_name='connection',
            constraint=models.CheckConstraint(condition=models.Q(('tried_from__lt', models.F('valid_from'))), name='connection_tried_before', violation_error_message='It is tried before it begins: choose an earlier day.'),
        ),
        migrations.AddConstraint(
            model_name='gaiji',
            constraint=models.UniqueConstraint(fields=('table', 'private'), name='gaiji_private_once'),
        ),
        migrations.AddConstraint(
            model_name='gaiji',
            constraint=models.UniqueConstraint(fields=('table', 'sequence'), name='gaiji_sequence_once'),
        ),
        migrations.AddConstraint(
            model_name='gaiji',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(django.db.models.lookups.GreaterThanOrEqual(django.db.models.functions.text.Ord('private'), 57344), django.db.models.lookups.LessThanOrEqual(django.db.models.functions.text.Ord('private'), 63743)), django.db.models.lookups.GreaterThanOrEqual(django.db.models.functions.text.Ord('private'), 983040), _connector='OR'), name='gaiji_is_private'),
        ),
        migrations.AddConstraint(
            model_name='gaiji',
            constraint=models.CheckConstraint(condition=models.Q(('sequence', ''), _negated=True), name='gaiji_stands_for'),
        ),
    ]
