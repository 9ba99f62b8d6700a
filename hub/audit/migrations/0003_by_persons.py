"""What persons did is found in the audit without reading what machines did."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_policies_planned_once'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='entry',
            index=models.Index(condition=models.Q(('actor_kind__in', ['operator', 'clerk', 'front'])), fields=['actor_kind', '-id'], name='audit_by_persons'),
        ),
    ]
