"""What people of the year write: how a change went, and why something happened that should not have. Pure."""

EXPLANATIONS = {
    "access_edited_outside_process": "The agency had to see the catalogue before the fair; the address is out again.",
    "access_granted_outside_process": "She was to look at one file. The access was taken back on the same day.",
    "branch_deleted": "Tidied up in the wrong list. It was restored within the hour, and nothing was lost.",
    "changes_requested": "The second reviewer was out of reach. The two have talked, and the old order is back.",
    "check_not_required": "Taken off while CI was moved, and forgotten. It is required again.",
    "ci_missing_merged": "The queue of CI stood for twenty minutes; it was green ten minutes after the merge.",
    "default_branch_changed": "Pressed while looking for another setting, and set back.",
    "direct_push": "One number, at night, alone. It was read by two people in the morning; the next one comes by a pull request.",
    "dns_edited_outside_process": "The provider of the newsletter had moved. The change was written down afterwards and agreed.",
    "failed_ci_merged": "The failing test was known to be flaky. It is mended, and waiting would have been right all the same.",
    "force_push": "A merge was taken off main for an hour and put back; the same commit stands there now.",
    "gate_failed_open": "The commit belongs to the fix of the tax rates; its change was opened an hour later.",
    "merge_with_own_content": "Two branches had changed one line, and the merge settled it. Somebody has read it since.",
    "no_review": "Nobody was there in the evening. It was read in full on the next day, and stays as it is.",
    "no_staging": "Staging was being rebuilt. It was released there on the same evening and looked at.",
    "protection_weakened": "Opened for a move of the history and closed in the afternoon; only the move went in.",
    "released_in_freeze": "The warehouse had agreed by telephone; nobody thought of the override. It is on the checklist now.",
    "repository_unreadable": "The portal's App had lost the repository in a clean-up; it was given back in the morning.",
    "rule_bypassed": "The key had run out that morning. It is renewed, and the commit was signed again.",
    "ruleset_deleted": "It stood in the way of a merge commit. The rule comes back in another form at the next meeting.",
    "secret_edited_outside_process": "The mail provider had locked the old password. A change was written for it on the next day.",
    "self_approval": "Helped with two lines and forgot it in the review. Somebody else has read it since.",
    "stale_approval": "The last commit mended a word in a comment; it was looked at again after the merge.",
    "unapproved_production": "Everybody thought that somebody else had approved. It was tested in staging and went well.",
    "unauthorised_merge": "New in the team and not on the list yet; the list was put right on the same day.",
    "unknown_release": "Built on the own machine while CI was down. The same commit was released again from CI.",
    "waived_approval": "The whole team had written it together, so chair and compliance stood for it.",
}
"""By kind of finding."""
WELL = (
    "Nothing unusual in the logs since.",
    "Looked at the numbers of the first day: as before.",
    "Support has heard nothing of it.",
    "As announced; the dashboard is quiet.",
    "Used by customers since the first hour, without errors.",
    "Checked with the people who had asked for it.",
    "",
)
NOT_WELL = (
    "Two customers saw an error page; mended with the next release.",
    "The page was slower for large customers until the index was there.",
    "A label was missing in French, and somebody called about it.",
)
LOOKED_BACK = "Rightly an emergency; read in full by somebody who took no part, nothing to add."
UNDONE = "Taken back; it comes again once the cause is mended."


def explanation_of(kind: str) -> str:
    """What the owner of a finding answers."""
    return EXPLANATIONS.get(kind, "Looked into with the people who were there; what was missing has been made up for.")


def said_of(number: int) -> tuple[str, str]:
    """How a change went, by its number: the outcome and a note. One in fourteen did not go well in every way."""
    if number % 29 == 11:
        return "failed", NOT_WELL[number % len(NOT_WELL)]
    if number % 27 == 5:
        return "partly", NOT_WELL[number % len(NOT_WELL)]
    return "went_well", WELL[number % len(WELL)]
