#!/usr/bin/env python
"""Django's command line; without ``DATABASE_URL`` it works on embedded servers in ``.data``."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

#: What starts nothing, as it only prints.
WORDS_ONLY = {"help", "version", "--help", "-h", "--version"}
#: What is for trying out, and so brings its own keys even when the servers are given.
TRYING_OUT = {"demo", "bench"}


def main() -> None:
    """Run a command; an installation, which has a ``DATABASE_URL``, never comes near the embedded servers."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    command = next(iter(sys.argv[1:]), "help")
    if command not in TRYING_OUT and (os.environ.get("DATABASE_URL") or command in WORDS_ONLY):
        execute_from_command_line(sys.argv)
    else:
        run_embedded()


def run_embedded() -> None:
    """Run a command with the servers and keys that the environment does not name."""
    from hub import embedded  # here, so that an installation does without its wheels

    try:
        with embedded.development(Path(__file__).resolve().parent / ".data"):
            execute_from_command_line(sys.argv)
    except embedded.EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
