"""A clerk may be allowed to plan changes of connections."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='plans_connections',
            field=models.BooleanField(default=False, help_text='A clerk who may plan the change of the own municipality to another connection.', verbose_name='plans connections'),
        ),
    ]
