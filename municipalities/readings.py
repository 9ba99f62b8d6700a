"""The reading of a name (振り仮名) as a certificate prints it: family and given name are certified each by itself."""

from municipalities.notice import KanaStatus, Mover

#: What stands for a half that is not certified while the other one is, and for the whole before either is.
FAMILY, GIVEN, NOTHING = "【氏空欄】", "【名空欄】", "********"


def certified(mover: Mover) -> str:
    """Return the reading as a certificate prints it; empty where nobody can tell which half is which.

    >>> half = {"family_kana_status": KanaStatus.CERTIFIED, "given_kana_status": KanaStatus.DECLARED}
    >>> certified(Mover(ordinal=1, full_name="見本　太郎", full_name_kana="ミホン　タロウ", **half))
    'ミホン　【名空欄】'
    """
    family, given = (status is KanaStatus.CERTIFIED for status in (mover.family_kana_status, mover.given_kana_status))
    if family and given:
        return mover.full_name_kana
    if not family and not given:
        return NOTHING
    halves = mover.full_name_kana.split(maxsplit=1)
    if len(halves) < 2:
        return ""
    return f"{halves[0] if family else FAMILY}\u3000{halves[1] if given else GIVEN}"
