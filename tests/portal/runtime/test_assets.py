"""Style sheet and static files are built when what they are made of has changed, and not otherwise."""

import pytest

from portal.runtime import assets


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout, and a list of what was built in it."""
    built = []
    files = {
        "requirements.txt": "one==1",
        "assets/app.css": '@import "tailwindcss";\n@source "../templates";\n',
        "templates/page.html": "<p class='a'>",
        "portal/static/portal/app.js": "1",
        "portal/views.py": "pass",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name, path in {
        "ROOT": "",
        "SOURCE": "assets/app.css",
        "TARGET": "portal/static/portal/app.css",
        "COLLECTED": "staticfiles",
    }.items():
        monkeypatch.setattr(assets, name, tmp_path / path)

    def css():
        built.append("css")
        assets.TARGET.write_text((tmp_path / "templates/page.html").read_text())

    monkeypatch.setattr(assets, "build_css", css)
    monkeypatch.setattr(assets.subprocess, "run", lambda *_, **__: built.append("static"))
    assets.build()
    assert built == ["css", "static"]
    built.clear()
    return tmp_path, built


def test_nothing_is_built_twice(checkout):
    _, built = checkout
    assert assets.are_current()

    assets.build()

    assert built == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("templates/page.html", "<p class='b'>", ["css", "static"]),
        ("portal/static/portal/app.js", "2", ["static"]),
        ("requirements.txt", "one==2", ["css", "static"]),
    ],
)
def test_what_has_changed_is_built_again(checkout, name, text, expected):
    folder, built = checkout
    (folder / name).write_text(text)
    assert not assets.are_current()

    assets.build()

    assert built == expected
    assert assets.are_current()


def test_code_without_class_names_changes_nothing(checkout):
    folder, _ = checkout
    (folder / "portal/views.py").write_text("other")

    assert assets.are_current()


def test_a_style_sheet_that_was_removed_is_built_again(checkout):
    _, built = checkout
    assets.TARGET.unlink()

    assets.build()

    assert built == ["css"]
    assert assets.TARGET.exists()


def test_a_stamp_cut_short_means_build(checkout):
    _, built = checkout
    (assets.COLLECTED / assets.STAMP).write_text('{"style": "')

    assets.build()

    assert built == ["css", "static"]
