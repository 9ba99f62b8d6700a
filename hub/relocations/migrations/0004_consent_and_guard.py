"""What consents amount to, and which legs are handled under protection measures."""

from django.db import migrations, models

from hub.actors import ACTOR, IS_PROTECTING, narrowed

#: A clerk without the duty sees nothing of a guarded relocation, an operator no leg of it.
NOT_GUARDED = f"guard = '' OR {ACTOR} IN ('hub', 'system', 'citizen', 'front') OR {IS_PROTECTING}"
LEG_IN_SIGHT = f"{ACTOR} <> 'clerk' OR EXISTS (SELECT 1 FROM relocations_leg AS leg WHERE leg.relocation_id = {{}}.relocation_id)"
DELIVERY_IN_SIGHT = f"{ACTOR} <> 'clerk' OR EXISTS (SELECT 1 FROM deliveries_delivery AS delivery WHERE delivery.id = delivery_id)"
#: That a town was told of a protection, or told it, is nobody's to see but the hub's, the town's system's and the duty's.
NO_PROTECTION = f"type NOT LIKE 'protection.%' OR {ACTOR} IN ('hub', 'system') OR {IS_PROTECTING}"
NO_PROTECTION_ACT = (
    f"{ACTOR} <> 'operator' OR (action NOT LIKE 'protection.route%' AND coalesce(detail->>'type', '') <> 'protection.route')"
)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('deliveries', '0002_what_came_back'),
        ('fidelity', '0001_initial'),
        ('shadow', '0001_initial'),
        ('relocations', '0003_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='leg',
            name='contact_office',
            field=models.CharField(blank=True, editable=False, max_length=100),
        ),
        migrations.AddField(
            model_name='leg',
            name='guard',
            field=models.CharField(blank=True, choices=[('', 'None'), ('own', 'Own'), ('told', 'Told')], default='', editable=False, max_length=4),
        ),
        migrations.AddField(
            model_name='relocation',
            name='agreement',
            field=models.CharField(blank=True, choices=[('', 'Not Needed'), ('PENDING', 'Pending'), ('GIVEN', 'Given'), ('REFUSED', 'Refused')], default='', editable=False, max_length=8),
        ),
        narrowed("relocations_leg", "not_guarded", NOT_GUARDED),
        *(
            narrowed(table, "leg_in_sight", LEG_IN_SIGHT.format(table))
            for table in ("relocations_mover", "relocations_report", "relocations_event", "deliveries_delivery")
        ),
        *(
            narrowed(table, "delivery_in_sight", DELIVERY_IN_SIGHT)
            for table in ("deliveries_return", "deliveries_difference", "fidelity_substitution", "shadow_trial")
        ),
        *(
            narrowed(table, "no_protection", NO_PROTECTION)
            for table in ("relocations_report", "relocations_event", "deliveries_delivery")
        ),
        narrowed("audit_entry", "no_protection", NO_PROTECTION_ACT),
    ]
