"""Apps, machines and releases in the shapes of Fly's three APIs."""

from typing import Any

from portal.standins.fly.world import FlyWorld, image_name, org_title
from portal.standins.store import Row


def app(world: FlyWorld, row: Row) -> Row:
    """An app of the Machines API."""
    org = {"name": org_title(row["org"]), "slug": row["org"], "internal_numeric_id": 4711}
    return {
        "id": row["name"],
        "name": row["name"],
        "machine_count": len(world.store.all("machine", subject=row["name"])),
        "volume_count": len(world.store.all("volume", subject=row["name"])),
        "network": "default",
        "status": "deployed" if world.releases(row["name"]) else "pending",
        "organization": org,
        "internal_numeric_id": row["id"],
    }


def machine(world: FlyWorld, name: str, row: Row) -> Row:
    """A machine of the Machines API: it says which release it runs, and the image says which commit."""
    release = world.store.by_id("release", row["release"]) if row["release"] else None
    since = world.app(name)["created_at"]
    metadata: dict[str, str] = {"fly_platform_version": "v2", "fly_process_group": "app"}
    image: Row = {"registry": "registry.fly.io", "repository": name, "tag": "none", "digest": "", "labels": None}
    if release:
        metadata |= {"fly_release_id": release["release_id"], "fly_release_version": str(release["version"])}
        image |= {"tag": release["tag"], "digest": release["digest"], "labels": release["labels"] or None}
    return {
        "id": row["machine"],
        "name": row["name"],
        "state": "started" if release else "created",
        "region": "fra",
        "image_ref": image,
        "instance_id": f"01J{row['id']:023d}",
        "version": f"01J{row['id']:023d}",
        "private_ip": f"fdaa:0:18:a7b:196:e274:9ce1:{row['number'] + 2}",
        "created_at": since,
        "updated_at": row.get("updated_at", since),
        "config": {
            "env": {"FLY_PROCESS_GROUP": "app", "PRIMARY_REGION": "fra"},
            "init": {},
            "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 512},
            **row.get("config", {}),
            "metadata": metadata,
            "image": image_name(name, image["tag"]),
        },
        "events": [],
        "checks": [],
        "host_status": "ok",
        "cordoned": False,
    }


def volume(row: Row) -> Row:
    """A volume of the Machines API."""
    return {
        "id": row["volume"],
        "name": row["name"],
        "state": "created",
        "size_gb": row["size_gb"],
        "region": "fra",
        "zone": "09cd",
        "encrypted": True,
        "created_at": row["created_at"],
        "snapshot_retention": 5,
        "auto_backup_enabled": True,
        "host_status": "ok",
    }


def snapshots(row: Row) -> list[Row]:
    """The snapshots of a volume: the newest is still being made and has no id yet."""
    size = row["size_gb"] * 1024**3
    made = {"id": f"vs_{row['volume'][4:]}", "size": size // 4, "volume_size": size, "digest": f"{row['id']:032x}-1"}
    pending = {"id": "", "size": 0, "volume_size": size, "digest": "", "created_at": "0001-01-01T00:00:00Z", "status": "running"}
    return [{**made, "created_at": row["created_at"], "status": "created", "retention_days": 5}, pending]


def platform_release(app_name: str, row: Row) -> Row:
    """A release of the platform API."""
    return {
        "id": row["release_id"],
        "version": row["version"],
        "stable": row["status"] == "complete",
        "in_progress": row["status"] in {"pending", "running"},
        "status": row["status"],
        "strategy": "ROLLING",
        "user": row["user"],
        "created_at": row["created_at"],
        "image_ref": image_name(app_name, row["tag"]),
    }


def graph_release(app_name: str, row: Row) -> Row:
    """A release of the GraphQL API."""
    name = row["user"].partition("@")[0]
    return {
        "id": row["release_id"],
        "version": row["version"],
        "description": row["description"],
        "reason": "",
        "status": row["status"],
        "imageRef": image_name(app_name, row["tag"]),
        "stable": row["status"] == "complete",
        "inProgress": row["status"] in {"pending", "running"},
        "deploymentStrategy": "ROLLING",
        "revertedTo": row["reverted_to"],
        "metadata": {},
        "evaluationId": None,
        "user": {"id": f"usr_{name}", "email": row["user"], "name": name},
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def graph_app(world: FlyWorld, row: Row) -> Row:
    """An app of the GraphQL API; its releases are asked for with ``first`` and ``after``."""
    name = row["name"]
    releases = world.releases(name)
    current = graph_release(name, releases[0]) if releases else None

    def listed(arguments: Any) -> Row:
        return connection([graph_release(name, one) for one in world.releases(name)], arguments)

    return {
        "id": name,
        "name": name,
        "deployed": bool(releases),
        "hostname": f"{name}.fly.dev",
        "platformVersion": "machines",
        "network": "",
        "organization": {"id": row["org"], "slug": row["org"], "name": org_title(row["org"])},
        "currentRelease": current,
        "currentReleaseUnprocessed": current,
        "status": "deployed" if releases else "pending",
        "createdAt": row["created_at"],
        "releases": listed,
        "releasesUnprocessed": listed,
    }


def connection(items: list[Row], arguments: Any) -> Row:
    """A page of items: ``first`` at most, after the cursor ``after``."""
    start = int(arguments.get("after") or 0)
    size = int(arguments.get("first") or 25)
    shown = items[start : start + size]
    end = start + len(shown)
    return {
        "nodes": shown,
        "edges": [{"cursor": str(start + place), "node": item} for place, item in enumerate(shown, start=1)],
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "endCursor": str(end) if shown else None,
            "startCursor": str(start + 1) if shown else None,
        },
        "totalCount": len(items),
    }
