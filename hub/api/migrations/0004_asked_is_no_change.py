"""That a cancellation was asked for is no change to the front that asked, of a filing that is hidden or of any other."""

from django.db import migrations

TOUCH = """
CREATE OR REPLACE FUNCTION api_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_relocationchange (relocation_id, owner, changed_at)
    SELECT one.id, one.owner, clock_timestamp()
      FROM new_events JOIN relocations_relocation AS one ON one.id = new_events.relocation_id
     WHERE one.owner LIKE 'front:%'{only}
       AND (one.frozen_at IS NULL
            OR NOT EXISTS (SELECT 1 FROM api_relocationchange AS kept WHERE kept.relocation_id = one.id))
     GROUP BY one.id, one.owner
        ON CONFLICT (relocation_id) DO UPDATE SET changed_at = clock_timestamp();
    RETURN NULL;
END $$;
"""
#: The front is shown the request when a municipality has decided on it (``hub.relocations.status.told``).
SHOWN = """
       AND new_events.type NOT IN ('cancel.asked', 'cancel.requested.queued')"""


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0003_frozen_for_the_filer'),
    ]

    operations = [
        migrations.RunSQL(TOUCH.replace("{only}", SHOWN), TOUCH.replace("{only}", "")),
    ]
