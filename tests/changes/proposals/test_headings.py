"""What a pull request's description says under its headings, and the changes that it names."""

import time

import pytest

from changes.proposals.headings import NAMES, Lifted, lift, references

FIVE_MEGABYTES = 5_000_000
HEAVY_SIZE = 400_000

TEMPLATE = """\
<!-- Thank you! Name the change: CHG-9999 -->
It is slow in the morning.

## Why
Memory runs out.
<!-- one
or two sentences -->

## What changed?
- 1 GB instead of 512 MB

### Details
Only for web.

## How has this been tested?
By hand:

```sh
# Rollback
fly scale show
```

## Rollback plan
Release the version before.

## Screenshots
none needed

## Snapshot
snap-42

**Data loss:** none

Target release: acme-web v12
"""


def test_lift_a_whole_description():
    assert lift(TEMPLATE) == Lifted(
        why="It is slow in the morning.\n\nMemory runs out.\n\n## Screenshots\nnone needed",
        what="- 1 GB instead of 512 MB\n\n### Details\nOnly for web.",
        tested="By hand:\n\n```sh\n# Rollback\nfly scale show\n```",
        rollback="Release the version before.",
        target_release="acme-web v12",
        snapshot="snap-42",
        data_loss="none",
    )


HEADINGS = [(section, name) for section, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("section", "name"), HEADINGS, ids=[name for _, name in HEADINGS])
def test_every_name_leads_to_its_part(section, name):
    expected = Lifted(**{section: "It is so."})

    assert lift(f"# {name.capitalize()}\nIt is so.") == expected
    assert lift(f"**{name.title()}:**\nIt is so.") == expected


ONE_PART = {
    "no description": ("", Lifted()),
    "white space": (" \n\t\n", Lifted()),
    "plain text": ("Because of memory.", Lifted(why="Because of memory.")),
    "text before the first heading": ("Because.\n# What\nThis.", Lifted(why="Because.", what="This.")),
    "marks and signs in a heading": ("## 🚀 1. Why? ##\nBecause.", Lifted(why="Because.")),
    "an apostrophe": ("## What's changed\nThis.", Lifted(what="This.")),
    "a bold line": ("**Rollback plan**\nBack.", Lifted(rollback="Back.")),
    "a bold line with text behind it": ("**Rollback**: back.", Lifted(rollback="back.")),
    "bold with the colon inside": ("**Rollback:** back.", Lifted(rollback="back.")),
    "bold with underscores": ("__Testing__\nBy hand.", Lifted(tested="By hand.")),
    "bold within a sentence": ("**Rollback** is easy here.", Lifted(why="**Rollback** is easy here.")),
    "a bold line that is no name of ours": ("**Note**\nText.", Lifted(why="**Note**\nText.")),
    "a label": ("Rollback: release the version before", Lifted(rollback="release the version before")),
    "a label on its own line": ("Test plan:\n- by hand", Lifted(tested="- by hand")),
    "a label that is no name of ours": ("Fixes: #12", Lifted(why="Fixes: #12")),
    "a time is no label": ("Why: at 10:30 it failed", Lifted(why="at 10:30 it failed")),
    "an address is no label": ("Context:https://example.test", Lifted(why="Context:https://example.test")),
    "no data lost is an answer": ("## Data loss\n_None._", Lifted(data_loss="_None._")),
    "no data lost, to be said": ("## Data loss\nTBD", Lifted()),
    "no snapshot is none": ("## Snapshot\nnone", Lifted()),
    "data loss below the plan": ("# Rollback\nBack.\n## Data loss\nAn hour.", Lifted(rollback="Back.", data_loss="An hour.")),
    "a part twice": ("# Testing\nOne.\n# Why\nBecause.\n# Testing\nTwo.", Lifted(why="Because.", tested="One.\n\nTwo.")),
    "an unknown heading of the same level": ("## What\nThis.\n## Notes\nMore.", Lifted(why="## Notes\nMore.", what="This.")),
    "an unknown heading above": ("## What\nThis.\n# Notes\nMore.", Lifted(why="# Notes\nMore.", what="This.")),
    "an unknown heading below": ("## What\nThis.\n### Notes\nMore.", Lifted(what="This.\n### Notes\nMore.")),
    "an unknown heading after a bold line": ("**What**\nThis.\n#### Notes\nMore.", Lifted(why="#### Notes\nMore.", what="This.")),
    "seven signs are no heading": ("####### Why\nText.", Lifted(why="####### Why\nText.")),
    "a sign without a space": ("#Why\nText.", Lifted(why="#Why\nText.")),
    "indented by three": ("   ## What\nThis.", Lifted(what="This.")),
    "indented by four": ("    ## What\nThis.", Lifted(why="## What\nThis.")),
    "a heading without text": ("## What\n## Testing\nBy hand.", Lifted(tested="By hand.")),
    "not applicable": ("## Rollback\nN/A\n## Snapshot\n_None._\n## Testing\n-", Lifted()),
    "to do": ("## Rollback\nTODO", Lifted()),
    "no response": ("### Rollback\n_No response_", Lifted()),
    "none of something": ("## Rollback\nNone needed: it only adds.", Lifted(rollback="None needed: it only adds.")),
    "lines of Windows": ("## What\r\nThis.\r\n## Why\r\nThat.", Lifted(why="That.", what="This.")),
    "lines of an old Mac": ("## What\rThis.", Lifted(what="This.")),
    "NUL characters": ("## What\nTh\x00is.", Lifted(what="This.")),
    "a heading in a fence of tildes": ("~~~\n## What\n~~~\nText.", Lifted(why="~~~\n## What\n~~~\nText.")),
    "a longer fence around a shorter one": (
        "````\n```\n## What\n```\n````\n## What\nThis.",
        Lifted(why="````\n```\n## What\n```\n````", what="This."),
    ),
    "a fence that another sign does not close": ("```\n~~~\n## What", Lifted(why="```\n~~~\n## What")),
    "a fence that text does not close": ("```\n``` sh\n## What", Lifted(why="```\n``` sh\n## What")),
    "ticks on one line are no fence": ("```not``` a fence\n## What\nThis.", Lifted(why="```not``` a fence", what="This.")),
    "a comment on one line": ("One <!-- two --> three", Lifted(why="One  three")),
    "two comments on one line": ("a<!-- b -->c<!-- d -->e", Lifted(why="ace")),
    "a comment over lines": ("One\n<!-- two\n## What\n--> three", Lifted(why="One\n three")),
    "a comment that begins behind text": ("One <!-- two\nthree -->\nfour", Lifted(why="One \nfour")),
    "a comment that is never closed": ("One <!-- two\n## What\nThis.", Lifted(why="One <!-- two", what="This.")),
    "a comment closed before it begins": ("One --> two <!-- three", Lifted(why="One --> two <!-- three")),
    "a comment in a code span": ("Reads `<!--` well.\n## What\nThis. -->", Lifted(why="Reads `<!--` well.", what="This. -->")),
    "empty lines around comments stay": ("One\n\n<!-- x -->\n\nTwo", Lifted(why="One\n\n\nTwo")),
}


@pytest.mark.parametrize(("body", "expected"), ONE_PART.values(), ids=ONE_PART.keys())
def test_lift(body, expected):
    assert lift(body) == expected


HEAVY = {
    "one line": "a" * HEAVY_SIZE,
    "comments that are never closed": "<!--" * (HEAVY_SIZE // 4),
    "comments closed once": "<!--" * (HEAVY_SIZE // 4) + "-->",
    "small comments": "<!---->" * (HEAVY_SIZE // 7),
    "lines of comments": "<!--\n" * (HEAVY_SIZE // 5),
    "code spans": "`<!--" * (HEAVY_SIZE // 5),
    "stars": "*" * HEAVY_SIZE,
    "bold starts": "**a" * (HEAVY_SIZE // 3),
    "empty lines": "\n" * HEAVY_SIZE,
    "headings": "# Why\n" * (HEAVY_SIZE // 6),
    "one long heading": "# " + "why " * (HEAVY_SIZE // 4),
    "a long label": "a" * 40 + " " * HEAVY_SIZE + ":",
    "ticks": "`" * HEAVY_SIZE,
    "references cut short": "CHG-" * (HEAVY_SIZE // 4),
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY.keys())
def test_a_text_takes_time_in_proportion(body):
    """Four times the text takes about four times as long; a pass that looked back would take sixteen times as long."""
    took = []
    for text in (body[: len(body) // 4], body):
        began = time.process_time()
        lift(text)
        references(text)
        took.append(time.process_time() - began)

    assert took[1] < 8 * took[0] + 0.5


def test_five_megabytes_of_text_are_lifted_whole():
    line = "It is slow in the morning, and nobody knows why.\n"
    text = line * (FIVE_MEGABYTES // len(line))

    assert lift(f"# Rollback\n{text}").rollback == text.strip()


REFERENCES = {
    "nothing": (("",), ()),
    "a title": (("CHG-1042: raise memory",), (1042,)),
    "a branch": (("ann/chg-1042-raise-memory",), (1042,)),
    "a branch in a folder": (("feature/CHG-7",), (7,)),
    "an underscore before it": (("ann_CHG-7_x",), (7,)),
    "several, once each, in order": (("CHG-3 and CHG-1", "chg-3", "CHG-2"), (3, 1, 2)),
    "leading zeros": (("CHG-0042",), (42,)),
    "part of a word": (("XCHG-5 and 1CHG-6",), ()),
    "without the dash": (("CHG 5, CHG5, CHG_5",), ()),
    "too long for a number": (("CHG-1234567890",), ()),
    "followed by letters": (("CHG-5a",), (5,)),
    "in brackets": (("[CHG-5](https://example.test/changes/5/)",), (5,)),
    "in a comment of a template": (("<!-- such as CHG-1234 --> CHG-5",), (5,)),
    "over lines": (("one\nCHG-5\r\nCHG-6",), (5, 6)),
    "no texts": ((), ()),
}


@pytest.mark.parametrize(("texts", "expected"), REFERENCES.values(), ids=REFERENCES.keys())
def test_references(texts, expected):
    assert references(*texts) == expected
