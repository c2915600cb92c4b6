"""Settings of `streamgate serve`: command line > environment (STREAMGATE_*) > streamgate.toml > defaults.

Only `app` and `cli` read this module; everything else receives plain values.
"""

import difflib
import ipaddress
import os
import re
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, core_schema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from streamgate.archive.copy.place import ALLOWED as COPY_PLACES
from streamgate.archive.copy.place import check_place
from streamgate.errors import ConfigError
from streamgate.runtime.datadir import DataDir, default_root
from streamgate.store.location import ALLOWED, SQLITE, holds_password, redact
from streamgate.store.location import check as check_database
from streamgate.store.roles import ROLES

ENV_PREFIX = "STREAMGATE_"
MIN_RETENTION_DAYS = 60
_HOST_PORT = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[A-Za-z0-9._-]+)):(?P<port>[0-9]{1,5})"
)


class HostPort(msgspec.Struct, frozen=True):
    """An address to listen on. `host` without brackets; port 0 means any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "HostPort":
        """Read `HOST:PORT` or `[IPv6]:PORT`. Raise ValueError on anything else."""
        match = _HOST_PORT.fullmatch(text.strip())
        if match is None or int(match["port"]) > 65535:
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(match["v6"] or match["host"], int(match["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def reachable(self, public_host: str = "") -> "HostPort":
        """Return the address that others use: `public_host`, else this machine's own if we listen on all."""
        host = public_host or self.host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - read, not bound
            host = _own_address()
        return HostPort(host, self.port)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        def validate(value: Any) -> HostPort:
            if isinstance(value, HostPort):
                return value
            if not isinstance(value, str):
                raise ValueError("not HOST:PORT")  # noqa: TRY004 - pydantic turns only ValueError into its report
            return cls.parse(value)

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.to_string_ser_schema()
        )


def _own_address() -> str:
    """Return the address of the interface with the default route, from the kernel; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _database(value: str) -> str:
    check_database(value)
    return value


def _roles(value: str) -> str:
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in ROLES:
            raise ValueError(f"there is no role {name}")
    return ",".join(names)


def _authority(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("no HTTP address")
    return _second_place(value)


def _second_place(value: str) -> str:
    if value and not value.startswith(("http://", "https://")) and not Path(value).is_absolute():
        raise ValueError("neither an absolute path nor an HTTP address")
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise ValueError("a password does not belong in an address")
    return value


def _networks(value: str) -> str:
    return ",".join(str(ipaddress.ip_network(one.strip())) for one in value.split(",") if one.strip())


_Address = Annotated[HostPort | None, BeforeValidator(_empty_is_none)]
_File = Annotated[Annotated[Path, AfterValidator(_absolute)] | None, BeforeValidator(_empty_is_none)]


Source = Literal["default", "file", "environment", "command line"]


class ShownSetting(msgspec.Struct, frozen=True):
    """One setting for display. `value`: as in the file; `allowed`: which values are allowed."""

    name: str
    value: str
    source: Source
    allowed: str


class Settings(BaseSettings):
    """Settings of `serve`. A field's description names the allowed values; errors quote it.

    `Settings()` reads all sources and raises pydantic's ValidationError; `load` raises ConfigError instead.
    """

    model_config = SettingsConfigDict(
        frozen=True, env_prefix=ENV_PREFIX, extra="forbid", hide_input_in_errors=True
    )

    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)

    data_dir: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=lambda: default_root(os.environ), description="a directory"
    )
    rtmp: HostPort = Field(
        HostPort("127.0.0.1", 1935), description="HOST:PORT, for example 0.0.0.0:1935 or [::1]:1935"
    )
    rtmps: _Address = Field(None, description="HOST:PORT, for example 0.0.0.0:1936; left out it is off")
    tls_cert: _File = Field(None, description="a readable PEM file with the certificate chain for rtmps")
    tls_key: _File = Field(None, description="a readable PEM file with the private key for rtmps")
    console: HostPort = Field(
        HostPort("127.0.0.1", 8080), description="HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080"
    )
    public: HostPort = Field(
        HostPort("127.0.0.1", 8081),
        description="HOST:PORT for viewers and sources of comments, for example 0.0.0.0:8081 or [::1]:8081",
    )
    console_cert: _File = Field(
        None, description="a readable PEM file with the page's certificate chain; with it the page is HTTPS"
    )
    console_key: _File = Field(None, description="a readable PEM file with the page's private key")
    behind_proxy: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="addresses or networks, separated by commas, of the reverse proxy that serves the page"
        " with TLS and whose X-Forwarded-For and X-Forwarded-Proto are believed, for example 127.0.0.1",
    )
    idle_logout_min: float = Field(
        15.0, ge=1, le=720, description="minutes from 1 to 720 (rule R24: log out when not in use)"
    )
    password_max_age_days: float = Field(
        90.0, ge=1, le=36500, description="days from 1 to 36500 (rule R20: passwords are changed regularly)"
    )
    totp_roles: Annotated[str, AfterValidator(_roles)] = Field(
        "", description=f"roles that must have a second factor, separated by commas, of: {', '.join(ROLES)}"
    )
    public_host: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._:-]*$",
        description="the host name or address under which encoders reach this machine, without a port",
    )
    retention_days: int = Field(
        MIN_RETENTION_DAYS,
        ge=MIN_RETENTION_DAYS,
        le=36500,
        description=f"a whole number of days from {MIN_RETENTION_DAYS} to 36500"
        f" (rule R8, Art. 19: recordings are kept at least {MIN_RETENTION_DAYS} days)",
    )
    copy_to: Annotated[str, AfterValidator(check_place)] = Field(
        "", description=f"{COPY_PLACES}; left out there is no second copy"
    )
    copy_endpoint: str = Field(
        "",
        pattern=r"^(https?://[A-Za-z0-9._:\[\]-]+/?)?$",
        description="http(s)://HOST[:PORT] of an S3-compatible store; left out it is Amazon's",
    )
    copy_region: str = Field(
        "", pattern=r"^[a-z0-9-]*$", description="the region of the store, for example cn-north-1"
    )
    copy_addressing: Annotated[Literal["auto", "path", "virtual"], BeforeValidator(_lower)] = Field(
        "auto", description="auto, path (HOST/BUCKET) or virtual (BUCKET.HOST, which some clouds demand)"
    )
    copy_limit: float = Field(
        0.0, ge=0, le=100000, description="megabits per second from 0 to 100000 (0: as fast as it goes)"
    )
    copy_retention: int = Field(
        0,
        ge=0,
        le=36500,
        description=f"0 (copies are never removed), or a number of days from {MIN_RETENTION_DAYS} to 36500",
    )
    copy_recheck: int = Field(
        30, ge=0, le=3650, description="days from 0 to 3650 after which a copy is read back again (0: never)"
    )
    copy_check: Annotated[Literal["read", "checksum"], BeforeValidator(_lower)] = Field(
        "read",
        description="read (each copy is read back) or checksum (the store's own SHA-256 is believed where it"
        " gives one)",
    )
    no_input_stop_min: float = Field(
        30.0, ge=0, le=10080, description="minutes from 0 to 10080 (0: a broadcast never ends by itself)"
    )
    database: Annotated[str, AfterValidator(_database)] = Field(SQLITE, description=ALLOWED, repr=False)
    approval: Annotated[Literal["one-person", "two-person"], BeforeValidator(_lower)] = Field(
        "one-person",
        description="one-person (a destination entered on this machine's command line counts as approved by"
        " that administrator) or two-person (it waits for somebody else, too) (rule R13)",
    )
    ledger_copy: Annotated[str, AfterValidator(_second_place)] = Field(
        "",
        description="an absolute path of a file, or an http:// or https:// address that takes POST, where the"
        " ledger's heads are sent; best where nobody who can write here can write",
    )
    tsa: Annotated[str, AfterValidator(_authority)] = Field(
        "", description="an http:// or https:// address of a time stamping authority (RFC 3161)"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="debug, info, warning or error"
    )
    ring_max_mb: int = Field(
        1024, ge=64, le=1048576, description="a whole number of megabytes from 64 to 1048576"
    )
    max_bitrate_mbps: float = Field(60.0, ge=1, le=1000, description="megabits per second from 1 to 1000")

    @field_validator("copy_retention")
    @classmethod
    def _copies_outlive_the_rule(cls, days: int) -> int:
        if 0 < days < MIN_RETENTION_DAYS:
            raise ValueError(f"under {MIN_RETENTION_DAYS} days")
        return days

    @model_validator(mode="after")
    def _tls_is_complete(self) -> "Settings":
        """Refuse rtmps without a certificate now, not at the first encoder's connection."""
        if self.rtmps is None:
            return self
        for name in ("tls_cert", "tls_key"):
            path: Path | None = getattr(self, name)
            if path is None:
                raise PydanticCustomError(
                    "tls",
                    "rtmps is on, but {name} is not set; name a PEM file, or leave rtmps out",
                    {"name": name},
                )
            if not (path.is_file() and os.access(path, os.R_OK)):
                raise PydanticCustomError(
                    "tls",
                    "{name} is {path}, which is not a readable file; allowed is a PEM file; correct the path",
                    {"name": name, "path": str(path)},
                )
        return self

    @model_validator(mode="after")
    def _console_is_private(self) -> "Settings":
        """Require TLS for a page that others reach: it carries passwords and session cookies."""
        if (self.console_cert is None) != (self.console_key is None):
            raise PydanticCustomError(
                "tls", "console_cert and console_key belong together; name both PEM files, or neither"
            )
        for name in ("console_cert", "console_key"):
            path: Path | None = getattr(self, name)
            if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
                raise PydanticCustomError(
                    "tls",
                    "{name} is {path}, which is not a readable file; allowed is a PEM file; correct the path",
                    {"name": name, "path": str(path)},
                )
        if self.console_cert is None and not self.behind_proxy and not _is_loopback(self.console.host):
            raise PydanticCustomError(
                "tls",
                "console is {address}, which others reach, without TLS; allowed is loopback, for example"
                " 127.0.0.1:8080; set console_cert and console_key, or behind_proxy for a proxy that has TLS",
                {"address": str(self.console)},
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _TomlSource(settings_cls)

    def page_url(self, address: str) -> str:
        """Return the URL for browsers of the page that listens on HOST:PORT, without a slash at the end."""
        if self.behind_proxy and self.public_host:
            return f"https://{self.public_host}"
        return f"{'http' if self.console_cert is None else 'https'}://{address}"

    def viewers_url(self, port: int) -> str:
        """Return the URL for viewers of the public address on that port, without a slash. It has no TLS."""
        known_as = "" if _is_loopback(self.public.host) else self.public_host
        return f"http://{HostPort(self.public.reachable(known_as).host, port)}"

    @property
    def shown(self) -> list[ShownSetting]:
        """All settings for display, each with its source; secrets are redacted."""
        return [
            ShownSetting(
                name,
                _format_value(name, getattr(self, name)),
                self._sources.get(name, "default"),
                field.description or "",
            )
            for name, field in type(self).model_fields.items()
        ]

    @property
    def places(self) -> DataDir:
        return DataDir(self.data_dir)


class _TomlSource(PydanticBaseSettingsSource):
    """Reads `streamgate.toml` in the data directory of the earlier sources. Relative paths start there."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        places = DataDir(Path(self.current_state.get("data_dir") or default_root(os.environ)))
        try:
            values = tomllib.loads(places.toml.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigError(
                f"{places.toml} cannot be read ({error.strerror}); correct its permissions"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{places.toml} is not valid TOML: {error}; correct that place") from error
        if "data_dir" in values:
            raise ConfigError(
                f"{places.toml} sets data_dir, but the file itself stands in the data directory;"
                f" remove the line and use --data-dir or {ENV_PREFIX}DATA_DIR"
            )
        allowed = [name for name in fields if name != "data_dir"]
        for key in values:
            if key not in allowed:
                raise ConfigError(_unknown(key, allowed, str(places.toml)))
        for name in ("tls_cert", "tls_key", "console_cert", "console_key"):
            if isinstance(values.get(name), str) and values[name]:
                values[name] = str(places.root / Path(values[name]).expanduser())
        return values


def load(data_dir: Path | None = None, **command_line: Any) -> Settings:
    """Read the settings; None on the command line means not given.

    Raises ConfigError, which names the setting, its value, its source, what is allowed and what to do.
    """
    given = {name: value for name, value in command_line.items() if value is not None}
    if data_dir is not None:
        given["data_dir"] = data_dir
    for name in given:
        if name not in Settings.model_fields:
            raise ConfigError(_unknown(name, list(Settings.model_fields), "the command line"))
    if isinstance(given.get("database"), str) and holds_password(given["database"]):
        raise ConfigError(
            "--database holds a password, which everybody on this machine could read in the process list;"
            f" put it into streamgate.toml in the data directory, {ENV_PREFIX}DATABASE or ~/.pgpass"
        )
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise ConfigError(_explain(error, given, os.environ)) from error
    settings._sources.update(_sources(given, os.environ, settings.places.toml))  # noqa: SLF001
    _ = settings.places  # refuses a path that is too long
    return settings


def _sources(given: Mapping[str, Any], environ: Mapping[str, str], toml: Path) -> dict[str, Source]:
    """Return where each setting that is not the default comes from, the strongest source first."""
    try:
        in_file = tomllib.loads(toml.read_text("utf-8"))
    except OSError:
        in_file = {}
    sources: dict[str, Source] = dict.fromkeys(in_file, "file")
    sources |= {
        name: "environment" for name in Settings.model_fields if f"{ENV_PREFIX}{name}".upper() in environ
    }
    return sources | dict.fromkeys(given, "command line")


def _format_value(name: str, value: Any) -> str:
    if name == "database":
        return redact(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _unknown(key: str, allowed: list[str], where: str) -> str:
    near = difflib.get_close_matches(key.lower().replace("-", "_"), allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"unknown setting {key!r} in {where}; {hint}allowed are: {', '.join(sorted(allowed))}"


def _explain(error: ValidationError, given: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    texts = []
    for one in error.errors():
        name = str(one["loc"][0]) if one["loc"] else ""
        if not name:
            texts.append(one["msg"])
            continue
        variable = f"{ENV_PREFIX}{name}".upper()
        if name in given:
            where, remedy = f"--{name.replace('_', '-')}", "correct it on the command line"
        elif variable in environ:
            where, remedy = variable, "correct or unset that variable"
        else:
            where, remedy = "streamgate.toml", "correct the line or remove it for the default"
        value = one["input"]
        if name == "database" and isinstance(value, str):
            value = redact(value)
        shown = f"{value!r}" if isinstance(value, str) else str(value)
        allowed = Settings.model_fields[name].description
        texts.append(f"{name} is {shown} (from {where}); allowed is {allowed}; {remedy}")
    return "\n".join(dict.fromkeys(texts))
