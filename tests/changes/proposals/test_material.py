"""Which edits end approvals: a table of edits, and the rule in words."""

import pytest

from changes.proposals.material import Judged, distance, judge, rule_in_words
from changes.proposals.sections import TEXT_FIELDS
from portal.policy.parameters import DEFAULT
from tests.changes.gates.build import with_parameters

TEXT = {
    "title": "Raise the memory of web",
    "why": "Requests are not served when memory runs out, 10 times a day. We can wait no longer.",
    "what": "1 GB instead of 512 MB.",
    "tested": "By hand in staging",
    "rollback": "Release the version before.",
    "target_release": "acme-web v12",
    "snapshot": "snap-7",
    "data_loss": "None.",
}


def edited(**parts):
    return judge(before=TEXT, after={**TEXT, **parts})


def why(before, after):
    return edited(why=TEXT["why"].replace(before, after))


SLIPS = {
    "a letter": why("served", "serves"),
    "two letters swapped": why("Requests", "Reqeusts"),
    "capitals": edited(title="Raise The Memory of web"),
    "a sign": why("longer.", "longer!"),
    "a sign more": edited(tested="By hand in staging."),
    "a blank within a word": why("memory", "mem ory"),
    "five words": edited(why="Requets are not servd when memoru runs oot, 10 timess a day. We can wait no longer."),
}


@pytest.mark.parametrize("judged", SLIPS.values(), ids=SLIPS.keys())
def test_slips_outside_the_material_sections_leave_approvals_standing(judged):
    assert not judged.material
    assert judged.reason.startswith("Only slips of the pen were mended: ")


MATERIAL = {
    "a number": (why("10 times", "90 times"), "“10” became “90” under “Why”, which is more than a slip of the pen."),
    "a word that turns it": (why("are not served", "are now served"), "“not” became “now” under “Why”"),
    "a word with not in it": (why("can", "can't"), "“can” became “can't” under “Why”"),
    "a word that goes": (why("are not served", "are served"), "“not” was removed under “Why”"),
    "a word that comes": (why("memory", "the memory"), "“the” was added under “Why”"),
    "words for others": (why("memory runs out", "customers wait too long"), "“memory runs out” became “customers wait too long”"),
    "another word": (why("Requests", "Customers"), "“Requests” became “Customers” under “Why”"),
    "a short word": (edited(tested="By hand on staging"), "“in” became “on” under “How it is tested”"),
    "many signs": (why("longer.", "longer ...!"), "Several signs differ under “Why”"),
    "signs alone": (judge(before={**TEXT, "why": "a - b"}, after={**TEXT, "why": "a ==> b"}), "Several signs differ under “Why”"),
    "a name in code": (judge(before={**TEXT, "why": "MAX_A"}, after={**TEXT, "why": "MAX_B"}), "“MAX_A” became “MAX_B”"),
    "six words": (
        edited(why="Requets arre not servd when memoru runs oot, 10 timess a day. We can wait no longer."),
        "More than 5 words differ, however little each.",
    ),
    "a passage": (edited(why=TEXT["why"] + " x" * 101), "A whole passage differs under “Why”"),
    "many words at once": (edited(tested="By hand in staging and on two machines of production at night"), "…” was added"),
    "the way back, by a letter": (
        edited(rollback="Release the versoin before."),
        "“How to undo it” was edited, and every edit there is material.",
    ),
    "the release to go back to": (edited(target_release="acme-web v11"), "“Release to go back to” was edited"),
    "the snapshot": (edited(snapshot="snap-8"), "“Snapshot and restore” was edited"),
    "the loss": (edited(data_loss="None"), "“Expected data loss” was edited"),
    "what changes": (edited(what="1 GB instead of 512 MB!"), "“What changes” was edited"),
}


@pytest.mark.parametrize(("judged", "words"), MATERIAL.values(), ids=MATERIAL.keys())
def test_everything_else_is_material_and_says_why(judged, words):
    assert judged.material
    assert words in judged.reason


def test_blanks_at_the_ends_of_lines_and_other_line_ends_are_no_edit():
    judged = edited(rollback="\nRelease the version before.  \r\n", why=TEXT["why"] + " ")

    assert judged == Judged(False, "Only white space at the ends of lines differs.")


def test_slips_say_how_many_words():
    assert "1 word, outside" in why("served", "serves").reason
    assert "signs and blanks alone" in why("longer.", "longer!").reason


def test_every_section_but_the_listed_ones_may_be_mended():
    free = [name for name in TEXT_FIELDS if not edited(**{name: TEXT[name][:4].swapcase() + TEXT[name][4:]}).material]

    assert free == ["title", "why", "tested"]
    assert set(DEFAULT.material_sections) == set(TEXT_FIELDS) - set(free)


def test_the_rule_follows_its_parameters():
    strict = with_parameters(immaterial_words=0, material_sections=("what", "title"))
    after = {**TEXT, "why": TEXT["why"].replace("served", "serves")}

    assert judge(before=TEXT, after=after, parameters=strict).material
    assert not judge(
        before=TEXT, after={**TEXT, "rollback": TEXT["rollback"].upper()}, parameters=with_parameters(material_sections=("what",))
    ).material
    assert rule_in_words(strict).startswith("Every edit of “Title” or “What changes” is material")
    assert "up to 5 words" in rule_in_words()


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("abc", "xyz", 3), ("abcdef", "a", 3)],
)
def test_distance_counts_letters_up_to_its_limit(one, other, letters):
    assert distance(one, other, most=2) == letters
