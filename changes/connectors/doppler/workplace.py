"""What a Doppler workplace has: projects, environments, configs, people, members, syncs, policies, tokens (P-15, P-19, P-23)."""

from collections.abc import Mapping
from functools import partial

from changes.connectors.doppler import access, payloads, rights
from changes.connectors.doppler.payloads import Project
from changes.connectors.doppler.run import A_CONFIG, EVERY, Run, keep_in, kept_in, usable
from changes.connectors.keeping import keep
from changes.connectors.turns import in_turn
from changes.entitlements.actions import take
from changes.inventory.facts import Seen


def read_workplace(run: Run) -> None:
    """Projects with their environments, configs and members; people; syncs; policies. Complete, or taken again next time."""
    kind, workplace = run.doppler.me()
    keep(source=run.source, token_kind=kind, workplace=workplace)
    projects = run.doppler.projects()
    run.observe("doppler.project", [Seen(kind="doppler.project", external_id=row.vendor_id, name=row.name) for row in projects])
    access.read_roles(run)
    names: dict[str, str] = {}
    run.part("people of the workplace", lambda: names.update(_read_people(run, workplace)))
    run.part("integrations", lambda: _read_syncs(run))
    run.part("policies of change requests", lambda: _read_policies(run))
    whole = access.read_accounts(run, workplace, names)
    waiting = in_turn(names={project.name for project in projects}, read=kept_in(run, "projects"), at=run.at, every=EVERY)
    by_name = {project.name: project for project in projects}
    for name in waiting:
        if not run.doppler.allowance.goes_on(more=A_CONFIG):
            return
        if run.part(f"the project {name}", partial(_read_project, run, by_name[name], names)) and name not in run.waiting:
            keep_in(run, "projects", name, run.at.isoformat())
    _forget(run, {project.name for project in projects})
    if whole:
        keep(source=run.source, workplace_at=run.at.isoformat())


def _read_policies(run: Run) -> None:
    run.observe("doppler.change_request_policy", map(payloads.policy, run.doppler.policies()))


def _read_people(run: Run, workplace: str) -> dict[str, str]:
    """Who may do what in the workplace; returns the addresses by id."""
    roles = access.roles_of(run, "workplace")
    held = usable("people", lambda: [rights.user(row, workplace, roles) for row in run.doppler.users()])
    take(source=run.source.name, things={f"doppler.workplace:{workplace}"}, held=held, at=run.at)
    return {one.account_id: one.account_name for one in held}


def _read_syncs(run: Run) -> None:
    """Syncs as assets; when each was last done moves by itself and stands on the source."""
    found = run.doppler.syncs()
    seen = [
        Seen(
            kind="doppler.sync",
            external_id=row.vendor_id,
            name=f"{row.config} to {row.integration or row.kind}"[:300],
            within=row.config,
            configuration={"type": row.kind, "integration": row.integration, "enabled": row.enabled},
        )
        for row in found
    ]
    run.observe("doppler.sync", seen)
    told = {
        row.vendor_id: {
            "config": row.config,
            "type": row.kind,
            "enabled": row.enabled,
            "last": row.last_at.isoformat() if row.last_at else "",
        }
        for row in found
    }
    keep(source=run.source, syncs=told)


def _read_project(run: Run, project: Project, names: Mapping[str, str]) -> None:
    """A project's environments, configs and members. Its configs then wait for their turn."""
    environments = [
        Seen(
            kind="doppler.environment",
            external_id=f"{project.name}/{slug}",
            name=f"{project.name} {title}"[:300],
            within=project.name,
            environment=payloads.environment_of(slug, run.environments),
        )
        for slug, title in run.doppler.environments(project=project.name)
    ]
    run.observe("doppler.environment", environments, within=project.name)
    configs = run.doppler.configs(project=project)
    known = kept_in(run, "configs")
    others = {path: kept for path, kept in known.items() if not path.startswith(f"{project.name}/")}
    mine = {
        row.path: {**_told(known, row.path), "environment": row.environment, "locked": row.locked, "root": row.root}
        for row in configs
    }
    for path in sorted(known.keys() - others.keys() - mine.keys()):
        run.observe("doppler.service_token", [], within=path)
    keep(source=run.source, configs={**others, **mine})
    observe_configs(run, project.name)
    _read_members(run, project, names)


def _read_members(run: Run, project: Project, names: Mapping[str, str]) -> None:
    """Who may use a project, and who may through a group. The latter is read by another permission, and taken apart."""
    roles = access.roles_of(run, "project")
    members = usable(
        "members",
        lambda: [held for row in run.doppler.members(project=project) for held in rights.member(row, project, names, roles)],
    )
    take(source=run.source.name, things={f"doppler.project:{project.name}"}, held=members, at=run.at)
    through = rights.through_groups(members, project, access.groups_of(run), names)
    if through is None and run.groups_told:
        run.waiting.add(project.name)
    if through is not None:
        take(source=run.source.name, things={f"doppler.project_groups:{project.name}"}, held=through, at=run.at)


def _told(known: Mapping[str, object], path: str) -> dict[str, object]:
    kept = known.get(path)
    return dict(kept) if isinstance(kept, dict) else {}


def observe_configs(run: Run, project: str) -> None:
    """The configs of a project with the names that each had when it was last read: before that, none is known."""
    kept: dict[str, dict[str, object]] = run.source.settings.get("configs", {})
    seen = [
        Seen(
            kind="doppler.config",
            external_id=path,
            name=path,
            within=project,
            environment=payloads.environment_of(str(one["environment"]), run.environments),
            configuration={"names": one.get("names", []), "locked": one["locked"], "root": one["root"]},
        )
        for path, one in kept.items()
        if path.startswith(f"{project}/") and "names" in one
    ]
    run.observe("doppler.config", seen, within=project)


def _forget(run: Run, present: set[str]) -> None:
    """What was inside a project that is gone is gone too."""
    for name in sorted(kept_in(run, "projects").keys() - present):
        for thing in ("environment", "config"):
            run.observe(f"doppler.{thing}", [], within=name)
        things = {f"doppler.project:{name}", f"doppler.project_groups:{name}"}
        take(source=run.source.name, things=things, held=[], at=run.at)
        gone = [path for path in kept_in(run, "configs") if path.startswith(f"{name}/")]
        for path in gone:
            run.observe("doppler.service_token", [], within=path)
        left = {path: kept for path, kept in kept_in(run, "configs").items() if path not in gone}
        read = {key: at for key, at in kept_in(run, "projects").items() if key != name}
        keep(source=run.source, configs=left, projects=read)
