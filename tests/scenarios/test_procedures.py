"""S19 and S53: what follow-on procedures make of an uncertain birth date and of a student."""

import msgspec
import pytest
from django.urls import reverse

from hub.actors import HUB, acting
from hub.procedures.models import Task
from municipalities.notice import Coverage, HouseholdLeft, Precision, Scope, UncertainDate
from tests.conftest import connect
from tests.scenarios.stage import TARO, A, B, Stage, born, move, person

pytestmark = pytest.mark.django_db


def test_s19_of_the_birth_date_the_year_alone_is_known(stage: Stage) -> None:
    connect(A, "mainframe_cp932", "pull:")
    about = UncertainDate(year=1945, precision=Precision.YEAR, display_text="昭和20年頃")
    old = msgspec.structs.replace(TARO, date_of_birth=about, coverage=Coverage(long_term_care=True))
    story = stage.file(move(old))
    story.moved_out()
    # The mainframe writes the year and zeros, with the text beside it in its full width; read back it is the same.
    content, record = story.written(A, "moveout.submitted")
    assert b"3200000" in content
    assert "昭和２０年頃".encode("cp932") in content
    assert record.movers[0].date_of_birth == msgspec.structs.replace(about, display_text="昭和２０年頃")
    for code, type_ in ((A, "moveout.submitted"), (B, "arrival.prefill")):
        assert story.notice(code, type_).movers[0].date_of_birth == about
    story.moved_in()
    story.confirmed()
    # A rule that needs an age is not guessed: a clerk of the town decides, at the desk.
    with acting(HUB):
        asked = list(Task.objects.filter(relocation_id=story.relocation.pk, asks="birth"))
    assert asked
    assert {task.state for task in asked} == {"PENDING"}
    own = [task for task in asked if task.municipality_id == B]
    page = stage.clerk(B).get(reverse("admin:procedures_task_changelist"), {"open": "asks"}).content.decode()
    assert story.receipt_no in page
    assert not {task.procedure for task in own} & set(story.tasks(B))
    # The citizen reads that the town decides it; nothing else is held up by it.
    assert "市区町村が判断します" in story.page()
    story.entered()
    assert (story.states(B), story.told(A)) == (["CLOSED"], ["moveout.submitted", "movein.notice"])


def test_s53_a_student_stays_insured_at_home(stage: Stage) -> None:
    student = person(
        1,
        "見本　次郎",
        "子",
        date_of_birth=born(2007),
        presents_card=True,
        coverage=Coverage(national_health_insurance=True),
        relation_to=("世帯主",),
    )
    left = HouseholdLeft(head_name=TARO.full_name, head_moves=False, remaining_count=2)
    document = move(student, scope=Scope.PART, household_left=left)
    story = stage.file(document)
    # Whether it is for school is asked, and not inferred: nothing is opened before.
    assert "親元を離れて学校に通うための引越しですか" in story.page()
    assert "E104" not in story.answer(**{"answer-1-student": "yes"})
    story.moved_out()
    assert story.tasks(A)["F02"] == 1
    story.moved_in()
    story.confirmed()
    assert "F01" not in story.tasks(B)
    assert "F01" not in story.tasks(A)
    # Who says no is insured where they go.
    other = msgspec.structs.replace(student, full_name="試験　次郎")
    leaves = stage.file(msgspec.structs.replace(document, movers=(other,)), "another")
    leaves.answer(**{"answer-1-student": "no", "answer-0-facility": "no"})
    leaves.moved_out()
    leaves.moved_in()
    leaves.confirmed()
    assert leaves.tasks(B)["F01"] == 1
    assert "F02" not in leaves.tasks(A)
    for one in (story, leaves):
        one.entered()
        assert one.told(A) == ["moveout.submitted", "movein.notice"]
        assert (one.alerts(A), one.alerts(B)) == ([], [])
    # Of who stays insured at home nothing waits at B; of the other the department's answer completes it.
    assert (story.state, leaves.state) == ("SETTLED", "SETTLED")
