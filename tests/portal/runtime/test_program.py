import pytest

from portal.runtime.program import LOOP, LOOP_PAUSE, pause


@pytest.mark.parametrize(("short_lives", "seconds"), [(0, 0.2), (1, 0.4), (2, 0.8), (3, 1.6), (4, 3.2), (5, 5.0), (7, 5.0)])
def test_a_pause_doubles_up_to_five_seconds(short_lives, seconds):
    assert pause(short_lives=short_lives) == seconds


@pytest.mark.parametrize("short_lives", [LOOP, LOOP + 1, LOOP + 1000])
def test_a_crash_loop_pauses_long(short_lives):
    assert pause(short_lives=short_lives) == LOOP_PAUSE
