"""A short run of chaos with every kind of fault; ``make chaos`` is the long one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS, plan

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_260_401


@pytest.mark.long
@pytest.mark.timeout(1200)  # 110 s on two quick cores, 600 were too few on two slow ones
def test_nothing_is_lost_doubled_overtaken_or_changed_whatever_dies() -> None:
    options = ["--json", "--seconds", "15", "--faults", str(len(FAULTS)), "--seed", str(SEED)]
    command = [sys.executable, "-m", "tests.chaos", *options]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = json.loads(done.stdout)
    assert (found["lost"], found["doubled"], found["overtaken"]) == ([], [], [])
    assert found["settled"] == found["filings"] > 0
    assert {line.partition(":")[0] for line in found["done"]} == set(FAULTS)


def test_the_same_seed_brings_the_same_faults() -> None:
    assert plan(SEED, 120) == plan(SEED, 120) != plan(SEED + 1, 120)
