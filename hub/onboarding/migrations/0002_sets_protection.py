from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether the town that is being connected, if it exchanges files, may set protection measures (message 75)."""

    dependencies = [("onboarding", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="onboarding",
            name="sets_protection",
            field=models.BooleanField(default=False, verbose_name="sets protection measures"),
        ),
    ]
