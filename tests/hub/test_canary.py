"""A canary filed in a full run sings nowhere but to those entitled: no table, no queue, no log holds it in the clear."""

import logging
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import connection
from psycopg import sql

from hub import valkey
from hub.actors import HUB, acting
from hub.deliveries import courier
from hub.deliveries.models import Delivery
from hub.deliveries.tasks import carry
from hub.relocations.models import Relocation
from municipalities.notice import Registry
from municipalities.transports import memory
from tests.conftest import CHIYODA, HAKODATE, TENRYU, connect, filing, front, town
from tests.hub import journeys
from tests.hub.committed import db, tables  # noqa: F401 - a fixture
from tests.hub.test_isolation import guarded

NAME, KANA = "見本カナリア　太郎", "ミホンカナリア　タロウ"
PLACE, REMARK, MAIL, PHONE, HEAD = (
    "見本カナリア荘",
    "備考カナリア",
    "canary@example.invalid",
    "03-5550-9876",
    "世帯主カナリア",
)
ASIDE = "窓口カナリア"
CANARIES = ("カナリア", "ｶﾅﾘｱ", "canary@", "5550-9876", "CANARY")


def canary() -> Any:
    """Return a filing in which every free text sings."""
    document = filing(1)
    movers = [
        msgspec.structs.replace(
            mover,
            full_name=NAME,
            full_name_kana=KANA,
            former_family_name="旧氏カナリア",
            alternative_name="通称カナリア",
            full_name_roman="CANARY TARO",
            registry=Registry(local_government_code=TENRYU, domicile=PLACE, head_of_register=NAME),
        )
        for mover in document.movers
    ]
    return msgspec.structs.replace(
        document,
        movers=tuple(movers),
        remarks=REMARK,
        contact=msgspec.structs.replace(document.contact, email=MAIL, phone=PHONE),
        old_address=msgspec.structs.replace(document.old_address, building_name_etc=PLACE, full_address=PLACE),
        new_address=msgspec.structs.replace(document.new_address, building_name_etc=PLACE, full_address=PLACE),
        household_left=msgspec.structs.replace(document.household_left, head_name=HEAD),
    )


def sing() -> None:
    """File, carry, answer and settle through the doors; with refusals, retries and questions on the way."""
    document, caller = canary(), front()
    body = msgspec.json.decode(msgspec.json.encode(document))
    for wrong in ({NAME: 1}, {"remarks": 5}, {"kind": NAME}, {"visitOn": NAME}, {"scope": "PART"}):
        assert caller.post("relocations", body | wrong).status_code == 422
    assert caller.post("relocations", f'{{"remarks": "{NAME}'.encode()).status_code == 400
    made = caller.post("relocations", document, Idempotency_Key="k").json()
    with acting(HUB):
        relocation = Relocation.objects.get(pk=made["id"])
    said = journeys.course(relocation, document)
    for one in said:
        courier.run(idle=0, slice_=5)
        journeys.fetch()
        answer(relocation, one)
    courier.run(idle=0, slice_=5)
    caller.get(f"relocations/{made['id']}")
    with acting(HUB):
        relocation.refresh_from_db()
    assert relocation.state == "SETTLED"


def answer(relocation: Relocation, said: journeys.Said) -> None:
    """Answer through the API, with a clerk's words about the person wherever there is room for words."""
    system = town(said.town)
    if not said.is_receipt:
        report = journeys.report(relocation, said)
        assert system.post("reports", msgspec.structs.replace(report, reference=ASIDE)).status_code == 201
        return
    with acting(HUB):
        found = Delivery.objects.get(relocation_id=relocation.pk, type=said.notice, municipality=said.town)
    errors = [{"code": ASIDE, "pointer": ASIDE, "detail": NAME}]
    body = {"kind": said.word, "errors": errors, "differences": [{"pointer": "/movers/0", "theirs": ASIDE}]}
    assert system.post(f"deliveries/{found.pk}/receipts", body).status_code == 201
    assert system.post(f"deliveries/{found.pk}/receipts", body | {"kind": NAME}).status_code == 422
    system.get(f"deliveries/{found.pk}/content")


def test_a_canary_is_found_nowhere_in_the_clear(
    db: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    for code, layout in ((HAKODATE, "gif_json"), (CHIYODA, "regional_xml"), (TENRYU, "juki_list_csv")):
        connect(code, layout, f"memory:{code}" if code != CHIYODA else "pull:")
    sing()
    assert NAME in memory.outbox(HAKODATE)[0].content.decode()  # it did sing, to those entitled
    assert [found for table in tables() for found in sung(table)] == []
    carry.delay()
    assert [
        found for key in valkey.client().scan_iter() if (found := singing(key + (valkey.client().dump(key) or b"")))
    ] == []
    valkey.client().delete("couriers")
    logs = caplog.text + "".join(str(record.__dict__) for record in caplog.records) + "".join(capfd.readouterr())
    assert singing(logs) == []
    assert caplog.records


def sung(table: str) -> list[tuple[str, str, str]]:
    """Return every value of a table, of whatever type, in which a canary sings."""
    with acting(HUB), connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    return [
        (table, name, found)
        for row in rows
        for name, value in zip(names, row, strict=True)
        for found in singing(bytes(value) if isinstance(value, memoryview | bytes) else str(value))
    ]


def singing(text: str | bytes) -> list[str]:
    """Return the canaries in a text, in whatever encoding."""
    if isinstance(text, str):
        return [one for one in CANARIES if one in text or one.encode("unicode_escape").decode() in text]
    codecs = ("utf-8", "cp932", "utf-16-le", "euc_jp", "unicode_escape")
    return [one for one in CANARIES if any(one.encode(codec) in text for codec in codecs)]


@pytest.mark.parametrize(
    "spelled",
    [NAME.encode(), NAME.encode("cp932"), b"x\x93\xfb\x96\x00\xff" + "ｶﾅﾘｱ".encode("cp932"), str({"a": NAME})],
)
def test_the_search_finds_what_it_looks_for(spelled: str | bytes) -> None:
    assert singing(spelled)


def test_a_connection_that_says_nothing_sees_nothing(db: None) -> None:  # noqa: F811
    relocation = journeys.file(filing(1))
    courier.run(idle=0, slice_=5)
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname")}
    with acting(HUB):
        assert Relocation.objects.filter(pk=relocation.pk).exists()
    with psycopg.connect(**wanted) as other:
        for table in guarded():
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            assert other.execute(count).fetchone() == (0,), table
