"""The benchmark compares what is equal, and says it in the shape that is promised; how fast it is, no test asks."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from hub.bench.naive_rendering import Naive
from hub.bench.records import single_persons
from hub.bench.rendering import nearest
from municipalities import standard
from municipalities.standard import load

ROOT = Path(__file__).resolve().parents[2]


def test_the_naive_design_writes_the_same_bytes() -> None:
    layout = nearest([load(name) for name in standard.names()])
    assert layout is not None
    naive = Naive(layout)
    for notice in single_persons(30):
        content = layout.write(notice).content
        assert naive.write(notice) == content
        assert len(naive.read(content)) == 1


def shape(told: dict[str, Any]) -> None:
    """Hold a report to the keys that stay."""
    assert {"scenario", "rounds", "bars", "floors", "cpu_s_per_1000"} <= set(told)
    assert all(set(bar) == {"name", "naive", "product", "ratio", "bar", "holds"} for bar in told["bars"])


def test_the_report_of_rendering_has_its_shape() -> None:
    out = io.StringIO()
    options = {"scenario": "rendering", "rounds": 1, "standard": ["juki_list_csv"], "json": True}
    call_command("bench", **options, stdout=out, stderr=io.StringIO())
    told = json.loads(out.getvalue())
    shape(told)
    assert set(told["cpu_s_per_1000"]) == {"juki_list_csv"}


@pytest.mark.long
def test_both_designs_carry_every_delivery_of_a_burst(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "bench", "--scenario", "burst", "--json", "--rounds", "1"]
    command += ["--relocations", "4", "--towns", "10", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    shape(told)
    [missing] = [bar for bar in told["bars"] if bar["name"] == "deliveries not received"]
    assert (missing["naive"], missing["product"]) == (0, 0)
    for design in ("naive", "product"):
        assert told["cpu_s_per_1000"][f"{design}-web"] > 0
    assert all(rate > 0 for rate in told["floors"].values())
