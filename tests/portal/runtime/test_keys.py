import os
import stat

from cryptography.fernet import Fernet

from portal.runtime import keys, surroundings


def test_keys_are_made_once_and_readable_by_us_alone(places):
    first = keys.ensure(places=places)

    assert keys.ensure(places=places) == first
    assert {stat.S_IMODE(path.stat().st_mode) for path in places.secrets.iterdir()} == {0o600}
    assert sorted(path.name for path in places.secrets.iterdir()) == ["encryption_keys", "secret_key"]


def test_the_signing_key_is_named_but_left_to_the_ledger(places):
    named = keys.ensure(places=places)["COUNTERSIGN_SIGNING_KEY_FILE"]

    assert named == str(places.secrets / "ledger.key")
    assert not (places.secrets / "ledger.key").exists()


def test_two_installations_have_different_keys(places, folder):
    other = type(places)(folder / "other")
    other.secrets.mkdir(parents=True)

    ours, theirs = keys.ensure(places=places), keys.ensure(places=other)

    assert [name for name in ours if ours[name] == theirs[name]] == []


def test_the_encryption_key_is_one_that_fernet_takes(places):
    key = keys.ensure(places=places)["COUNTERSIGN_ENCRYPTION_KEYS"]

    assert Fernet(key).decrypt(Fernet(key).encrypt(b"token")) == b"token"


def test_a_second_key_behind_the_first_still_counts(places):
    keys.ensure(places=places)
    file = places.secrets / "encryption_keys"
    old, new = file.read_text().strip(), keys.new_encryption_key()
    file.write_text(f"{new}\n{old}\n")

    assert keys.ensure(places=places)["COUNTERSIGN_ENCRYPTION_KEYS"] == f"{new},{old}"


def test_what_was_written_is_read_again_with_quotes_and_spaces(places):
    env = {"A": "plain", "B": "two words", "C": 'it\'s "quoted" $HOME', "D": ""}

    surroundings.write(places=places, env=env)

    assert surroundings.read(places=places) == env
    assert stat.S_IMODE(places.environment.stat().st_mode) == 0o600


def test_a_folder_never_started_says_nothing(folder, places):
    assert surroundings.read(places=places) == {}


def test_what_is_set_already_wins(places, monkeypatch):
    surroundings.write(places=places, env={"BROKER_URL": "from-the-folder", "COUNTERSIGN_NEW": "taken"})
    monkeypatch.setenv("COUNTERSIGN_DATA", str(places.data))
    monkeypatch.setenv("BROKER_URL", "from-outside")
    monkeypatch.delenv("COUNTERSIGN_NEW", raising=False)

    surroundings.adopt()
    assert (os.environ["BROKER_URL"], os.environ["COUNTERSIGN_NEW"]) == ("from-outside", "taken")
