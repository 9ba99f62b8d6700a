#!/usr/bin/env python
"""Django's command line; without ``DATABASE_URL`` it works on embedded servers in ``.data``."""

import os
import sys
import time
from pathlib import Path

from django.core.management import execute_from_command_line

#: What only prints, and starts nothing.
WORDS = {"help", "version", "--help", "-h", "--version"}
#: Settings to list the commands by, where none are given.
NOWHERE = {"DATABASE_URL": "postgresql://nowhere/", "HUB_SECRET_KEY": "-", "HUB_MASTER_KEYS": "-", "HUB_AUDIT_KEY": "-"}
#: What is for trying out, and so brings its own keys even when the servers are given.
TRYING_OUT = {"demo", "bench"}


def main() -> None:
    """Run a command; an installation, which has a ``DATABASE_URL``, never comes near the embedded servers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    command = next(iter(sys.argv[1:]), "help")
    if command in WORDS or {"--help", "-h"} & set(sys.argv):
        for name, value in NOWHERE.items():
            os.environ.setdefault(name, value)
        execute_from_command_line(sys.argv)
    elif os.environ.get("DATABASE_URL") and command not in TRYING_OUT:
        execute_from_command_line(sys.argv)
    else:
        run_embedded(command)


def run_embedded(command: str) -> None:
    """Run a command with the servers and keys that the environment does not name."""
    from hub import embedded  # here, so that an installation does without its wheels

    started = time.monotonic()
    try:
        with embedded.development(Path(__file__).resolve().parent / ".data"):
            if command in TRYING_OUT:
                print(f"✓ PostgreSQL and Valkey: {time.monotonic() - started:.1f} s", file=sys.stderr)  # noqa: T201
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
