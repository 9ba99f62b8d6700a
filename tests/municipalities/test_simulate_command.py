"""``manage.py simulate`` plays the towns of today's connections that it has the secrets of."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.utils import timezone

from municipalities.management.commands import simulate
from municipalities.models import Connection
from municipalities.simulator.town import read_secrets


@pytest.mark.django_db
def test_towns_are_todays_connections_with_their_secrets(tmp_path: Path) -> None:
    codes = list(Connection.objects.order_by("pk").values_list("municipality_id", flat=True)[:3])
    today, ended = timezone.localdate(), Connection.objects.get(municipality=codes[2])
    Connection.objects.filter(pk=ended.pk).update(valid_to=today - timedelta(days=1))
    moved = Connection.objects.create(
        municipality_id=codes[2], standard="gif_json", address="folder:towns/new", valid_from=today
    )
    lines = [
        json.dumps({"code": code, "client_secret": f"s-{code}", "signing_key": base64.b64encode(b"k" * 32).decode()})
        for code in codes
    ]
    (tmp_path / "secrets").write_text("\n".join(lines), encoding="utf-8")
    secrets = read_secrets(tmp_path / "secrets")
    towns = simulate.chosen([], secrets)
    assert [town.code for town in towns] == sorted(codes)
    [town] = simulate.chosen([codes[2]], secrets)
    assert (town.standard, town.address, town.way) == (moved.standard, moved.address, "folder")
    assert (town.client_id, town.client_secret) == (f"town-{codes[2]}", f"s-{codes[2]}")
    assert town.signing_key == b"k" * 32
    assert town.client_secret not in repr(town)
    with pytest.raises(CommandError, match="999999"):
        simulate.chosen(["999999"], secrets)
