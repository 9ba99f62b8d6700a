"""Consents given in person: at which counter, how it was made sure who answered, and which clerk wrote it down."""

import django.db.models.deletion
from django.db import migrations, models

from hub.actors import is_town

#: What was said at a town's own counter, as long as its clerks see the relocation at all.
AT_COUNTER = (
    f"{is_town('counter_id')}"
    " AND EXISTS (SELECT 1 FROM relocations_relocation AS one WHERE one.id = relocation_id)"
)

class Migration(migrations.Migration):

    dependencies = [
        ('consents', '0001_initial'),
        ('municipalities', '0004_previous_keys'),
        ('relocations', '0006_alerts_not_guarded'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='request',
            name='consent_answered_by_somebody',
        ),
        migrations.AddField(
            model_name='request',
            name='counter',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='municipalities.municipality', verbose_name='counter'),
        ),
        migrations.AddField(
            model_name='request',
            name='means',
            field=models.CharField(blank=True, choices=[('PHOTO', 'one document with a photograph (Individual Number Card, driving licence, residence card …)'), ('TWO', 'two documents without a photograph'), ('ASKED', 'documents and questions that only this person can answer')], max_length=5, verbose_name='means of identification'),
        ),
        migrations.AddField(
            model_name='request',
            name='recorded_by',
            field=models.CharField(blank=True, editable=False, max_length=120, verbose_name='recorded by account'),
        ),
        migrations.AddIndex(
            model_name='request',
            index=models.Index(fields=['counter', '-id'], name='consent_at_counter'),
        ),
        migrations.AddConstraint(
            model_name='request',
            constraint=models.CheckConstraint(condition=models.Q(('answer__in', ['PENDING', 'VOID']), models.Q(models.Q(('account', ''), _negated=True), ('answered_at__isnull', False), ('counter', None)), models.Q(models.Q(('means', ''), _negated=True), models.Q(('recorded_by', ''), _negated=True), ('account', ''), ('answered_at__isnull', False), ('counter__isnull', False)), _connector='OR'), name='consent_answered_by_somebody'),
        ),
        migrations.RunSQL(
            f"CREATE POLICY counter_sees ON consents_request FOR SELECT USING ({AT_COUNTER})",
            "DROP POLICY counter_sees ON consents_request",
        ),
    ]
