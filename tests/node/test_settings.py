"""Settings: all faults at once, the environment goes before the file, nothing unknown passes, no secret is shown."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sealane.errors import DataError, InputError
from sealane.node.settings import (
    NodeSettings,
    make_settings,
    plain_default,
    read_settings,
    settings_page,
    settings_text,
)

GIVEN = {"participant": "urn:sealane:test:a", "name": "A", "origin": "https://node.example"}


def faults(given: dict[str, Any], environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(DataError) as caught:
        make_settings(given, environ or {}, "node.toml")
    return [str(fault) for fault in caught.value.faults]


def test_the_least_that_must_be_given() -> None:
    settings = make_settings(GIVEN, {}, "node.toml")
    assert settings.participant == "urn:sealane:test:a"
    assert settings.workers == 1
    assert settings.database_url.get_secret_value() == ""
    assert len(faults({})) == 3


def test_all_faults_are_reported_at_once_with_their_places() -> None:
    found = faults(
        GIVEN | {"participant": "no id", "prot": 80, "workers": 0, "unlocode": "us lax", "lease_s": "soon"},
        {"SEALANE_PORT": "99999", "SEALANE_DATABSE_URL": "sqlite:///x"},
    )
    assert len(found) == 7
    assert sum("node.toml prot: there is no such setting. Did you mean port?" in text for text in found) == 1
    assert sum("SEALANE_DATABSE_URL" in text and "SEALANE_DATABASE_URL?" in text for text in found) == 1
    assert sum(text.startswith("environment variable SEALANE_PORT, port:") for text in found) == 1
    assert sum(text.startswith("node.toml participant:") for text in found) == 1


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "node.toml").write_text(settings_text(GIVEN | {"port": 1000}), encoding="utf-8")
    assert read_settings(tmp_path, {}).port == 1000
    assert read_settings(tmp_path, {"SEALANE_PORT": "2000"}).port == 2000
    assert read_settings(tmp_path, {"SEALANE_NODE": "/x", "SEALANE_STANDARDS": "/y", "OTHER": "z"}).port == 1000


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"tls_certificate": "a.pem"}, "tls_certificate and tls_key"),
        ({"tls_certificate": "a.pem", "tls_key": "b.pem", "origin": "http://127.0.0.1"}, "origin"),
        ({"test_profile": True}, "test_profile"),
        ({"test_profile": True, "origin": "http://127.0.0.1:1", "host": "0.0.0.0"}, "test_profile"),
        ({"origin": "http://node.example"}, "origin"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(values: dict[str, Any], part: str) -> None:
    assert any(f"node.toml {part}" in text for text in faults(GIVEN | values))


def test_what_is_not_contradictory_passes() -> None:
    make_settings(GIVEN | {"test_profile": True, "origin": "http://127.0.0.1:1"}, {}, "node.toml")
    make_settings(GIVEN | {"origin": "http://node.example", "allow_private": True}, {}, "node.toml")


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("https://Node.Example:443/", "https://node.example"),
        ("http://[::1]:8400", "http://[::1]:8400"),
        ("https://node.example:8443", "https://node.example:8443"),
        ("https://node.example/path", None),
        ("https://user@node.example", None),
        ("ftp://node.example", None),
        ("node.example", None),
        ("https://node.example?x", None),
    ],
)
def test_an_origin_has_one_form(given: str, normal: str | None) -> None:
    if normal is None:
        assert any("node.toml origin" in text for text in faults(GIVEN | {"origin": given}))
    else:
        assert make_settings(GIVEN | {"origin": given}, {}, "node.toml").origin == normal


def test_the_file_that_init_writes_reads_back_and_names_every_setting(tmp_path: Path) -> None:
    given = GIVEN | {"name": 'Port "of" Ōsaka\n', "workers": 3, "allow_private": True}
    text = settings_text(given)
    assert tomllib.loads(text) == given
    for name in NodeSettings.model_fields:
        assert re.search(rf"^#?{name} = ", text, re.MULTILINE), name
    # What stands there as a comment is valid TOML with the default's value.
    commented = tomllib.loads("\n".join(re.findall(r"^#(\w+ = .*)$", text, re.MULTILINE)))
    assert commented == {name: plain_default(name) for name in commented}
    assert len(commented) == len(NodeSettings.model_fields) - len(given)
    (tmp_path / "node.toml").write_text(text, encoding="utf-8")
    assert read_settings(tmp_path, {}).name == given["name"]


def test_relative_paths_are_relative_to_the_folder(tmp_path: Path) -> None:
    text = settings_text(GIVEN | {"tls_certificate": "chain.pem", "tls_key": "/etc/key.pem"})
    (tmp_path / "node.toml").write_text(text, encoding="utf-8")
    settings = read_settings(tmp_path, {})
    assert settings.tls_certificate == tmp_path / "chain.pem"
    assert settings.tls_key == Path("/etc/key.pem")


def test_no_message_and_no_repr_shows_the_password() -> None:
    url = {"SEALANE_DATABASE_URL": "postgresql://user:hunter2hunter2@host/name"}
    settings = make_settings(GIVEN, url, "node.toml")
    assert "hunter2hunter2" in settings.database_url.get_secret_value()
    assert "hunter2hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert "hunter2hunter2" not in "".join(faults(GIVEN | {"workers": "many"}, url))


def test_a_missing_or_broken_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sealane node init"):
        read_settings(tmp_path, {})
    (tmp_path / "node.toml").write_text("port = \n", encoding="utf-8")
    with pytest.raises(InputError, match=r"node\.toml: is not TOML: .*line 1"):
        read_settings(tmp_path, {})


def test_every_setting_is_documented_with_its_variable() -> None:
    page = settings_page()
    for name, field in NodeSettings.model_fields.items():
        assert f"| `{name}` | `SEALANE_{name.upper()}` |" in page
        assert field.description
        assert field.description.endswith((".", ")")), name


def test_settings_cannot_be_changed() -> None:
    settings = make_settings(GIVEN, {}, "node.toml")
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1
