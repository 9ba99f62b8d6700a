"""The desk names its columns «municipality» too."""


import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0005_outage'),
        ('relocations', '0010_light_guards'),
    ]

    operations = [
        migrations.AlterField(
            model_name='mover',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='municipality'),
        ),
        migrations.AlterField(
            model_name='report',
            name='municipality',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='municipalities.municipality', verbose_name='municipality'),
        ),
    ]
