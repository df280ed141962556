import os
import stat

import pytest

from portal.runtime.places import LONGEST_SOCKET, PathTooLong, Places, fits, lay_out, make, socket_folder

NAME = ".s.PGSQL.5432.lock"


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def us():
    return {"uid": os.geteuid(), "gid": os.getegid()}


def test_the_inner_folders_let_nobody_in_whatever_the_umask(folder):
    places = Places(folder / "data")
    before = os.umask(0)
    try:
        lay_out(places=places)
    finally:
        os.umask(before)

    assert [mode(path) for path in (places.secrets, places.log, places.broker)] == [0o700] * 3


def test_a_folder_that_was_there_keeps_its_rights(folder):
    data = folder / "data"
    data.mkdir(mode=0o750)
    data.chmod(0o750)

    lay_out(places=Places(data))

    assert (mode(data), mode(folder)) == (0o750, 0o711)


def test_the_socket_lies_in_the_data_folder_when_its_path_is_short(folder):
    wanted = folder / "run" / "postgres"

    assert socket_folder(wanted=wanted, name=NAME, mark="abc", **us()) == wanted
    assert mode(wanted) == 0o700


@pytest.mark.parametrize("length", [1, 2])
def test_a_path_fits_up_to_the_limit_and_not_one_byte_more(folder, length):
    room = LONGEST_SOCKET - len(str(folder)) - len(NAME) - 2

    assert fits(folder=folder / ("é" * (room // 2) + "x" * (room % 2)), name=NAME)
    assert not fits(folder=folder / ("é" * (room // 2) + "x" * (room % 2 + length)), name=NAME)


def test_a_long_path_gets_a_closed_folder_of_ours_in_a_short_place(folder):
    found = socket_folder(wanted=folder / ("x" * 120), name=NAME, mark=f"t{os.getpid()}", **us())
    try:
        assert fits(folder=found, name=NAME)
        assert (mode(found), found.lstat().st_uid) == (0o700, os.geteuid())
    finally:
        found.rmdir()


def test_a_short_folder_that_others_could_enter_is_not_used(folder):
    wanted = {"wanted": folder / ("x" * 120), "name": NAME, "mark": f"u{os.getpid()}", **us()}
    first = socket_folder(**wanted)
    first.chmod(0o777)

    second = socket_folder(**wanted)
    try:
        assert second != first
        assert mode(second) == 0o700
    finally:
        first.rmdir()
        second.rmdir()


def test_a_short_folder_that_is_a_link_is_not_followed(folder):
    wanted = {"wanted": folder / ("x" * 120), "name": NAME, "mark": f"v{os.getpid()}", **us()}
    first = socket_folder(**wanted)
    first.rmdir()
    make(path=folder / "elsewhere", mode=0o700)
    first.symlink_to(folder / "elsewhere")

    second = socket_folder(**wanted)
    try:
        assert second != first
        assert not second.is_symlink()
    finally:
        first.unlink()
        second.rmdir()


def test_no_place_short_enough_is_said_in_words(folder):
    with pytest.raises(PathTooLong, match="shorter --data"):
        socket_folder(wanted=folder / ("x" * 120), name="n" * 100, mark=f"w{os.getpid()}", **us())
