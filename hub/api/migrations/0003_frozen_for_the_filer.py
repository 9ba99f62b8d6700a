"""What happens to a relocation whose filer is shown nothing new is no change to the front that filed it."""

from django.db import migrations

TOUCH = """
CREATE OR REPLACE FUNCTION api_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_relocationchange (relocation_id, owner, changed_at)
    SELECT one.id, one.owner, clock_timestamp()
      FROM new_events JOIN relocations_relocation AS one ON one.id = new_events.relocation_id
     WHERE one.owner LIKE 'front:%'{only}
     GROUP BY one.id, one.owner
        ON CONFLICT (relocation_id) DO UPDATE SET changed_at = clock_timestamp();
    RETURN NULL;
END $$;
"""
#: That it was filed is shown of every filing.
SHOWN = """
       AND (one.frozen_at IS NULL
            OR NOT EXISTS (SELECT 1 FROM api_relocationchange AS kept WHERE kept.relocation_id = one.id))"""


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0002_consent_per_version'),
        ('relocations', '0008_frozen_for_the_filer'),
    ]

    operations = [
        migrations.RunSQL(TOUCH.replace("{only}", SHOWN), TOUCH.replace("{only}", "")),
    ]
