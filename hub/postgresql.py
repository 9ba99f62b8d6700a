"""What the hub asks of the PostgreSQL it is given."""

#: The oldest major version that every query and migration of the hub runs on.
OLDEST = 15


class OldPostgresError(RuntimeError):
    """The given PostgreSQL is too old; the message says what to do."""


def require_version(number: int) -> None:
    """Refuse a server that is too old, by its number as PostgreSQL writes it (``server_version_num``).

    >>> require_version(150018)
    >>> require_version(140012)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    hub.postgresql.OldPostgresError: DATABASE_URL names a PostgreSQL 14.12; the hub needs 15 or later. ...
    """
    if number < OLDEST * 10_000:
        raise OldPostgresError(
            f"DATABASE_URL names a PostgreSQL {number // 10_000}.{number % 10_000}; "
            f"the hub needs {OLDEST} or later. "
            f"Upgrade that server, or name another one; for a demo, leave DATABASE_URL away."
        )
