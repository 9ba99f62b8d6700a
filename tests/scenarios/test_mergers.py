"""S29: a municipality merges into another, during a move or before it is filed."""

from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from hub.actors import HUB, PROTECTS, Actor, ActorKind, acting
from hub.catalogue import Refusal
from hub.deliveries import lanes
from hub.deliveries.models import Delivery
from hub.protection import services as protection
from hub.protection.models import Act, ContactWish, Expiry, Guarded, Measure, Release
from hub.relocations import changing, services, successions
from hub.relocations.filing import Filing
from hub.relocations.models import Guard, Leg, Relocation
from municipalities import standard
from municipalities.models import Municipality, Succession
from municipalities.notice import Flow, Kind, Role
from tests.conftest import connect, front
from tests.hub import family
from tests.hub.visitor import Visitor
from tests.samples import ONE
from tests.scenarios.stage import HANAKO, REGISTER, TARO, A, B, C, R, Stage, Story, day, move, place, sent

pytestmark = pytest.mark.django_db

OFFICE = "市民課　見本係"
#: Who is registered in the family register of B.
OF_B = msgspec.structs.replace(
    HANAKO, presents_card=True, registry=msgspec.structs.replace(REGISTER, local_government_code=B)
)


def merged(first_day: str) -> None:
    """B merges into C on that day."""
    Municipality.objects.filter(pk=B).update(valid_to=day(first_day) - timedelta(days=1))
    Succession.objects.create(predecessor_id=B, successor_id=C, on=day(first_day))


def test_s29_the_destination_merges_into_another_town_during_the_move(stage: Stage) -> None:
    merged("2026-04-01")
    story = stage.file(move(TARO, HANAKO, planned_out_on=day("2026-03-31"), living_from=day("2026-04-03")))
    with acting(HUB):
        lanes.pause([B], paused=True)
    story.moved_out()
    # The announcement went to B; the working copy waits for it.
    assert (story.told(B), story.states(B)) == (["arrival.planned"], ["ANNOUNCED"] * 2)
    stage.town(C)
    stage.at("2026-04-01", "00:10")
    assert (story.told(B), story.told(C)) == (["arrival.planned"], ["arrival.prefill"])
    assert story.notice(C, "arrival.prefill").destination == C
    # What had happened at B counts at C, and C goes on from there; B has no part any more.
    assert (story.states(B), story.states(C)) == ([], ["PREPARED"] * 2)
    assert story.row.destination_id == C
    assert (story.alerts(C), story.alerts(B)) == (["A421"], [])
    assert story.deadline("C14")[2] == "RUNNING"
    # However often and by whomever it is looked at again, nothing is sent twice.
    assert [successions.follow() for _ in range(2)] == [0, 0]
    stage.post()
    audit = story.audit()
    assert (audit["leg.succeeded"], audit["arrival.prefill.queued"], audit["delivery.superseded"]) == (1, 2, 1)
    assert "東京都千代田区から手続を引き継ぎました" in story.page()
    desk = stage.clerk(C).get(f"/admin/relocations/relocation/{story.relocation.pk}/change/")
    assert (desk.status_code, "leg.succeeded" in desk.content.decode()) == (200, True)
    assert story.refused(B, "arrival.visited")["code"] == "E108"
    story.moved_in(C)
    story.confirmed()
    story.entered()
    assert story.state == "COMPLETE"
    assert story.notice(A, "movein.notice").destination == C
    assert [notice.type for notice in story.inbox(B)] == ["arrival.planned"]


def test_s29_who_takes_over_is_asked_where_several_succeed(stage: Stage) -> None:
    merged("2026-04-01")
    Succession.objects.create(predecessor_id=B, successor_id=R, on=day("2026-04-01"), part="試験町")
    story = stage.file(move(TARO, planned_out_on=day("2026-03-31"), living_from=day("2026-04-03")))
    with acting(HUB):
        lanes.pause([B], paused=True)
    story.moved_out()
    stage.at("2026-04-01", "00:10")
    with acting(HUB):
        lanes.pause([B], paused=False)
    stage.post()
    # Nothing is sent to either, and an operator is to decide.
    assert (story.told(B), story.told(C)) == (["arrival.planned"], [])
    assert story.alerts(B) == ["A413"]
    with acting(HUB):
        held = Delivery.objects.get(relocation_id=story.relocation.pk, type="arrival.prefill")
        assert (held.state, held.code) == ("held", "A413")
    assert successions.follow() == 0


def divided() -> None:
    """A part of B went to R."""
    Succession.objects.create(predecessor_id=B, successor_id=R, on=day("2026-03-01"), part="試験町")


def filed(document: Filing, key: str = "") -> Any:
    """File through a partner front; returns the answer."""
    return front().post("relocations", sent(document), Idempotency_Key=key or str(uuid4()))


def followed(stage: Stage, document: Filing) -> Story:
    """What a front filed, as a story."""
    answer = filed(document)
    assert answer.status_code == 201, answer.content.decode()
    with acting(HUB):
        relocation = Relocation.objects.get(pk=answer.json()["id"])
    return stage.follow(relocation, family.citizen(f"nobody-{relocation.pk}"))


def test_s29_the_code_of_the_past_is_taken_as_former_address(stage: Stage) -> None:
    merged("2026-03-01")
    connect(A, "mainframe_cp932", "pull:")
    story = followed(stage, move(TARO, OF_B, origin=B, destination=A))
    # Who keeps the register today is told; the record keeps name and code as they were filed.
    assert (story.row.origin_id, story.states(C, Role.ORIGIN), story.states(B)) == (C, ["DELIVERED"] * 2, [])
    told = story.notice(C, "moveout.submitted")
    assert (told.recipient, told.origin, told.old_address) == (C, B, place(B))
    story.moved_out(C)
    content, record = story.written(A, "arrival.prefill")
    assert record.old_address is not None
    assert B.encode() in content
    assert (story.notice(A, "arrival.prefill").origin, story.notice(A, "arrival.prefill").old_address) == (B, place(B))
    story.moved_in(A)
    # The family register of B is kept at C too, and named as it was filed.
    assert story.told(C) == ["moveout.submitted", "movein.notice", "appendix.notice"]
    (mover,) = story.notice(C, "appendix.notice").movers
    assert (mover.ordinal, mover.registry.local_government_code if mover.registry else "") == (2, B)
    story.confirmed(C)
    story.entered(C)
    story.entered(R)
    assert story.state == "COMPLETE"
    assert story.inbox(B) == []
    assert story.audit()["code.succeeded"] == 1
    assert story.events("code.succeeded") == [{"predecessor": B}]


@pytest.mark.parametrize("name", standard.names())
def test_s29_every_layout_carries_the_code_of_the_past_as_any_other(name: str) -> None:
    layout, code = standard.load(name), "221317"
    assert ONE.old_address is not None
    told = msgspec.structs.replace(
        ONE, origin=code, old_address=msgspec.structs.replace(ONE.old_address, local_government_code=code)
    )
    read = layout.read(layout.write(told).content)
    for leaf in ("origin", "old_address.local_government_code"):
        omitted = any(f"{leaf}.".startswith(f"{one}.") for one in layout.omits)
        assert omitted or attrgetter(leaf)(read) == code, leaf


def test_s29_a_repetition_is_the_same_filing_whatever_became_of_the_code(stage: Stage) -> None:
    merged("2026-03-01")
    stage.at("2026-03-20", "23:59:50")
    document = move(TARO, origin=B, destination=A, living_from=day("2026-03-10"))
    first, again = filed(document, "k1"), filed(document, "k1")
    assert (first.status_code, again.status_code) == (201, 200)
    divided()
    stage.at("2026-03-21", "00:00")
    # Neither the division nor the end of the online window makes another filing of it.
    later = filed(document, "k1")
    assert (later.status_code, later.json()["id"]) == (200, first.json()["id"])
    other = filed(msgspec.structs.replace(document, remarks="別の届出"), "k1")
    assert (other.status_code, {one["code"] for one in other.json()["errors"]}) == (422, {"E120", "E304"})
    with acting(HUB):
        assert Relocation.objects.count() == 1


@pytest.mark.parametrize("by", ["filing", "counter"])
def test_s29_the_last_municipality_of_registration_has_merged(stage: Stage, by: str) -> None:
    merged("2026-03-01")
    stage.town(C)
    if by == "filing":
        story = followed(stage, move(TARO, destination=R, last_registered=B, flow=Flow.PAPER_CERT))
        story.report(R, "arrival.visited")
    else:
        story = followed(stage, move(TARO, destination=R, flow=Flow.PAPER_CERT))
        story.report(R, "arrival.visited", last_registered=B)
    assert story.states(C, Role.LAST_REGISTERED) == ["NONE"]
    story.report(R, "movein.decided", "REGISTERED")
    for code in (A, C):
        notice = story.notice(code, "movein.notice")
        assert (notice.recipient, notice.last_registered) == (code, B)
        story.confirmed(code)
    assert story.inbox(B) == []
    assert story.state == "COMPLETE"


@pytest.mark.parametrize(
    ("pointer", "changes"),
    [
        ("/oldAddress/localGovernmentCode", {"origin": B, "destination": A}),
        ("/lastRegistered", {"last_registered": B, "destination": R}),
        ("/movers/0/registry/localGovernmentCode", {"mover": OF_B, "destination": R}),
    ],
)
def test_s29_of_an_area_that_was_divided_the_filer_says_the_part(
    stage: Stage, pointer: str, changes: dict[str, Any]
) -> None:
    merged("2026-03-01")
    document = move(changes.get("mover", TARO), **{name: value for name, value in changes.items() if name != "mover"})
    assert filed(document).status_code == 201
    divided()
    problem = filed(document).json()
    assert (problem["code"], problem["pointer"]) == ("E120", pointer)
    assert all(word in problem["remedy"] for word in ("区域が分かれました", C, R, "試験町"))


def test_s29_where_somebody_goes_the_code_of_today_is_needed(stage: Stage) -> None:
    merged("2026-03-01")
    answer = filed(move(TARO))
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["pointer"]) == (422, "E120", "/newAddress/localGovernmentCode")
    assert f"2026年3月1日から有効な {C} (沖縄県那覇市)" in problem["remedy"]
    # From the former town into the one that it is now is a move within one municipality.
    within = move(TARO, origin=B, destination=C)
    assert filed(within).json()["code"] == "E307"
    story = followed(
        stage, msgspec.structs.replace(within, kind=Kind.IN_CITY, flow=Flow.NOT_APPLICABLE, planned_out_on=None)
    )
    assert (story.row.origin_id, story.row.destination_id, story.told(C)) == (
        C,
        C,
        ["arrival.planned", "arrival.prefill"],
    )


def test_s29_a_new_version_keeps_to_whoever_was_told(stage: Stage) -> None:
    """Filed before the merger and after it, and amended with either code: the same town goes on."""
    merged("2026-04-01")
    document = move(TARO, origin=B, destination=A, planned_out_on=day("2026-04-05"), living_from=day("2026-04-05"))
    story = stage.file(document)
    stage.at("2026-04-01", "00:10")
    assert (story.row.origin_id, story.states(C)) == (C, ["DELIVERED"])
    later = stage.file(
        msgspec.structs.replace(document, movers=(msgspec.structs.replace(TARO, full_name="試験　太郎"),))
    )
    for one in (story, later):
        with acting(HUB):
            filing = services.filing_of(one.row)
        for number, code in enumerate((B, C)):
            newer = msgspec.structs.replace(
                filing,
                old_address=msgspec.structs.replace(filing.old_address, local_government_code=code),
                remarks=f"{number}",
            )
            changing.amend(one.relocation.pk, newer, one.citizen.actor)
            stage.post()
            assert (one.states(C), one.states(A)) == (["DELIVERED"], ["ANNOUNCED"])
            assert one.notice(C, "filing.amended").origin == code
        assert "withdraw.requested" not in one.told(C)
        assert one.states(B) == []


def test_s29_the_form_offers_the_name_of_then_where_one_stands_in_its_place(stage: Stage) -> None:
    """浜松市 of seven wards became one of three in 2024; 北区 was divided between two of them."""
    former, divided_, now = "221317", "221350", "221384"
    connect(now, "gif_json", "pull:")
    visitor = Visitor(stage.client(family.citizen()))
    family.to_when(visitor)
    visitor.press(planned_out_on="2026-03-15", living_from="2026-03-16", flow="CARD_SPECIAL")
    visitor.press("choose:old", old__prefecture="静岡県")
    visitor.press("choose:new", new__prefecture="静岡県")
    assert former in visitor.page.options["old-municipality"]
    assert divided_ not in visitor.page.options["old-municipality"]
    assert former not in visitor.page.options["new-municipality"]
    assert "浜松市中区（2023年12月31日まで）" in visitor.page.text
    visitor.press("choose:new", new__prefecture="東京都")
    visitor.press(
        old__municipality=former, old__town="見本町", old__block="１番", new__municipality=B, new__block="2丁目"
    )
    assert "registry_prefecture" in visitor.page.options, visitor.page.text
    visitor.press("choose:person", registry_prefecture="静岡県")
    assert former in visitor.page.options["registry_municipality"]
    name = TARO.full_name
    person = family.PERSON | {"full_name": name}
    visitor.press(**person, registry_municipality=former, registry_domicile="見本町1番地")
    visitor.press(scope="WHOLE", left_head_name=name, joined_head_name=name)
    visitor.press(**family.CONTACT)
    visitor.press("submit")
    assert visitor.answer.status_code == 302, visitor.page.text
    with acting(HUB):
        relocation = Relocation.objects.get()
    story = stage.follow(relocation, stage.user("citizen"))
    assert (relocation.origin_id, story.told(now)) == (now, ["moveout.submitted"])
    told = story.notice(now, "moveout.submitted")
    assert told.old_address is not None
    assert (told.origin, told.old_address.full_address) == (former, "静岡県浜松市中区見本町１番")
    page = story.page()
    assert "静岡県浜松市中央区" in page
    assert "静岡県浜松市中区の住民基本台帳を現在保管しています" in page


def protected(stage: Stage) -> None:
    """A clerk of B sets a measure for one of the movers."""
    birth = HANAKO.date_of_birth
    assert birth is not None
    known = {
        "contact_office": OFFICE,
        "expires_on": "2027-03-09",
        "full_name": HANAKO.full_name,
        "born": f"{birth.year}-{birth.month:02}-{birth.day:02}",
        "sex": HANAKO.sex.value,
    }
    clerk = stage.clerk(B, "entrusted", handles_protection=True)
    assert clerk.post(reverse("admin:protection_measure_add"), known).status_code == 302


@pytest.mark.parametrize("named", [B, C])
def test_s29_a_measure_of_the_town_that_was_protects_on(stage: Stage, named: str) -> None:
    """Set at B for one of the movers; B has merged when the other files and names it as then or as today."""
    protected(stage)
    merged("2026-03-01")
    story = stage.file(move(TARO, HANAKO, origin=named, destination=A))
    assert story.row.frozen_at is not None
    with acting(HUB):
        guards = set(Leg.objects.filter(relocation=story.relocation).values_list("guard", flat=True))
    assert guards == {Guard.TOLD}
    assert story.told(C)[0] == story.told(A)[0] == "protection.route"


def seen(actor: Actor) -> list[bool]:
    """Whether PostgreSQL shows somebody rows of measures, guarded filings, releases, wishes and what is asked."""
    with acting(actor):
        return [model.objects.exists() for model in (Measure, Guarded, Release, ContactWish, Expiry)]


def choose(client: Client, model: str, action: str, **which: Any) -> None:
    """Choose a row in its list at the desk and run an action."""
    with acting(HUB):
        key = apps.get_model(model).objects.get(**which).pk
    path = reverse(f"admin:{model.replace('.', '_')}_changelist")
    client.post(path, {"action": action, "_selected_action": [str(key)]})


#: PostgreSQL asks its own clock whether a town has merged.
LONG_AGO = "2020-04-01"


def test_s29_the_successors_clerks_have_the_measures_of_the_town_that_was(stage: Stage) -> None:
    protected(stage)
    story = stage.file(move(HANAKO, origin=B, destination=A, flow=Flow.PAPER_CERT, counsel_wanted=True))
    first, second = (stage.clerk(C, name, handles_protection=True) for name in ("first", "second"))
    lists = [reverse(f"admin:protection_{name}_changelist") for name in ("measure", "guarded", "contactwish", "expiry")]
    duty = Actor(ActorKind.CLERK, C, "901", PROTECTS)
    assert seen(duty) == [False] * 5
    assert all('id="result_list"' not in first.get(path).content.decode() for path in lists)
    merged(LONG_AGO)
    stage.at("2026-03-11")
    story.moved_out(C)
    story.moved_in(A)
    stage.at("2027-02-09")
    first, second = (stage.clerk(C, name) for name in ("first", "second"))
    # They are asked whether it is extended, they see which filings it guards, they open one by two.
    assert all('id="result_list"' in first.get(path).content.decode() for path in lists)
    assert first.get(lists[3]).content.decode().count("A407") == 1
    choose(first, "protection.guarded", "ask_to_see", relocation=story.relocation)
    choose(second, "protection.release", "release", act="SEE")
    with acting(HUB):
        told = Delivery.objects.filter(relocation_id=story.relocation.pk, municipality=C).latest("sequence")
    notice = first.get(reverse("admin:deliveries_delivery_notice", args=[told.pk]))
    assert (notice.status_code, HANAKO.full_name in notice.content.decode()) == (200, True)
    choose(first, "protection.contactwish", "settle", relocation=story.relocation)
    choose(first, "protection.measure", "extend", municipality=B)
    with acting(HUB):
        measure = Measure.objects.get()
        assert measure.expires_on == day("2028-03-08")
        assert not ContactWish.objects.filter(settled_at=None).exists()
        assert not Expiry.objects.filter(settled_at=None).exists()
    assert seen(duty) == [True] * 5
    # To nobody else is any of it there, in SQL and by the services.
    others = [
        Actor(ActorKind.CLERK, C, "902"),
        Actor(ActorKind.CLERK, R, "903", PROTECTS),
        Actor(ActorKind.SYSTEM, C, "town"),
        Actor(ActorKind.OPERATOR, name="904"),
        Actor(ActorKind.CITIZEN, name="905"),
    ]
    assert [seen(actor) for actor in others] == [[False] * 5] * len(others)
    for actor in others:
        with pytest.raises(Refusal, match="E108"), acting(actor):
            protection.ask(actor, Act.END, measure.pk)
    choose(first, "protection.measure", "ask_for_end", municipality=B)
    choose(first, "protection.release", "release", act="END")
    with acting(HUB):
        assert Measure.objects.get().state == "ACTIVE"
    choose(second, "protection.release", "release", act="END")
    with acting(HUB):
        assert Measure.objects.get().state == "ENDED"
        assert set(Leg.objects.filter(relocation=story.relocation).values_list("guard", flat=True)) == {""}


def test_s29_of_an_area_that_was_divided_nobody_takes_the_measures_over(stage: Stage) -> None:
    """Whose person it is cannot be told: it protects on, and nobody ends it by mistake."""
    protected(stage)
    merged(LONG_AGO)
    Succession.objects.create(predecessor_id=B, successor_id=R, on=day(LONG_AGO), part="試験町")
    assert [seen(Actor(ActorKind.CLERK, code, "901", PROTECTS))[0] for code in (B, C, R)] == [True, False, False]
    listed = stage.clerk(C, "first", handles_protection=True).get(reverse("admin:protection_measure_changelist"))
    assert OFFICE not in listed.content.decode()
