"""The second golden sample, by its digest: OTHER, in which every flag and closed list differs from the first.

``python -m tests.municipalities.digests`` writes ``digests.csv`` anew: look at what changed (``standards show``,
``git diff`` of the tables) before it is committed.
"""

import csv
from hashlib import sha256
from pathlib import Path

from municipalities import standard
from municipalities.standard import Standard
from tests.golden import DECIDED
from tests.samples import OTHER

TABLE = Path(__file__).with_suffix(".csv")


def digest(layout: Standard) -> str:
    """Of what the layout makes of OTHER."""
    return sha256(layout.write(OTHER, DECIDED).content).hexdigest()


def known() -> dict[str, str]:
    """Name of the standard → digest."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["standard"]: row["sha256"] for row in csv.DictReader(file)}


def main() -> None:
    """Write them anew."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["standard", "sha256"])
        writer.writerows([name, digest(standard.load(name))] for name in standard.names())


if __name__ == "__main__":
    main()
