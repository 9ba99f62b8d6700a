"""The data keys: one per relocation, wrapped by a master key from the environment."""

from django.db import models


class DataKey(models.Model):
    """The key of one relocation. Deleting the row shreds every sealed field of it, backups included."""

    relocation_id = models.UUIDField(primary_key=True)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.relocation_id)
