"""Fly's JSON as facts: from every door, with everything that may be missing or strange."""

import json
from datetime import UTC, datetime

import pytest

from changes.connectors.fly.payloads import (
    Incomplete,
    MachineReported,
    ReleaseReported,
    Unreadable,
    app_names,
    commit_in_tag,
    images_of_flyctl,
    machines,
    releases_of_flyctl,
    releases_of_graphql,
    releases_of_platform,
    went_back_to,
)
from tests.changes.connectors.fly.vendor_data import needed, sample, samples

SHA = "5f2c1f0e9b7d4a6c8e3b1a2d3c4e5f60718293a4"
IMAGE = "registry.fly.io/acme-web-prod:deployment-01JKM0Q2XV5T7Y9B3D1F4H6J8K"


def node(**changed):
    made = {
        "id": "rel_1",
        "version": 7,
        "description": "Release",
        "reason": "",
        "status": "complete",
        "imageRef": "registry.fly.io/web:abc",
        "user": {"id": "usr_ann", "name": "Ann", "email": "ann@northwind.example"},
        "createdAt": "2026-03-02T09:00:00Z",
        "updatedAt": "2026-03-02T09:03:00Z",
        "revertedTo": None,
    }
    return {**made, **changed}


def answer(*nodes, cursor=None):
    page = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"data": {"app": {"releasesUnprocessed": {"pageInfo": page, "nodes": list(nodes)}}}}


def one(**changed):
    (found,), _ = releases_of_graphql(answer(node(**changed)))
    return found


def test_a_release_says_what_was_released_by_whom_and_when():
    assert one() == ReleaseReported(
        vendor_id="rel_1",
        version=7,
        state="succeeded",
        created_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        image="registry.fly.io/web:abc",
        actor="ann@northwind.example",
        description="Release",
        reverted_to=None,
        updated_at=datetime(2026, 3, 2, 9, 3, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "pending"),
        ("running", "running"),
        ("complete", "succeeded"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("interrupted", "failed"),
        ("COMPLETE", "succeeded"),
    ],
)
def test_every_status_of_fly_has_a_state(status, state):
    assert one(status=status).state == state


def test_a_status_that_nobody_knows_is_shown_and_is_no_success(caplog):
    found = one(status="teleported")

    assert found.state == "pending"
    assert "teleported" in found.description
    assert "teleported" in caplog.text


def test_a_next_page_is_named_by_its_cursor_and_the_last_page_has_none():
    assert releases_of_graphql(answer(node(), cursor="Mw"))[1] == "Mw"
    assert releases_of_graphql(answer())[1] == ""


def test_a_release_without_an_account_or_an_image_is_taken():
    found = one(user=None, imageRef=None, description=None, updatedAt=None)

    assert (found.actor, found.image, found.description, found.updated_at) == ("", "", "", None)


@pytest.mark.parametrize("missing", ["id", "version", "status", "createdAt"])
def test_a_release_without_what_identifies_it_is_incomplete(missing):
    with pytest.raises(Incomplete):
        one(**{missing: None})


@pytest.mark.parametrize(
    "wrong", [{"version": "7"}, {"version": -1}, {"version": 2**40}, {"id": 5}, {"user": 5}, {"status": []}, {"id": "x" * 200}]
)
def test_a_field_of_another_type_than_documented_is_unreadable(wrong):
    with pytest.raises(Unreadable):
        one(**wrong)


@pytest.mark.parametrize("body", [None, [], "x", {"data": None}, {"data": {"app": None}}, {"data": {"app": {}}}, {}])
def test_an_answer_without_the_app_is_refused(body):
    with pytest.raises((Incomplete, Unreadable)):
        releases_of_graphql(body)


def machine(**image):
    return {
        "id": "148e21a7c64e2b",
        "state": "started",
        "image_ref": {"registry": "registry.fly.io", "repository": "web", "tag": "abc", "digest": "sha256:1e3f", **image},
        "config": {"metadata": {"fly_release_id": "rel_1", "fly_release_version": "7"}},
    }


def test_a_machine_says_which_release_it_runs_and_what_the_image_claims():
    labels = {"GH_SHA": SHA, "GH_REPO": "northwind/web", "GH_EVENT_NAME": "push"}

    assert machines([machine(labels=labels)]) == [
        MachineReported(
            machine_id="148e21a7c64e2b",
            image="registry.fly.io/web:abc",
            digest="sha256:1e3f",
            release_id="rel_1",
            release_version=7,
            commit=SHA,
            repository="northwind/web",
            state="started",
            labels=labels,
        )
    ]


@pytest.mark.parametrize("labels", [None, {}, {"GH_SHA": None}, {"GH_SHA": "main"}, {"GH_SHA": 7}, {"GH_SHA": ""}, "x"])
def test_an_image_without_a_commit_on_it_names_none(labels):
    (found,) = machines([machine(labels=labels)])

    assert found.commit == ""


@pytest.mark.parametrize("version", [None, "", "v7", "7.0", "-7", "٧"])
def test_a_release_version_that_is_no_number_is_none(version):
    row = machine()
    row["config"]["metadata"]["fly_release_version"] = version

    assert machines([row])[0].release_version is None


def test_a_machine_without_configuration_and_image_is_taken():
    (found,) = machines([{"id": "m1", "config": None, "image_ref": None}])

    assert found == MachineReported(machine_id="m1")


@pytest.mark.parametrize(
    ("image", "commit"),
    [
        (f"registry.fly.io/web:{SHA}", SHA),
        ("registry.fly.io/web:5f2c1f0", "5f2c1f0"),
        ("registry.fly.io/web:sha-5f2c1f0", "5f2c1f0"),
        ("registry.fly.io/web:git-5f2c1f0@sha256:1e3f", "5f2c1f0"),
        (IMAGE, ""),
        ("registry.fly.io/web:latest", ""),
        ("registry.fly.io/web:5f2c1f", ""),
        ("registry.fly.io/web:5F2C1F0", ""),
        ("registry.fly.io:5000/web", ""),
        ("registry.fly.io/web@sha256:5f2c1f0e9b7d", ""),
        ("", ""),
    ],
)
def test_a_tag_names_a_commit_only_when_it_is_one(image, commit):
    assert commit_in_tag(image=image) == commit


@pytest.mark.parametrize(
    ("changed", "version"),
    [
        ({"revertedTo": 5}, 5),
        ({"description": "Deploy image of v5"}, 5),
        ({"description": "Rollback to v5"}, 5),
        ({"description": "Rolled back to version 5"}, 5),
        ({"description": "reverting to 5"}, 5),
        ({"description": "Release"}, None),
        ({"description": "Rollback to v9"}, None),
        ({"description": "Fix rollback button"}, None),
        ({"description": f"Rollback to v{'9' * 5000}"}, None),
    ],
)
def test_a_release_that_goes_back_says_to_which_version(changed, version):
    assert went_back_to(release=one(**changed)) == version


def test_what_a_label_or_a_version_should_not_be_is_nothing_that_breaks_the_run():
    labels, metadata = {"GH_REPO": "a\x00b", "GH_SHA": 5}, {"fly_release_version": "9" * 5000, "fly_release_id": "r\x00"}
    machine = {"id": "m1", "image_ref": {"labels": labels}, "config": {"metadata": metadata}}

    (found,) = machines([machine])

    assert (found.release_version, found.release_id, found.repository, found.commit) == (None, "r␀", "a␀b", "")


def test_a_release_that_cannot_be_used_is_named_beside_the_others():
    unusable = []
    body = answer(node(), node(id="rel_2"))
    nodes = body["data"]["app"]["releasesUnprocessed"]["nodes"]
    nodes[0]["status"] = ["complete"]
    nodes.append(None)

    found, _ = releases_of_graphql(body, unusable)

    assert [one.vendor_id for one in found] == ["rel_2"]
    assert unusable == ["release.status is not text", "list[2] is not an object"]


def test_names_of_apps_are_listed_in_order():
    assert app_names({"total_apps": 2, "apps": [{"name": "b"}, {"name": "a"}]}) == ["a", "b"]


def test_image_labels_that_are_no_json_are_unreadable():
    with pytest.raises(Unreadable):
        images_of_flyctl([{"MachineID": "m1", "Labels": "{"}])
    assert images_of_flyctl([{"MachineID": "m1", "Labels": ""}])[0].labels == {}


@needed
def test_the_same_releases_are_read_through_every_door():
    by_graphql, cursor = releases_of_graphql(sample("graphql/set-a/app-releases.json"))
    by_flyctl = releases_of_flyctl(sample("cli/set-a/releases.json"))
    by_platform = releases_of_platform(sample("platform-api/set-a/releases.json"))

    def plain(releases):
        return [(row.vendor_id, row.version, row.state, row.image, row.actor, row.created_at) for row in releases]

    assert cursor == ""
    assert [(row.version, row.state) for row in by_graphql] == [(43, "succeeded"), (42, "failed"), (41, "succeeded")]
    assert plain(by_graphql) == plain(by_flyctl) == plain(by_platform)


@needed
def test_the_same_images_are_read_from_machines_and_from_flyctl():
    listed = machines(sample("cli/set-a/machine-list.json"))
    shown = images_of_flyctl(sample("cli/set-a/image-show.json"))

    assert {row.commit for row in listed} == {row.commit for row in shown} == {SHA}
    assert [(row.machine_id, row.image, row.digest) for row in listed] == [(row.machine_id, row.image, row.digest) for row in shown]
    assert {row.release_version for row in listed} == {43}
    assert {row.image for row in listed} == {IMAGE}


@pytest.mark.parametrize("path", samples("machines-api/docs/*machines*resp.json") + samples("machines-api/docs/get_resp.json"))
def test_every_example_of_a_machine_is_read(path):
    body = json.loads(path.read_bytes())
    listed = body if isinstance(body, list) else [body]

    assert [row.machine_id for row in machines([row for row in listed if "image_ref" in row])] == [
        row["id"] for row in listed if "image_ref" in row
    ]


@needed
def test_the_apps_of_an_organisation_are_read():
    assert app_names(sample("machines-api/docs/apps.list-apps-in-an-organization.json"))
    assert app_names(sample("machines-api/apps-set-a.json"))
