"""Hasher for random machine secrets: 256 random bits need no slow hash, and 1,892 towns fetch tokens."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class RandomSecretHasher(PBKDF2PasswordHasher):
    """PBKDF2 with one iteration; only for secrets that the hub itself drew at random."""

    algorithm = "random_secret"
    iterations = 1
