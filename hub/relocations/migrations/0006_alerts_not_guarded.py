"""Alerts and deadlines of a guarded relocation are out of sight too for clerks without the duty."""

from django.db import migrations

from hub.actors import ACTOR, narrowed

LEG_IN_SIGHT = (
    f"{ACTOR} <> 'clerk' OR EXISTS (SELECT 1 FROM relocations_leg AS leg"
    " WHERE leg.relocation_id = {}.relocation_id)"
)


class Migration(migrations.Migration):

    dependencies = [
        ('relocations', '0005_deadlines'),
    ]

    operations = [
        narrowed(table, "leg_in_sight", LEG_IN_SIGHT.format(table))
        for table in ("relocations_alert", "relocations_deadline")
    ]
