"""The pages around the form: whose they are, withdrawing, signing in, and what holds for every page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from django.views.defaults import server_error

from hub.accounts.models import User
from hub.actors import HUB, acting
from hub.citizens import mapping
from hub.citizens import urls as citizens
from hub.relocations import services
from hub.relocations.models import Relocation
from tests.conftest import CHIYODA, HAKODATE, clerk, filing
from tests.hub import journeys
from tests.hub.family import citizen, file
from tests.hub.visitor import Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(client: Client) -> Visitor:
    """A citizen who has signed in."""
    client.force_login(citizen())
    return Visitor(client)


# --- Whose it is ---------------------------------------------------------------------------------------


def page_of(client: Client, path: str) -> tuple[int, str]:
    """Status and page, without what differs between any two pages."""
    answer = client.get(path)
    return answer.status_code, re.sub(
        r'(csrfmiddlewaretoken" value=|name="next" value=)"[^"]*"', "", answer.content.decode()
    )


def test_another_citizens_relocation_does_not_exist(visitor: Visitor) -> None:
    path = f"/relocations/{file(visitor).receipt_no}/"
    for user in (citizen("another"), clerk(HAKODATE), clerk(CHIYODA)):
        other = Client(HTTP_HOST="127.0.0.1")
        other.force_login(user)
        nothing = page_of(other, "/relocations/00-TEST-0001-T/")
        assert nothing[0] == 404
        assert page_of(other, path) == nothing
        assert page_of(other, f"{path}withdraw/") == nothing
        assert other.post(f"{path}withdraw/").status_code == 404
        assert "見本" not in other.get("/").content.decode()


def test_a_stranger_is_asked_to_sign_in_whether_it_exists_or_not(visitor: Visitor, client: Client) -> None:
    receipt_no = file(visitor).receipt_no
    client.logout()
    for path in (f"/relocations/{receipt_no}/", "/relocations/00-TEST-0001-T/", "/file/"):
        assert client.get(path)["Location"] == f"/sign-in/?next={path}"


def test_a_filing_is_withdrawn_after_a_question(visitor: Visitor) -> None:
    relocation = file(visitor)
    path = f"/relocations/{relocation.receipt_no}/"
    assert f"{path}withdraw/" in visitor.open(path).links
    assert "取り下げますか" in visitor.open(f"{path}withdraw/").text
    page = visitor.client.post(f"{path}withdraw/", follow=True).content.decode()
    assert "届出を取り下げました" in page
    assert f"{path}withdraw/" not in visitor.open(path).links


def test_what_the_origin_decided_is_not_withdrawn_but_its_cancellation_is_asked_for(visitor: Visitor) -> None:
    relocation = file(visitor)
    with acting(HUB):
        said = journeys.course(relocation, services.filing_of(relocation))
    journeys.carry()
    journeys.fetch()
    for one in [said for said in said if said.notice == "moveout.submitted"]:
        journeys.say(relocation, one)
    path = f"/relocations/{relocation.receipt_no}/"
    assert f"{path}withdraw/" in visitor.open(path).links
    assert "取消し" in visitor.open(f"{path}withdraw/").text
    page = visitor.client.post(f"/relocations/{relocation.receipt_no}/withdraw/", follow=True).content.decode()
    assert "異動を取り消すかどうかは市区町村が決定します" in page
    with acting(HUB):
        assert Relocation.objects.get(pk=relocation.pk).state == "MOVEOUT_ACCEPTED"


# --- Signing in, and the pages themselves --------------------------------------------------------------


def test_the_demos_accounts_are_printed_in_a_demo_only(client: Client, settings: Any) -> None:
    settings.HUB_DEMO = False
    assert "clerk-chiyoda" not in client.get("/sign-in/").content.decode()
    settings.HUB_DEMO = True
    assert "clerk-chiyoda" in client.get("/sign-in/").content.decode()


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client) -> None:
    User.objects.create_user("citizen", password="x" * 12)
    visitor = Visitor(client)
    visitor.open("/sign-in/?next=/file/")
    answer = client.post("/sign-in/", visitor.page.values | {"username": "citizen", "password": "x" * 12})
    assert answer["Location"] == "/file/"


@pytest.mark.parametrize(
    ("language", "words"), [("ja", ("もう一度", "エラーが")), ("en", ("Please try again", "Something went"))]
)
def test_pages_of_errors_speak_the_readers_language(language: str, words: tuple[str, str]) -> None:
    client = Client(HTTP_HOST="127.0.0.1", enforce_csrf_checks=True)
    client.cookies["django_language"] = language
    answer = client.post("/sign-in/", {"username": "citizen"})
    assert (answer.status_code, words[0] in answer.content.decode()) == (403, True)
    with translation.override(language):
        failed = server_error(RequestFactory().get("/"))
    assert (failed.status_code, words[1] in failed.content.decode()) == (500, True)


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    folder = Path(citizens.__file__).parent / "templates"
    pages = sorted(folder.rglob("*.html"))
    assert pages
    for page in pages:
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", page.read_text()), page


def test_every_page_may_load_from_here_only(client: Client) -> None:
    assert "default-src 'self'" in client.get("/")["Content-Security-Policy"]


def test_every_field_of_a_filing_has_a_place_in_the_form() -> None:
    written = {place for places in mapping.PLACES.values() for place in places.values()}
    written |= {f"/movers{place}" for place in (mapping.PERSON | mapping.SEVERAL).values()}
    #: Worked out by the hub, or not a citizen's to say.
    written |= {"/kind", "/oldAddress/fullAddress", "/oldAddress/cityAndCounty", "/newAddress/fullAddress"}
    written |= {"/newAddress/cityAndCounty", "/movers/ordinal", "/movers/familyKanaStatus", "/movers/givenKanaStatus"}
    written |= {"/movers/dateOfBirth/precision", "/movers/dateOfBirth/calendar"}
    written |= {"/oldAddress/streetAddressId", "/newAddress/streetAddressId"}
    #: Said by a town or a partner front.
    written |= {"/householdJoined/headUnset", "/filer/consentsHeld"}
    whole = msgspec.to_builtins(msgspec.structs.replace(filing(0), visit_on=timezone.localdate()))
    missing = sorted(
        pointer for pointer in holds(whole) if not any(f"{pointer}/".startswith(f"{place}/") for place in written)
    )
    assert missing == []


def holds(value: Any, pointer: str = "") -> Iterator[str]:
    """Pointers of every field of a document, lists taken as one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from holds(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
        for inner in value:
            yield from holds(inner, pointer)
    else:
        yield pointer
