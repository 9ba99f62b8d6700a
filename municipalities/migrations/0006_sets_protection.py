from django.db import migrations, models


class Migration(migrations.Migration):
    """Which towns that exchange files may set protection measures (message 75)."""

    dependencies = [("municipalities", "0005_outage")]

    operations = [
        migrations.AddField(
            model_name="connection",
            name="sets_protection",
            field=models.BooleanField(
                default=False,
                help_text=(
                    "Of a system that exchanges files: its answers may say that somebody is handled under protection "
                    "measures (message 75), as a client of the API may with the scope «protection»."
                ),
                verbose_name="sets protection measures",
            ),
        ),
    ]
