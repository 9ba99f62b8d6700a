"""Simulated towns without Django: ``python -m municipalities.simulator --towns FILE``.

The file holds one town a line, in JSON: code, standard, address, client_id, client_secret and signing_key
(base64).
"""

import asyncio
import sys
from argparse import ArgumentParser
from pathlib import Path

from municipalities.simulator import options
from municipalities.simulator.script import ScriptError
from municipalities.simulator.serve import serve
from municipalities.simulator.town import read_towns


def listening(address: str) -> None:
    """Say where the towns listen."""
    sys.stdout.write(f"listening on {address} (what the towns are doing: {address}/)\n")
    sys.stdout.flush()


def main() -> None:
    """Play the towns of the file."""
    parser = ArgumentParser(prog="municipalities.simulator", description="Play municipalities' systems.")
    options.add(parser)
    parser.add_argument("--towns", type=Path, required=True, help="file of towns, JSON lines")
    parser.add_argument("--folder-root", type=Path, default=Path(".data"), help="what folder: is relative to")
    given = vars(parser.parse_args())
    towns = read_towns(given["towns"])
    try:
        settings = options.settings(given, given["folder_root"], [town.code for town in towns])
    except ScriptError as error:
        parser.error(str(error))
    asyncio.run(serve(towns, settings, ready=listening))


if __name__ == "__main__":
    main()
