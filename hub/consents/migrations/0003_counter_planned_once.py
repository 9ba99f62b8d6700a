"""The policy of a town's own counter asks by a function, as every policy does (``audit``, 0002): planned once."""

from django.db import migrations

from hub.actors import is_town


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_policies_planned_once'),
        ('consents', '0002_at_the_counter'),
    ]

    operations = [
        migrations.RunSQL(
            f"ALTER POLICY counter_sees ON consents_request USING ({is_town('counter_id')} AND hub_sees_relocation(relocation_id))",
            f"ALTER POLICY counter_sees ON consents_request USING ({is_town('counter_id')} AND EXISTS"
            " (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id))",
        ),
    ]
