"""A script says which towns behave how and when; a bad one is refused with the line and the key."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine

from municipalities.simulator import page, script
from municipalities.simulator.faults import PROFILES, Faults

TOWNS = ["012025", "131016", "221406", "472018"]
SCRIPT = """
[[act]]
towns = "all"
profile = "batch"
batch = [12:00:00, 13:00:00]

[[act]]
towns = ["131016"]
profile = ["slow", "duplicate"]
from = 22:00:00
until = 05:00:00
thinks = [1, 2]

[[act]]
towns = ["221406"]
profile = "down"
from = 2026-04-01T10:00:00
until = 2026-04-01T11:00:00+09:00

[[act]]
towns = "25%"
profile = "careful"
until = 60
"""


def test_acts_begin_and_end_and_the_last_one_counts(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(SCRIPT, encoding="utf-8")
    acts = script.read(tmp_path / "script.toml", TOWNS)

    def now() -> dict[str, str]:
        return {code: faults.of(code).name for code in TOWNS}

    with time_machine.travel("2026-04-01T10:30:00+09:00") as clock:
        faults = Faults(TOWNS, acts)
        (lucky,) = [code for code, name in now().items() if name == "careful"]
        clock.shift(61)
        expected = dict.fromkeys(TOWNS, "batch") | {"221406": "down"}
        assert (now(), lucky in TOWNS) == (expected, True)
        clock.move_to("2026-04-02T04:59:00+09:00")
        assert now() == dict.fromkeys(TOWNS, "batch") | {"131016": "slow+duplicate"}
        profile = faults.of("131016")
        assert (profile.thinks, profile.times, profile.accepts_after) == ((1.0, 2.0), 2, (0.5, 1.5))
        assert faults.rests("472018")
        clock.move_to("2026-04-02T12:00:00+09:00")
        assert not faults.rests("472018")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[act]\n", r"at line 1, column"),
        ("", r"there is no \[\[act\]\] table"),
        ("speed = 2\n[[act]]\ntowns = 'all'\nprofile = 'slow'\n", r":1: «speed»"),
        ("[[act]]\ntowns = 'all'\nprofile = 'lazy'\n", r":3: \[\[act\]\] 1, «profile»: one or several of careful, slow"),
        ("[[act]]\ntowns = 'all'\n", r":1: \[\[act\]\] 1, «profile»"),
        ("[[act]]\nprofile = 'slow'\ntowns = ['012025', '999999']\n", r":3: .*«towns»: not played here: 999999"),
        ("[[act]]\nprofile = 'slow'\ntowns = '110%'\n", r":3: .*«towns»"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\n\n[[act]]\ntowns = 'all'\nprofile = 'slow'\nthinks = [5.0, 'x']\n",
         r":8: \[\[act\]\] 2, «thinks»: Expected `float`, got `str`"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nthinks = [5, 2]\n", r":4: .*«thinks»: the first"),
        ("[[act]]\ntowns = 'all'\nprofile = 'flaky'\nfails = 1.5\n", r":4: .*«fails»: Expected `float` <= 1"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nthink = 1\n", r":4: .*«think»: one of towns, profile"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nname = 'x'\n", r":4: .*«name»"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nfrom = 08:30:00\n", r":4: .*«from»: times of day go in pairs"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nfrom = 60\nuntil = 30\n", r":5: .*«until»: not after"),
        ("[[act]]\ntowns = 'all'\nprofile = 'slow'\nfrom = 'noon'\n", r":4: .*«from»"),
    ],
)  # fmt: skip
def test_a_bad_script_is_refused_with_line_and_key(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(script.ScriptError, match=re.compile(f"bad.toml.*{told}")):
        script.read(file, TOWNS)


def test_the_command_says_what_is_wrong_with_the_script_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "towns").write_bytes(b"")
    (tmp_path / "bad.toml").write_text("[[act]]\ntowns = 'all'\nprofile = 'lazy'\n", encoding="utf-8")
    command = [sys.executable, "-m", "municipalities.simulator", "--towns", str(tmp_path / "towns")]
    command += ["--script", str(tmp_path / "bad.toml"), "--data", str(tmp_path / "books")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bad.toml:3: [[act]] 1, «profile»" in done.stderr
    assert not (tmp_path / "books").exists()


def test_every_profile_has_words_in_both_languages() -> None:
    ja, en = page.words("ja"), page.words("en")
    assert {f"profile.{name}" for name in PROFILES} == {name for name in ja if name.startswith("profile.")}
    assert all(ja.values())
    assert all(en.values())
    assert all(re.search("[ぁ-んァ-ン一-龥]", ja[f"profile.{name}"]) for name in PROFILES)
