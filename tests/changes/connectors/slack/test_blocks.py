"""How a message of the portal looks in Slack: plain words, nothing that somebody wrote acts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes.connectors.slack.blocks import LONGEST_TEXT, message_of, plain, shortened, whispered
from portal.standins.slack.checks import check_blocks


def section(text):
    return {"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}


def test_a_message_is_words_lines_and_buttons():
    made = message_of(
        {
            "text": "Emergency CHG-7: search is down",
            "lines": ["Fix: roll back", "", "Undo: release again"],
            "link": {"text": "Open CHG-7", "url": "https://portal.example/changes/7/"},
            "buttons": [
                {"text": "+1", "action": "emergency.plus_one", "value": 7, "style": "primary"},
                {"text": "No", "action": "no", "style": "x"},
            ],
        }
    )

    assert made == {
        "text": "Emergency CHG-7: search is down",
        "blocks": [
            section("Emergency CHG-7: search is down"),
            section("Fix: roll back\nUndo: release again"),
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "+1", "emoji": False},
                        "action_id": "emergency.plus_one",
                        "value": "7",
                        "style": "primary",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "No", "emoji": False},
                        "action_id": "no",
                        "value": "",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Open CHG-7", "emoji": False},
                        "action_id": "open",
                        "url": "https://portal.example/changes/7/",
                    },
                ],
            },
        ],
    }
    check_blocks(made["blocks"])


def test_ready_blocks_are_taken_as_they_are():
    assert message_of({"text": "a < b", "blocks": [{"type": "divider"}] * 60}) == {
        "text": "a &lt; b",
        "blocks": [{"type": "divider"}] * 50,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> <@U1> <https://evil.example|here>", "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|here&gt;"),
        ("a & b", "a &amp; b"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("line\nbreak\ttab\r\n  end ", "line break tab end"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("nul\x00 bell\x07 zero\u200bwidth", "nul bell zerowidth"),
        ("half \ud83d pair", "half pair"),
    ],
)
def test_nothing_that_somebody_wrote_acts(text, shown):
    assert plain(text=text) == shown


def test_long_words_are_cut_visibly_and_never_within_an_entity():
    assert shortened(text="a" * 10, longest=10) == "a" * 10
    assert shortened(text="a" * 11, longest=10) == "a" * 9 + "…"
    assert shortened(text="aaaaa&amp;bbbb", longest=9) == "aaaaa…"
    assert shortened(text="&amp;aaaaaaaaa", longest=9) == "&amp;aaa…"


def test_an_answer_keeps_its_lines():
    assert whispered(text="one <!here>\ntwo") == "one &lt;!here&gt;\ntwo"


@given(text=st.text(max_size=5000), lines=st.lists(st.text(max_size=3000), max_size=3), label=st.text(max_size=200))
def test_whatever_is_said_slack_takes_it(text, lines, label):
    made = message_of({"text": f"CHG-1 {text}", "lines": lines, "buttons": [{"text": f"x{label}", "action": "a", "value": text}]})

    check_blocks(made["blocks"])
    assert len(made["text"]) <= LONGEST_TEXT
    assert not set("<>\n\x00\u202e") & set(made["text"])
