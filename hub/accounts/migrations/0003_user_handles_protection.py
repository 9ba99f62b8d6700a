"""A clerk may be entrusted with protection measures."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_user_plans_connections'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='handles_protection',
            field=models.BooleanField(default=False, help_text='A clerk who may know which persons of the own municipality are protected (支援措置).', verbose_name='handles protection'),
        ),
    ]
