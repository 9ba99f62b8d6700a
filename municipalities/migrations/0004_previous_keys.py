"""The signing key before the present one, while both sign."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('municipalities', '0003_pace_and_retries'),
    ]

    operations = [
        migrations.AddField(
            model_name='connection',
            name='previous_key_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='connection',
            name='previous_signing_key',
            field=models.BinaryField(null=True),
        ),
    ]
