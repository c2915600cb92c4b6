"""Settings: which source wins, what is refused, and with what words."""

from pathlib import Path

import pytest

from streamgate.config import HostPort, Settings, load
from streamgate.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STREAMGATE_{name}".upper(), raising=False)


def toml(directory: Path, text: str) -> Path:
    (directory / "streamgate.toml").write_text(text, "utf-8")
    return directory


def refusal(directory: Path, **command_line: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(directory, **command_line)
    return str(caught.value)


# ---------------------------------------------------------------- HOST:PORT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:1935", HostPort("127.0.0.1", 1935)),
        ("[::1]:0", HostPort("::1", 0)),
        ("[fe80::1%eth0]:1935", HostPort("fe80::1%eth0", 1935)),
        ("gate.example.org:65535", HostPort("gate.example.org", 65535)),
    ],
)
def test_address_reads_and_writes_back(text: str, expected: HostPort) -> None:
    address = HostPort.parse(text)

    assert address == expected
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "1935", ":1935", "host", "host:", "host:65536", "host:-1", "::1:1935", "a b:1", "h:1:2"]
)
def test_address_refuses_the_rest(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST:PORT"):
        HostPort.parse(text)


def test_reachable_address() -> None:
    assert HostPort("127.0.0.1", 1).reachable() == HostPort("127.0.0.1", 1)
    assert HostPort("0.0.0.0", 1).reachable("gate.example.org") == HostPort("gate.example.org", 1)
    assert HostPort("0.0.0.0", 1).reachable().host not in ("0.0.0.0", "")


# ---------------------------------------------------------------- sources


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.data_dir == tmp_path
    assert (str(settings.rtmp), str(settings.console)) == ("127.0.0.1:1935", "127.0.0.1:8080")
    assert str(settings.public) == "127.0.0.1:8081"
    assert settings.rtmps is None
    assert settings.retention_days == 60
    assert settings.no_input_stop_min == 30
    assert settings.ring_max_mb == 1024
    assert settings.max_bitrate_mbps == 60


def test_command_line_beats_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, 'rtmp = "127.0.0.1:1"\nconsole = "127.0.0.1:1"\nretention_days = 61\n')
    monkeypatch.setenv("STREAMGATE_RTMP", "127.0.0.1:2")
    monkeypatch.setenv("STREAMGATE_CONSOLE", "127.0.0.1:2")

    settings = load(tmp_path, rtmp="127.0.0.1:3", console=None)

    assert settings.rtmp.port == 3
    assert settings.console.port == 2
    assert settings.retention_days == 61


def test_data_dir_from_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, "retention_days = 90\n")
    monkeypatch.setenv("STREAMGATE_DATA_DIR", str(tmp_path))

    assert load().retention_days == 90


def test_values_from_the_command_line_are_read_like_those_of_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, no_input_stop_min="0.5", log_level="DEBUG", ring_max_mb="128", rtmp="[::1]:0")

    assert (settings.no_input_stop_min, settings.log_level, settings.ring_max_mb) == (0.5, "debug", 128)
    assert settings.rtmp == HostPort("::1", 0)


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(tmp_path).retention_days = 1


# ---------------------------------------------------------------- refusals


def test_unknown_key_is_named_with_a_suggestion(tmp_path: Path) -> None:
    text = refusal(toml(tmp_path, "retention = 90\n"))

    assert "unknown setting 'retention'" in text
    assert "did you mean retention_days?" in text
    assert "max_bitrate_mbps" in text  # the allowed ones
    assert "data_dir" not in text


def test_delay_is_no_setting(tmp_path: Path) -> None:
    assert "unknown setting 'delay_s'" in refusal(toml(tmp_path, "delay_s = 5\n"))


def test_data_dir_in_the_file_is_refused(tmp_path: Path) -> None:
    assert "remove the line and use --data-dir" in refusal(toml(tmp_path, 'data_dir = "/elsewhere"\n'))


def test_short_retention_names_the_rule(tmp_path: Path) -> None:
    text = refusal(tmp_path, retention_days="59")

    assert "retention_days is '59' (from --retention-days)" in text
    assert "R8" in text
    assert "60" in text


def test_wrong_value_says_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, "ring_max_mb = 1\n")
    monkeypatch.setenv("STREAMGATE_RTMP", "nowhere")

    rtmp, ring = refusal(tmp_path).splitlines()

    assert rtmp == (
        "rtmp is 'nowhere' (from STREAMGATE_RTMP);"
        " allowed is HOST:PORT, for example 0.0.0.0:1935 or [::1]:1935; correct or unset that variable"
    )
    assert ring == (
        "ring_max_mb is 1 (from streamgate.toml); allowed is a whole number of megabytes from 64 to 1048576;"
        " correct the line or remove it for the default"
    )


def test_broken_file_says_the_place(tmp_path: Path) -> None:
    assert "is not valid TOML" in refusal(toml(tmp_path, "rtmp = [\n"))


def test_rtmps_needs_readable_certificate_and_key(tmp_path: Path) -> None:
    assert "tls_cert is not set" in refusal(tmp_path, rtmps="127.0.0.1:1936")
    assert "not a readable file" in refusal(
        tmp_path, rtmps="127.0.0.1:1936", tls_cert=str(tmp_path / "none.pem")
    )


def test_paths_in_the_file_start_at_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("")
    (tmp_path / "key.pem").write_text("")
    toml(tmp_path, 'rtmps = "127.0.0.1:1936"\ntls_cert = "cert.pem"\ntls_key = "key.pem"\n')

    assert load(tmp_path).tls_cert == tmp_path / "cert.pem"


def test_too_long_a_data_directory_is_refused_before_a_socket_fails(tmp_path: Path) -> None:
    assert "unix sockets" in refusal(tmp_path / ("x" * 90))


# ---------------------------------------------------------------- the database


URL = "postgresql+psycopg://gate:s3cret@db/streamgate"


def test_the_database_is_a_file_unless_a_server_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(tmp_path).database == "sqlite"
    assert load(toml(tmp_path, f'database = "{URL}"\n')).database == URL
    monkeypatch.setenv("STREAMGATE_DATABASE", "sqlite")
    assert load(tmp_path).database == "sqlite"
    assert load(tmp_path, database="postgresql://gate@db/sg").database == "postgresql://gate@db/sg"


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, database=URL)

    assert "process list" in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [("mysql://u:s3cret@h/d", "mysql://***"), ("u:s3cret@h", "***"), ("sqllite", "sqllite")],
)
def test_a_wrong_database_is_told_without_its_password(tmp_path: Path, value: str, shown: str) -> None:
    text = refusal(toml(tmp_path, f'database = "{value}"\n'))

    assert f"database is '{shown}' (from streamgate.toml); allowed is sqlite" in text
    assert "s3cret" not in text


def test_settings_that_are_printed_hide_the_password(tmp_path: Path) -> None:
    assert "s3cret" not in repr(load(toml(tmp_path, f'database = "{URL}"\n')))


def test_settings_are_shown_with_their_source_and_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "streamgate.toml").write_text(
        'approval = "two-person"\nretention_days = 90\ndatabase = "postgresql+psycopg://u:s3cret@h/db"\n'
    )
    monkeypatch.setenv("STREAMGATE_RETENTION_DAYS", "120")
    monkeypatch.setenv("STREAMGATE_LOG_LEVEL", "debug")

    shown = {one.name: one for one in load(tmp_path, log_level="warning", rtmp=None).shown}

    assert {name: (one.value, one.source) for name, one in shown.items() if one.source != "default"} == {
        "data_dir": (str(tmp_path), "command line"),
        "approval": ("two-person", "file"),
        "retention_days": ("120", "environment"),
        "database": (shown["database"].value, "file"),
        "log_level": ("warning", "command line"),
    }
    assert "s3cret" not in str(shown)
    assert (shown["rtmp"].value, shown["rtmps"].value) == ("127.0.0.1:1935", "")
    assert all(one.allowed for one in shown.values())


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "10.0.0.5:8080", "[::]:8080", "gate.example.org:8080"])
def test_a_page_that_others_reach_needs_tls(tmp_path: Path, address: str) -> None:
    said = refusal(tmp_path, console=address)

    assert f"console is {address}, which others reach, without TLS" in said
    assert "set console_cert and console_key, or behind_proxy" in said
    assert load(tmp_path, console=address, behind_proxy="10.0.0.1").behind_proxy == "10.0.0.1/32"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1"])
def test_a_page_on_loopback_does_not(tmp_path: Path, address: str) -> None:
    assert str(load(tmp_path, console=address).console) == address


def test_the_pages_address(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    toml(tmp_path, 'console = "0.0.0.0:8443"\nconsole_cert = "cert.pem"\nconsole_key = "key.pem"\n')

    assert load(tmp_path).page_url("10.0.0.5:8443") == "https://10.0.0.5:8443"
    assert "belong together" in refusal(tmp_path, console_key="")
    assert "not a readable file" in refusal(tmp_path, console_key=str(tmp_path / "none.pem"))
    (tmp_path / "streamgate.toml").unlink()
    proxied = load(tmp_path, behind_proxy="127.0.0.1", public_host="gate.example.org")
    assert proxied.page_url("127.0.0.1:8080") == "https://gate.example.org"
    assert load(tmp_path).page_url("127.0.0.1:8080") == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("public", "url"),
    [
        ("127.0.0.1:8081", "http://127.0.0.1:9"),  # under its name nobody reaches it
        ("[::1]:8081", "http://[::1]:9"),
        ("0.0.0.0:8081", "http://live.example.org:9"),
        ("192.0.2.7:8081", "http://live.example.org:9"),
    ],
)
def test_where_viewers_find_the_public_address(tmp_path: Path, public: str, url: str) -> None:
    assert load(tmp_path, public=public, public_host="live.example.org").viewers_url(9) == url


@pytest.mark.parametrize(
    "wrong", [{"totp_roles": "king"}, {"behind_proxy": "proxy.example"}, {"idle_logout_min": "0"}]
)
def test_values_about_people_that_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    assert next(iter(wrong)) in refusal(tmp_path, **wrong)
