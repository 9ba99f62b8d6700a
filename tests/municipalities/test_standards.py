"""The conformance suite: every record standard, by being there, must pass."""

import csv
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from municipalities import standard
from municipalities.adapter import Adapter
from municipalities.characters import NOTHING_DECIDED, Decisions, Undecided
from municipalities.errors import UnfitError
from municipalities.notice import Notice
from municipalities.standard import Written, load
from municipalities.standard.sources import REQUIRED, leaves, parts, sources
from municipalities.standard.tables import omitted
from tests.golden import DECIDED, GOLDEN
from tests.municipalities.notices import any_text_notices, notices
from tests.samples import HARD, ONE, OTHER, UNDECIDED

NAMES = standard.names()
SAMPLES = {"ONE": ONE, "OTHER": OTHER, **HARD}
every_standard = pytest.mark.parametrize("name", NAMES)


def tree(notice: Notice) -> dict[str, Any]:
    """The notice as JSON has it: easier to change than frozen records."""
    built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(notice))
    return built


def put(built: dict[str, Any], pointer: str, value: Any) -> None:
    node: Any = built
    *above, last = pointer.strip("/").split("/")
    for step in above:
        node = node[int(step)] if isinstance(node, list) else node[step]
    node[int(last) if isinstance(node, list) else last] = value


def pointer_of(leaf: str) -> str:
    source = sources()[leaf]
    return f"/movers/0{source.pointer}" if source.part.of_mover else source.pointer


def value_of(built: Any, pointer: str) -> Any:
    for step in pointer.strip("/").split("/"):
        built = built[int(step)] if isinstance(built, list) else built[step]
    return built


def changes() -> Iterator[tuple[str, Notice]]:
    """ONE with one value of OTHER, for every value that can be filed."""
    other = tree(OTHER)
    for leaf in leaves():
        built = tree(ONE)
        put(built, pointer_of(leaf), value_of(other, pointer_of(leaf)))
        yield leaf, msgspec.convert(built, Notice)


def expected(layout: standard.Standard, notice: Notice, written: Written) -> Notice:
    """What must be read back: the notice, with its recorded fallbacks, without what the layout omits."""
    built = tree(notice)
    first = {fallback.path: fallback for fallback in reversed(written.fallbacks)}  # the first item is the one read
    for fallback in written.fallbacks:
        assert fallback.rule
        if fallback is first[fallback.path]:
            assert value_of(built, fallback.path) == fallback.original
            put(built, fallback.path, fallback.written)
    for name in layout.omits:
        owners = built["movers"] if name.startswith("mover.") else [built]
        for owner in owners:
            forget(owner, name)
    return msgspec.convert(built, Notice)


def forget(owner: dict[str, Any], name: str) -> None:
    if name in parts():
        owner[parts()[name].path[0]] = None
        return
    source = sources()[name]
    part = owner[source.part.path[0]] if source.part.path else owner
    if part is not None:
        del part[source.key]


def assert_comes_back(layout: standard.Standard, notice: Notice, decided: Decisions = NOTHING_DECIDED) -> None:
    written = layout.write(notice, decided)
    assert layout.read(written.content) == expected(layout, notice, written)


def names_of(layout: standard.Standard) -> set[str]:
    """The items as they stand in its files."""
    return {item.name for items in layout.tables.laid_out().values() for item in items}


def has(layout: standard.Standard, source: str, column: str) -> bool:
    return any(item.source == source and getattr(item, column) for item in layout.items)


@every_standard
def test_the_golden_sample_is_written_byte_for_byte(name: str) -> None:
    layout = load(name)
    assert layout.write(GOLDEN, DECIDED).content == layout.sample.read_bytes()


def test_the_samples_differ_in_every_value() -> None:
    one, other = tree(ONE), tree(OTHER)
    assert not [leaf for leaf in leaves() if value_of(one, pointer_of(leaf)) == value_of(other, pointer_of(leaf))]


@every_standard
def test_nothing_filed_is_silently_dropped(name: str) -> None:
    """Change any one value: the bytes change, or the standard says that it omits it; and omits no more."""
    layout = load(name)
    before = layout.write(ONE).content
    dropped = {leaf for leaf, changed in changes() if layout.write(changed).content == before}
    assert dropped == omitted(layout.omits)
    assert all(layout.omits.values())
    assert not dropped & set(REQUIRED)


@every_standard
@pytest.mark.parametrize("sample", SAMPLES)
def test_what_was_written_is_read_back(name: str, sample: str) -> None:
    assert_comes_back(load(name), SAMPLES[sample])


@every_standard
@pytest.mark.parametrize("sample", UNDECIDED)
def test_what_no_table_settles_is_refused_with_the_candidates(name: str, sample: str) -> None:
    layout, notice = load(name), UNDECIDED[sample]
    asked = layout.questions(notice)
    if not asked:
        assert layout.encoding != "cp932" or layout.tables.gaiji
        assert_comes_back(layout, notice)
        return
    with pytest.raises(Undecided, match="candidates: ") as refused:
        layout.write(notice)
    assert refused.value.code == "E130"
    assert refused.value.questions[0] == asked[0]
    assert refused.value.pointer in names_of(layout)


def decided_all(layout: standard.Standard, notice: Notice) -> Decisions:
    """A short lawful text for every question, as a clerk would give it."""
    short = {"half": "X", "half_kana": "ミホン"}
    asked = layout.questions(notice)
    return {(asked.target, asked.text): short.get(asked.target.rpartition("/")[2], "見本") for asked in asked}


@settings(max_examples=60, deadline=None, report_multiple_bugs=False)
@given(notices())
def test_every_notice_comes_back_from_every_layout(notice: Notice) -> None:
    for name in NAMES:
        layout = load(name)
        note(name)
        assert_comes_back(layout, notice, decided_all(layout, notice))


@settings(max_examples=60, deadline=None, report_multiple_bugs=False)
@given(any_text_notices())
def test_any_text_comes_back_or_is_refused(notice: Notice) -> None:
    for name in NAMES:
        layout, refused = load(name), None
        note(name)
        try:
            written = layout.write(notice)
        except UnfitError as error:
            refused = error
        if refused is None:
            assert layout.read(written.content) == expected(layout, notice, written)
        else:
            assert refused.code == "E130", refused
            assert refused.pointer in names_of(layout)


@every_standard
def test_overflow_and_missing_codes_are_refused_and_tell_no_names(name: str) -> None:
    """The detail goes to logs and queues: it names the item, never what was filed in it."""
    layout = load(name)
    relation = msgspec.structs.replace(ONE.movers[0], relation_to=("孫見本",))
    long = msgspec.structs.replace(ONE.movers[0], full_name="見本" * 200)
    has_codes = has(layout, "mover.relation_to.1", "codes")
    for mover, code in ((relation, "E132" if has_codes else ""), (long, "E131")):
        notice = msgspec.structs.replace(ONE, movers=(mover,))
        if not code or (mover is long and not has(layout, "mover.full_name", "width")):
            assert_comes_back(layout, notice)
            continue
        with pytest.raises(UnfitError) as refused:
            layout.write(notice)
        assert refused.value.code == code
        assert "見本" not in str(refused.value)


def test_a_chain_longer_than_the_items_is_not_cut() -> None:
    mover = msgspec.structs.replace(ONE.movers[0], relation_to=("子",) * 5)
    for name in ("juki_list_csv", "mainframe_cp932"):
        with pytest.raises(UnfitError) as refused:
            load(name).write(msgspec.structs.replace(ONE, movers=(mover,)))
        assert refused.value.code == "E131"


def test_a_fixed_record_is_as_long_as_its_table_says() -> None:
    """Offsets worked out from the table alone, with nothing of the engine."""
    folder = standard.STANDARDS / "mainframe_cp932"
    with (folder / "fields.csv").open(encoding="utf-8", newline="") as file:
        widths = {row["name"]: int(row["width"]) for row in csv.DictReader(file)}
    content = load("mainframe_cp932").write(ONE).content
    assert len(content) == 2 * sum(widths.values())
    names = list(widths)

    def cell(item: str) -> bytes:
        start = sum(widths[name] for name in names[: names.index(item)])
        return content[start : start + widths[item]]

    assert cell("届出日") == b"5080310"
    assert cell("生年月日") == b"3200300"
    assert cell("カナ氏名") == "ﾐﾎﾝ ﾖｼﾛｳ".encode("cp932").ljust(100)
    assert cell("漢字氏名") == "見本　吉郎".encode("cp932") + b"\x81\x40" * 45
    assert b"\r" not in content
    assert b"\n" not in content


@every_standard
def test_an_adapter_packs_what_the_standard_writes(name: str) -> None:
    parcel = Adapter("012025", name, "memory:test").pack(ONE)
    layout = load(name)
    assert parcel.content == layout.write(ONE).content
    assert (parcel.name, parcel.type, parcel.records) == (ONE.notice_id, ONE.type, 2)
    assert parcel.content_type.endswith(f"charset={layout.charset}")


# --- reading what is not ours ---------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(NAMES))
def test_damaged_bytes_are_refused_or_read_never_worse(data: st.DataObject, name: str) -> None:
    layout = load(name)
    content = bytearray(layout.sample.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    code = ""
    try:
        layout.read(bytes(content))
    except UnfitError as error:  # any other exception must surface
        code = error.code
    assert code in {"", "E100", "E130", "E132"}


def xml_with(inside: str, before: str = "") -> bytes:
    text = load("regional_xml").sample.read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    return f"{head}\n{before}{rest.replace('見本、「試験」です。', inside)}".encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("regional_xml", xml_with("&x;", '<!DOCTYPE 異動通知 [<!ENTITY x SYSTEM "file:///etc/hostname">]>')),
        ("regional_xml", xml_with("", "<!DOCTYPE 異動通知>")),
        ("regional_xml", xml_with("<備考>x</備考>")),
        ("regional_xml", xml_with("x</備考><備考>y")),
        ("regional_xml", xml_with("x</備考><祖父>y</祖父><備考>")),
        ("regional_xml", b"<" + b"a>" * 3),
        ("gif_json", b"[" * 5000),
        ("gif_json", b'{"a":' * 900 + b"1" + b"}" * 900),
        ("gif_json", b'{"person": [1]}'),
        ("gif_json", b'{"person": {}}'),
        ("juki_list_csv", b""),
        ("juki_list_csv", "氏名\r\n見本".encode()),
        ("juki_list_csv", load("juki_list_csv").sample.read_bytes().split(b"\r\n")[0] + b"\r\n"),
        ("mainframe_cp932", b""),
        ("mainframe_cp932", load("mainframe_cp932").sample.read_bytes()[:-1]),
    ],
)
def test_what_is_not_of_the_layout_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(UnfitError) as refused:
        load(name).read(content)
    assert refused.value.code == "E100"


def test_records_of_two_notices_are_not_mixed() -> None:
    layout = load("juki_list_csv")
    one, other = layout.write(ONE).content, layout.write(OTHER).content
    with pytest.raises(UnfitError, match="not of one notice"):
        layout.read(one + other.split(b"\r\n", 1)[1])


def test_an_unknown_code_becomes_a_question() -> None:
    layout = load("juki_list_csv")
    content = layout.sample.read_text(encoding="utf-8").replace('"男"', '"男"').replace('"12","20"', '"12","55"')
    with pytest.raises(UnfitError, match="table «relation»") as refused:
        layout.read(content.encode())
    assert (refused.value.code, refused.value.pointer) == ("E132", "続柄コード2")
