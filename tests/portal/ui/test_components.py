"""Components as strings: what they say, and that nobody's text becomes markup."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template import Context, Template
from django.utils.safestring import SafeString

from portal.ui.components import blocks, gates, leaf, lists, status
from portal.ui.components import forms as fields
from portal.ui.components.times import distance, moment
from portal.ui.components.words import minutes

NOW = datetime(2026, 11, 23, 15, 40, tzinfo=UTC)
EVIL = "<script>pwn()</script>\"'&"


def draw(source, **context):
    return Template(source).render(Context({"now": NOW, **context}))


def test_a_gate_strip_says_in_words_what_it_shows():
    strip = gates.gate_strip("mnmmfmwc----")

    assert 'aria-label="4 of 11 gates met, 1 failed, 1 waiting, 1 not connected, 4 not looked at"' in strip
    assert strip.count("<rect") == 12
    assert strip.count("gs-x") == 1


def test_a_gate_strip_of_an_unknown_letter_raises():
    with pytest.raises(KeyError):
        gates.gate_strip("mmmmmmmmmmm?")


def test_the_strip_has_a_shape_of_its_own_for_each_state():
    css = (Path(settings.BASE_DIR) / "assets/ui/parts.css").read_text()
    rules = re.findall(r"^((?:\.gc-[-\w], )?\.gc-[-\w]) \{ y: (\d+)px; width: 8px; height: (\d+)px", css, re.MULTILINE)
    shapes = {letter[-1]: (top, height) for names, top, height in rules for letter in names.split(", ")}

    assert shapes.keys() == gates.STATES
    assert len({shapes[letter] for letter in "mwnc-"}) == 5
    assert shapes["f"] == shapes["m"]
    assert "<path" in gates.gate_strip("f")


def test_a_strip_of_another_length_keeps_its_width():
    assert 'viewBox="0 0 129 16">' in gates.gate_strip("m" * 12)
    assert 'viewBox="0 0 19 16" width="19">' in gates.gate_strip("mm")
    assert "<rect" not in gates.gate_strip("")


def test_drawings_that_a_list_repeats_stand_in_it_once():
    row = "{% badge 'approved' %}{% gate_strip 'mmmmmmmmmmmm' %}"
    drawn = draw("{% sharing 'x' %}" + row * 3 + "{% badge 'draft' %}{% icon 'stamp' 20 %}{% endsharing %}")
    sheet, _, rest = drawn.partition("</svg>")

    assert re.findall(r'<symbol id="(\w+)" viewBox="([\d ]+)">', sheet) == [("x0", "0 0 24 24"), ("x1", "0 0 129 16")]
    assert rest.count('<use href="#x0"/>') == 4
    assert rest.count('<use href="#x1"/>') == 3
    assert rest.count("Approved") == 3
    assert rest.count('aria-label="12 of 12 gates met"') == 3
    assert '<svg class="icon" width="20" height="20" aria-hidden="true"><use href="#x0"/></svg>' in rest
    assert "Draft" in rest
    assert rest.count("<path") == status.badge("draft").count("<path")


def test_a_list_without_repetitions_stays_as_it_is():
    assert draw("{% sharing 'x' %}{% badge 'draft' %}{% endsharing %}") == draw("{% badge 'draft' %}")


def test_badges_and_states_of_unknown_kind_raise():
    with pytest.raises(KeyError):
        status.badge("nonsense")
    with pytest.raises(KeyError):
        status.state_icon("nonsense")


@pytest.mark.parametrize("kind", status.BADGES)
def test_each_badge_draws_an_icon_and_a_word(kind):
    drawn = status.badge(kind)

    assert "<svg" in drawn
    assert status.BADGES[kind][2] in drawn


def test_a_state_is_read_out_as_a_word():
    assert '<span class="sr-only">Not connected: </span>' in status.state_icon("not_connected")


@pytest.mark.parametrize(
    "leaf_of",
    [
        lambda text: status.badge("open", text),
        lambda text: status.pill(text),
        lambda text: leaf.avatar(text),
        lambda text: leaf.kbd(text),
        lambda text: leaf.copy(text),
        lambda text: leaf.digest(text),
        lambda text: leaf.bar(1, 2, text),
        lambda text: lists.facts([(text, text)]),
        lambda text: lists.tabs([("/x", text)], "/x", text),
        lambda text: fields.segments("f", [(text, text)], text, text),
        lambda text: fields.select("f", [(text, text)], text, text),
        lambda text: fields.search_input("q", text, text, text),
        lambda text: fields.problem_box([("id", text)], text),
    ],
)
def test_components_escape_what_people_wrote(leaf_of):
    drawn = str(leaf_of(EVIL))

    assert "<script" not in drawn
    assert "pwn" in drawn or "avatar" in drawn


def test_a_cached_leaf_escapes_text_that_was_marked_safe_before():
    text = "<b>twice</b>"

    first, second = status.pill(SafeString(text)), status.pill(text)

    assert first == second
    assert "<b>" not in second


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(seconds=-20), "now"),
        (timedelta(minutes=-4), "4 min ago"),
        (timedelta(hours=6), "in 6 h"),
        (timedelta(days=-2), "2 d ago"),
        (timedelta(days=-200), "7 May 2026"),
    ],
)
def test_a_distance_is_told_from_the_time_of_the_request(off, words):
    assert distance(NOW + off, now=NOW) == words


def test_a_moment_has_its_absolute_time_in_utc_and_in_the_readers_zone():
    drawn = moment(NOW - timedelta(minutes=4), now=NOW, zone="Europe/Berlin")

    assert drawn == (
        '<time datetime="2026-11-23T15:36:00Z" title="Mon 23 Nov 2026, 15:36 UTC (16:36 Europe/Berlin)" '
        'data-abs="Mon 23 Nov 2026, 15:36 UTC">4 min ago</time>'
    )


def test_a_moment_that_is_not_there_is_told_in_words():
    assert "never" in draw("{% when at 'never' %}", at=None)


def test_when_without_the_time_of_the_request_raises():
    with pytest.raises(LookupError):
        Template("{% when at %}").render(Context({"at": NOW}))


def test_a_spark_needs_two_values():
    assert leaf.spark([3], "x") == ""
    assert "<polyline" in leaf.spark([3, 5], "rising")


def test_an_avatar_of_a_size_that_does_not_exist_raises():
    with pytest.raises(ValueError, match="px"):
        leaf.avatar("Ann", 21)


def test_a_digest_is_short_on_the_screen_and_whole_on_the_button():
    drawn = leaf.digest("sha256:" + "ab" * 32, 8)

    assert "<code" in drawn
    assert ">sha256:abababab</code>" in drawn
    assert f'data-copy="sha256:{"ab" * 32}"' in drawn


class Form(forms.Form):
    title = forms.CharField(help_text="One line.")
    kind = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect, required=False)
    read = forms.BooleanField(label="I read it", required=False)


def test_a_field_ties_its_error_and_its_hint_to_the_input():
    form = Form({"title": ""})
    form.is_valid()

    drawn = fields.field(form["title"])

    assert 'aria-describedby="id_title_helptext id_title_error"' in drawn
    assert 'id="id_title_helptext"' in drawn
    assert 'id="id_title_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert "data-error" in drawn


def test_fields_of_each_kind_have_their_label():
    form = Form()

    assert '<label for="id_title">Title</label>' in fields.field(form["title"])
    assert "(optional)" in fields.field(form["kind"])
    assert '<label class="check" for="id_read">' in fields.field(form["read"])


def test_the_summary_links_each_error_to_its_field():
    form = Form({"title": ""})
    form.is_valid()
    form.add_error(None, "The whole is wrong.")

    drawn = fields.error_summary(form)

    assert '<a href="#id_title">This field is required.</a>' in drawn
    assert "The whole is wrong." in drawn
    assert "data-autofocus" in drawn
    assert fields.error_summary(Form()) == ""
    assert fields.error_summary("") == ""


def test_a_pager_draws_only_the_steps_that_exist():
    assert "Newer" not in lists.pager("1 of 1")
    assert 'href="/x?before=3"' in lists.pager("", "/x?before=3", "", "#rows")
    numbered = lists.pager("51–65 of 65", "/x?before=3", "/x?after=9", numbered=True)
    assert ("Previous" in numbered, "Next" in numbered, "Newer" in numbered, "Older" in numbered) == (True, True, False, False)


def test_block_components_wrap_their_content():
    drawn = draw(
        '{% card title=title icon_name="link" id="x" %}in{% endcard %}{% banner tone="warn" %}careful{% endbanner %}'
        '{% fold title="more" id="f" state="met" %}inside{% endfold %}{% empty title="Nothing" %}{% endempty %}'
        '{% verdict tone="bad" words="Failed" %}why{% endverdict %}{% tablewrap label="T" %}t{% endtablewrap %}'
        '{% dialog id="d" title="D" %}d{% enddialog %}{% untrusted %}u{% enduntrusted %}',
        title=EVIL,
    )

    assert "<script" not in drawn
    assert '<section class="card" id="x">' in drawn
    assert 'aria-labelledby="d-title"' in drawn
    assert "hx-disable" in drawn


def test_numbers_are_counted_with_their_noun():
    assert (
        draw('{{ 1|count:"change" }}, {{ 2|count:"change" }}, {{ 1200|count:"entry|entries" }}')
        == "1 change, 2 changes, 1 200 entries"
    )


def test_a_live_region_asks_again_when_its_bell_rings():
    drawn = blocks.live_region("change-12", "/x/")

    assert ' hx-get="/x/" hx-trigger="live:change-12 from:body, portal:tick from:body"' in drawn
    assert 'hx-swap="morph:innerHTML"' in drawn


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (43_200, "30 d"), (43_199, "29 d 23 h"), (525_600, "365 d")]
)
def test_minutes_are_written_in_days_and_hours(count, words):
    assert minutes(count) == words
