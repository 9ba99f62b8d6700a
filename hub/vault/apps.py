"""Django application of the vault."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """Keys of relocations."""

    name = "hub.vault"
    label = "vault"
