"""What makes a change large: every rule with its paths, new files, labels and answers, and what a migration says."""

from dataclasses import replace

import pytest

from changes.proposals.largeness import causes_of_size, losing_line
from changes.proposals.measuring import Piece, Touched, touched
from portal.policy.classes import LARGE_RULES
from portal.policy.parameters import DEFAULT

APP, INTEGRATION, ACCESS, DNS, DATA = (f"{rule.words} makes a change large." for rule in LARGE_RULES)
MIGRATION = "shop/migrations/0042_price.py"


def causes(*paths, new=(), said=None, labels=(), total=5, lines=None, parameters=DEFAULT, **asked):
    facts = Touched(paths=(*paths, *new), total=total, lines=lines, new=frozenset(new), said=said)
    return [(one.key, one.sentence) for one in causes_of_size(facts, labels=labels, asked=asked, parameters=parameters)]


RULES = {
    "a new Fly app": ({"new": ("fly.worker.toml",)}, "app:fly.worker.toml", f"fly.worker.toml is new and fits “fly*.toml”: {APP}"),
    "a new Fly app by label": ({"labels": ("New-App",)}, "app:label:new-app", "The label “New-App” stands for a new infrastr"),
    "a new integration": (
        {"new": ("app/integrations/stripe.py",)},
        "integration:app/integrations/stripe.py",
        f"app/integrations/stripe.py is new and fits “integrations/”: {INTEGRATION}",
    ),
    "a new integration by label": ({"labels": ("third-party",)}, "integration:label:third-party", "The label “third-party” st"),
    "a new integration by answer": (
        {"answers": {"outside": "new"}},
        "integration:answer",
        "The requester answered that it is a new third-party integration, which makes a change large.",
    ),
    "access control": ({"paths": ("iam/roles.yaml",)}, "access:iam/roles.yaml", f"iam/roles.yaml fits “iam/”: {ACCESS}"),
    "new authorization": (
        {"new": ("app/authorization/rules.py",)},
        "access:app/authorization/rules.py",
        f"app/authorization/rules.py is new and fits “authorization/”: {ACCESS}",
    ),
    "access control by answer": ({"answers": {"access": "yes"}}, "access:answer", "The requester answered that it is an acc"),
    "DNS": ({"paths": ("dns/a.zone",)}, "dns:dns/a.zone", f"dns/a.zone fits “dns/”: {DNS}"),
    "Zero Trust": (
        {"paths": ("cloudflare/zero-trust/apps.json",)},
        "dns:cloudflare/zero-trust/apps.json",
        f"cloudflare/zero-trust/apps.json fits “zero-trust/”: {DNS}",
    ),
    "data by label": ({"labels": ("data-loss",)}, "data:label:data-loss", "The label “data-loss” stands for a destructive m"),
    "data by answer": ({"answers": {"data": "loses"}}, "data:answer", "The requester answered that it is a destructive migrat"),
    "the requester": ({"size": "large"}, "asked", "The requester says that it is large."),
    "a destructive migration by name": (
        {"paths": ("shop/migrations/0042_drop_price.py",)},
        "data:shop/migrations/0042_drop_price.py",
        "The migration shop/migrations/0042_drop_price.py may lose data by its name.",
    ),
    "a destructive migration by what it says": (
        {"paths": (MIGRATION,), "said": {MIGRATION: ["        migrations.RemoveField(model_name='price', name='net'),"]}},
        f"data:{MIGRATION}",
        f"The migration {MIGRATION} loses data: “migrations.RemoveField(model_name='price', name='net'),”.",
    ),
    "more lines than the limit": ({"total": 801}, "lines:1", "801 changed lines, more than 800."),
}


@pytest.mark.parametrize(("given", "key", "words"), RULES.values(), ids=RULES.keys())
def test_each_rule_makes_a_change_large(given, key, words):
    given = dict(given)

    ((found, sentence),) = causes(*given.pop("paths", ()), **given)

    assert found == key
    assert sentence.startswith(words)


ORDINARY = {
    "Fly's configuration, not new": {"paths": ("fly.toml",)},
    "an integration, not new": {"paths": ("app/integrations/stripe.py",)},
    "a known service": {"answers": {"outside": "known"}},
    "data is added": {"answers": {"data": "adds"}},
    "another label": {"labels": ("dependencies",)},
    "the limit itself": {"total": 800},
    "a migration that was read and loses nothing, whatever its name": {
        "paths": ("shop/migrations/0042_drop_price.py",),
        "said": {"shop/migrations/0042_drop_price.py": ["migrations.AddField(...)"]},
    },
}


@pytest.mark.parametrize("given", ORDINARY.values(), ids=ORDINARY.keys())
def test_what_makes_nothing_large(given):
    given = dict(given)

    assert causes(*given.pop("paths", ()), **given) == []


LINES = {
    "drops a table": (["DROP  TABLE prices;"], "DROP  TABLE prices;"),
    "drops a column": (["  alter table prices drop column net;"], "alter table prices drop column net;"),
    "empties a table": (["TRUNCATE prices"], "TRUNCATE prices"),
    "deletes rows": (["delete from prices where net is null"], "delete from prices where net is null"),
    "Django deletes a model": (["migrations.DeleteModel(name='Price'),"], "migrations.DeleteModel(name='Price'),"),
    "Python deletes rows": (["    Price.objects.filter(net=None).delete()"], "Price.objects.filter(net=None).delete()"),
    "Alembic": (["def upgrade():", "    op.drop_column('prices', 'net')"], "op.drop_column('prices', 'net')"),
    "Alembic on the way back": (["def upgrade():", "    op.add_column()", "def downgrade():", "    op.drop_column()"], ""),
    "Rails": (["  remove_column :prices, :net"], "remove_column :prices, :net"),
    "Rails on the way back": (["  def up", "    add_column :x", "  def down", "    remove_column :x"], ""),
    "Knex on the way back": (["exports.up = k => k.x()", "exports.down = k => k.dropTable('x')"], ""),
    "dbmate on the way back": (["create table x();", "-- migrate:down", "drop table x;"], ""),
    "adds": (["alter table prices add column gross int"], ""),
    "nothing": ([], ""),
}


@pytest.mark.parametrize(("lines", "expected"), LINES.values(), ids=LINES.keys())
def test_a_line_that_loses_data(lines, expected):
    assert losing_line(MIGRATION, lines, DEFAULT) == expected


@pytest.mark.parametrize("path", ["db/migrations/1.down.sql", "db/migrations/1/down.sql"])
def test_a_file_that_undoes_loses_nothing_forward(path):
    assert losing_line(path, ["drop table x"], DEFAULT) == ""


def test_a_long_line_is_quoted_in_part():
    assert losing_line(MIGRATION, ["drop table " + "x" * 500], DEFAULT) == "drop table " + "x" * 109


@pytest.mark.parametrize(("total", "key"), [(801, 1), (1599, 1), (1600, 2), (3199, 2), (3200, 3)])
def test_each_doubling_of_the_lines_is_a_cause_of_its_own(total, key):
    assert causes(total=total)[0][0] == f"lines:{key}"


def test_a_limit_of_nothing_makes_every_line_large():
    assert causes(total=1, parameters=replace(DEFAULT, large_changed_lines=0))[0][0] == "lines:1"


def file(path, lines=1, status="modified", added=None):
    return {"path": path, "status": status, "lines": lines, "added": added}


def test_pieces_add_up():
    found = touched(
        [
            Piece(("a.py", "fly.toml"), 9, [file("a.py", 4), file("fly.toml", 5, "added")], 2),
            Piece(("a.py", "x/migrations/1.py"), 3, [file("a.py"), file("x/migrations/1.py", 2, added=["x"])], None),
        ]
    )

    assert found == Touched(
        paths=("a.py", "fly.toml", "a.py", "x/migrations/1.py"),
        total=12,
        lines={"a.py": 5, "fly.toml": 5, "x/migrations/1.py": 2},
        new=frozenset({"fly.toml"}),
        said={"x/migrations/1.py": ["x"]},
    )


UNCOUNTED = {
    "a list that was cut off": Piece(("a.py",), 9, [file("a.py")], 2),
    "no list": Piece(("a.py",), 9, None, 1),
}


@pytest.mark.parametrize("piece", UNCOUNTED.values(), ids=UNCOUNTED.keys())
def test_without_every_file_the_total_counts(piece):
    assert touched([piece, Piece(("b.py",), 1, [file("b.py")], 1)]).lines is None


def test_nothing_is_known_of_nothing():
    assert touched([]) == Touched(said={})
    assert touched([Piece(None, None, None)]) == Touched(said={})
