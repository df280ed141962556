"""Many patterns looked for at once fit what each of them fits."""

from hypothesis import example, given
from hypothesis import strategies as st

from changes.proposals.paths import all_matches, any_match, first_match, matches

PATHS = st.text("aB./-_*[\n", max_size=9)
PATTERNS = st.text("ab./*?[]!-_(|\\", min_size=1, max_size=7)


@given(st.lists(PATHS, max_size=4), st.lists(PATTERNS, max_size=4))
@example(["a/b\n", "b\n"], ["b", "a/b"])
@example(["db/a/B.sql", "xdb/a"], ["db/", "*.SQL"])
@example(["a/db", "db/"], ["db/"])
@example([""], [])
def test_many_patterns_fit_what_one_of_them_fits(paths, patterns):
    found = [(path, next((pattern for pattern in patterns if matches(path, pattern)), None)) for path in paths]
    fitting = [(path, pattern) for path, pattern in found if pattern is not None]

    assert all_matches(paths, patterns) == fitting
    assert first_match(paths, patterns) == next(iter(fitting), None)
    assert [any_match(path, patterns) for path in paths] == [pattern is not None for _, pattern in found]
