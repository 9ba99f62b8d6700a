"""From when the filer of a protected person's move is shown nothing new."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('relocations', '0007_legs_restored'),
    ]

    operations = [
        migrations.AddField(
            model_name='relocation',
            name='frozen_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
