import stat

from portal.runtime import logs


def write(path, text):
    with path.open("a") as file:
        file.write(text)


def test_a_log_is_readable_by_us_alone_and_appended_to(folder):
    for word in (b"one\n", b"two\n"):
        with logs.open_log(folder=folder, name="web") as log:
            log.write(word)

    assert (folder / "web.log").read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE((folder / "web.log").stat().st_mode) == 0o600


def test_a_big_log_moves_on_and_its_writer_goes_on_writing(folder, monkeypatch):
    monkeypatch.setattr(logs, "BIGGEST", 10)

    with logs.open_log(folder=folder, name="web") as log:
        for number in range(1, 6):
            log.write(b"%d" % number * 11)
            log.flush()
            logs.rotate(folder=folder)
        log.write(b"6")

    found = {path.name: path.read_bytes()[:1] for path in folder.iterdir()}
    assert found == {"web.log": b"6", "web.log.1": b"5", "web.log.2": b"4", "web.log.3": b"3"}


def test_a_small_log_stays(folder):
    write(folder / "web.log", "short")

    logs.rotate(folder=folder)

    assert [path.name for path in folder.iterdir()] == ["web.log"]


def test_the_tail_has_the_last_lines(folder):
    write(folder / "web.log", "".join(f"line {number}\n" for number in range(5000)))

    assert logs.tail(folder=folder, name="web", lines=2) == "    | line 4998\n    | line 4999"
    assert logs.tail(folder=folder, name="nothing") == ""
