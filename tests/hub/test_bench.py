"""The benchmark compares what is equal, and says it in the shape that is promised; how fast it is, no test asks."""

import io
import json

from django.core.management import CommandError, call_command

from hub.bench.naive_rendering import Naive
from hub.bench.records import single_persons
from hub.bench.rendering import nearest
from municipalities import standard
from municipalities.standard import load


def test_the_naive_design_writes_the_same_bytes() -> None:
    layout = nearest([load(name) for name in standard.names()])
    assert layout is not None
    naive = Naive(layout)
    for notice in single_persons(30):
        content = layout.write(notice).content
        assert naive.write(notice) == content
        assert len(naive.read(content)) == 1


def test_the_report_has_its_shape() -> None:
    out, held = io.StringIO(), True
    try:
        call_command("bench", rounds=1, standard=["juki_list_csv"], json=True, stdout=out, stderr=io.StringIO())
    except CommandError:
        held = False
    told = json.loads(out.getvalue())
    assert {"scenario", "rounds", "bars", "floors", "cpu_s_per_1000"} <= set(told)
    assert all(set(bar) == {"name", "naive", "product", "ratio", "bar", "holds"} for bar in told["bars"])
    assert held == all(bar["holds"] for bar in told["bars"])
    assert set(told["cpu_s_per_1000"]) == {"juki_list_csv"}
