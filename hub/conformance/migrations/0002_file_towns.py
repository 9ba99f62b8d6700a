"""Towns that exchange files are graded too."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conformance', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='report',
            name='mode',
            field=models.CharField(choices=[('push', 'is pushed to'), ('pull', 'fetches'), ('files', 'exchanges files')], max_length=5, verbose_name='way'),
        ),
    ]
