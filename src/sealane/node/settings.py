"""Every setting of a node with its name, meaning and default, in one place.

They come from ``node.toml`` in the node's folder and, above it, from the environment (``SEALANE_`` and the name in
capitals). The settings page and the commented file that ``sealane node init`` writes are made from this module.
"""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from sealane.errors import DataError, Fault, InputError
from sealane.exchange.addresses import origin_of
from sealane.exchange.certificates import PARTICIPANT
from sealane.exchange.events import MAX_BATCH_BYTES

FILE_NAME = "node.toml"
PATHS = ("tls_certificate", "tls_key", "tls_authorities")
PREFIX = "SEALANE_"
# What a person may be on the pages (sealane.web.accounts.roles); guests are nobody in particular.
PEOPLE = ("analyst", "steward", "officer", "administrator")
# One address as RFC 5322 allows it without quotes and comments; nothing that could begin another line of a head.
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
# Read elsewhere, so no setting of the node: the folder for the command line, and the standards for the tests.
NOT_SETTINGS = frozenset({"SEALANE_NODE", "SEALANE_STANDARDS"})


class NodeSettings(BaseModel):
    """All settings of one node; frozen, and an unknown name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    participant: str = Field(
        description="Id of the port in every message and signature, for instance urn:example:port-of-x; up to 200 "
        "letters, digits and . _ : / % -. It never changes, agreements name it."
    )
    name: str = Field(min_length=1, max_length=200, description="Name of the port as partners see it.")
    unlocode: str | None = Field(
        None, pattern=r"^[A-Z]{2}[A-Z2-9]{3}$", description="UN/LOCODE of the port, for instance USLAX."
    )
    origin: str = Field(
        description="Public address of the node, scheme://host or scheme://host:port without a path. Request "
        "signatures cover it, so it must be the address partners use, also behind a reverse proxy."
    )
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8400, ge=1, le=65535, description="TCP port to listen on.")
    tls_certificate: Path | None = Field(
        None, description="PEM file with the certificate chain; without it the node speaks plain HTTP behind a proxy."
    )
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    tls_authorities: Path | None = Field(
        None,
        description="PEM file with the authorities whose certificates of partners are trusted, instead of those "
        "of the system; for closed networks with an authority of their own.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="Address of the database, postgresql://user:password@host:5432/name or sqlite:///file; empty is "
        "node.db in the node's folder. Give one that holds a password by the environment, not in the file.",
    )
    database_pool_size: int = Field(
        10,
        ge=2,
        le=200,
        description="Connections each worker keeps open at most; on PostgreSQL two more for short pages.",
    )
    workers: int = Field(1, ge=1, le=64, description="Processes that serve requests; more than one needs PostgreSQL.")
    body_limit_bytes: int = Field(
        8_388_608,
        ge=MAX_BATCH_BYTES,
        le=1_073_741_824,
        description="Largest body of a request; a larger one is answered 413. Not less than a batch of events has.",
    )
    retention_days: float = Field(
        30.0,
        gt=0,
        description="How long acknowledged messages are kept, so that a partner restored from a backup "
        "no older than this is caught up.",
    )
    lease_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Nothing is sent to a partner this long after it last answered, until it has answered again.",
    )
    delivery_period_s: float = Field(1.0, gt=0, description="Period of the job that delivers to partners.")
    negotiation_period_s: float = Field(
        1.0, gt=0, description="Period of the jobs that drive negotiations and transfers."
    )
    agreement_period_s: float = Field(
        5.0, gt=0, description="Period of the job that sends proposals, signatures and retirements not yet taken."
    )
    release_period_s: float = Field(60.0, gt=0, description="Period of the job that releases cells of grouped records.")
    key_period_s: float = Field(
        30.0, gt=0, le=60, description="Period of the job that fetches partners' keys and revocations."
    )
    checkpoint_period_s: float = Field(
        300.0, gt=0, description="Period of the job that exchanges checkpoints of the ledger with partners."
    )
    housekeeping_period_s: float = Field(
        600.0, gt=0, description="Period of the job that removes what is past its retention."
    )
    import_limit_bytes: int = Field(
        21_474_836_480, ge=1_048_576, description="Largest file that can be uploaded on the page Data."
    )
    import_reserve_bytes: int = Field(
        2_147_483_648,
        ge=0,
        description="Free space on the disk that uploads leave alone; an upload that would need it is refused.",
    )
    import_retention_days: float = Field(
        7.0,
        gt=0,
        description="How long the files of an upload are kept that was never finished or applied, or was undone; so "
        "long, too, can a removed result be brought back.",
    )
    task_period_s: float = Field(
        1.0, gt=0, description="Period of the jobs that look for uploads to check and results to compute."
    )
    task_workers: int = Field(
        1, ge=1, le=16, description="How many files are checked or results computed at the same time."
    )
    task_memory_bytes: int = Field(
        6_442_450_944,
        ge=1_073_741_824,
        description="Address space of a process that reads an uploaded file or computes a result; beyond it, it is "
        "ended and says so.",
    )
    task_timeout_s: int = Field(
        14_400, ge=10, description="After this time such a process is ended, and the task counts as failed."
    )
    stop_timeout_s: int = Field(
        20, ge=1, le=600, description="How long a stop waits for requests and jobs that have begun."
    )
    guests: bool = Field(
        False,
        description="Whether people who have not logged in see what is public (and only that); otherwise they see the "
        "page of the login.",
    )
    session_idle_minutes: int = Field(
        60, ge=5, le=10_080, description="A person who has done nothing this long must log in again."
    )
    session_hours: int = Field(12, ge=1, le=720, description="A login ends after this time, however busy it is.")
    trusted_proxies: str = Field(
        "",
        description="Addresses of reverse proxies whose X-Forwarded-For is believed, as networks with commas between "
        "them, for instance 10.0.0.5/32; nobody's is by default. It is used to count failed logins by address.",
    )
    oidc_issuer: str = Field(
        "",
        description="Address of an OpenID provider (issuer) with which people may log in as well, for instance "
        "https://login.example.org/realms/port. Its endpoints must stand at the same origin.",
    )
    oidc_client_id: str = Field("", description="Id under which the provider knows this node.")
    oidc_client_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret of that client; empty for a public client, which PKCE alone protects. Give it by the "
        "environment, not in the file.",
    )
    oidc_role_claim: str = Field(
        "groups", description="Claim of the ID token that says what a person may do; a text or a list of texts."
    )
    oidc_roles: str = Field(
        "",
        description="Which value of the claim gives which role, for instance port-staff=analyst, it=administrator. The "
        "first that fits counts; a person without any is not let in.",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server that takes alerts: smtps://user:password@host:465, or smtp://user:password@host:587, "
        "where TLS is begun by STARTTLS; without TLS nothing is sent, except to this machine. Empty: no e-mail. Give "
        "it by the environment, not in the file.",
    )
    alert_from: str = Field("", description="E-mail address from which alerts are sent; goes with smtp_url.")
    alert_period_s: float = Field(
        10.0, gt=0, description="Period of the job that looks for what needs attention and tells people."
    )
    alert_stalled_minutes: float = Field(
        30.0, gt=0, description="A negotiation or transfer whose step has been overdue this long needs attention."
    )
    alert_lag_minutes: float = Field(
        15.0, gt=0, description="A stream whose longest waiting message has been due this long needs attention."
    )
    alert_disk_free_percent: float = Field(
        10.0, ge=0, lt=100, description="Less free space than this on the disk of the node's folder needs attention."
    )
    alert_backup_days: float = Field(
        7.0, ge=0, description="A last backup older than this needs attention; 0 where backups are made elsewhere."
    )
    alert_private: bool = Field(
        False,
        description="Webhooks may go to private addresses and plain http; for closed networks only.",
    )
    allow_private: bool = Field(
        False,
        description="The origin may be plain http on another host than this machine; for closed networks only. "
        "(Each partner has its own switch, `sealane peer add --allow-private`.)",
    )
    guide: bool = Field(
        False, description="The overview begins with a few steps for somebody who sees it for the first time."
    )
    test_profile: bool = Field(
        False,
        description="Opens the interface the protocol's conformance kit needs, without authentication; refused "
        "unless the node listens on loopback.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("participant")
    @classmethod
    def _participant(cls, value: str) -> str:
        if not PARTICIPANT.fullmatch(value):
            raise ValueError("is no id of at most 200 letters, digits and . _ : / % -")
        return value

    @field_validator("origin")
    @classmethod
    def _origin(cls, value: str) -> str:
        origin = origin_of(value)
        if origin is None or value.rstrip("/").count("/") != 2 or "?" in value or "#" in value:
            raise ValueError("is not scheme://host or scheme://host:port and nothing more")
        return str(origin)

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: str) -> str:
        for text in _listed(value):
            try:
                ipaddress.ip_network(text)
            except ValueError:
                raise ValueError(f"holds {text!r}, which is no network such as 10.0.0.0/24") from None
        return value

    @field_validator("oidc_roles")
    @classmethod
    def _oidc_roles(cls, value: str) -> str:
        for text in _listed(value):
            name, equals, role = text.rpartition("=")
            if not (equals and name.strip() and role.strip() in PEOPLE):
                raise ValueError(f"holds {text!r}, which is not VALUE=ROLE with a role of {', '.join(PEOPLE)}")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        found = urlsplit(value)
        if value and (found.scheme not in {"http", "https"} or not found.hostname or found.query or found.fragment):
            raise ValueError("is no address of an OpenID provider, https://host or https://host/path")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, value: SecretStr) -> SecretStr:
        found = urlsplit(value.get_secret_value())
        if value.get_secret_value() and (
            found.scheme not in {"smtp", "smtps"} or not found.hostname or found.path.strip("/") or found.query
        ):
            raise ValueError("is no address of a mail server, smtps://user:password@host:465 or smtp://...:587")
        return value

    @field_validator("alert_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if value and not EMAIL.fullmatch(value):
            raise ValueError("is no e-mail address")
        return value

    @model_validator(mode="after")
    def _together(self) -> NodeSettings:
        problems = []
        if bool(self.smtp_url.get_secret_value()) != bool(self.alert_from):
            problems.append("smtp_url and alert_from: one without the other")
        if (self.tls_certificate is None) != (self.tls_key is None):
            problems.append("tls_certificate and tls_key: one without the other")
        if self.tls_certificate is not None and self.origin.startswith("http:"):
            problems.append("origin: is http although the node speaks TLS")
        if self.test_profile and not (is_loopback(self.host) and is_loopback(urlsplit(self.origin).hostname or "")):
            problems.append("test_profile: host and origin are not loopback, everybody could use it")
        is_local = is_loopback(urlsplit(self.origin).hostname or "")
        if self.origin.startswith("http:") and not is_local and not self.allow_private:
            problems.append("origin: is plain http, which only a closed network may use (allow_private)")
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_roles):
            problems.append("oidc_issuer: stands without oidc_client_id or oidc_roles, nobody could log in by it")
        provider = urlsplit(self.oidc_issuer)
        if provider.scheme == "http" and not (is_loopback(provider.hostname or "") or self.allow_private):
            problems.append("oidc_issuer: is plain http, which only a closed network may use (allow_private)")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def proxy_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of `trusted_proxies`."""
        return tuple(ipaddress.ip_network(text) for text in _listed(self.trusted_proxies))

    @property
    def role_by_claim(self) -> dict[str, str]:
        """Role by the value of the provider's claim, in the order given."""
        pairs = (text.rpartition("=") for text in _listed(self.oidc_roles))
        return {name.strip(): role.strip() for name, _, role in pairs}

    @property
    def is_tls(self) -> bool:
        """Whether the node itself speaks TLS."""
        return self.tls_certificate is not None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(folder: Path, environ: Mapping[str, str]) -> NodeSettings:
    """Read ``node.toml`` in a folder; the environment overrides it.

    Parameters
    ----------
    folder : the node's folder; relative paths in the settings are relative to it.
    environ : the environment, usually ``os.environ``.

    Raises
    ------
    DataError
        With every fault: unknown names, values that are not allowed, settings that contradict each other.
    InputError
        When the file is missing or cannot be read.
    """
    path = folder / FILE_NAME
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. `sealane node init` makes a node's folder.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML: {error}. Correct it at the place named.") from None
    return make_settings(given, environ, str(path), folder)


def make_settings(
    given: Mapping[str, Any], environ: Mapping[str, str], source: str, folder: Path | None = None
) -> NodeSettings:
    """Make settings of values given and of the environment, which wins; faults name where the value came from.

    Raises
    ------
    DataError
        With every fault.
    """
    values = dict(given)
    origin_of = dict.fromkeys(values, source)
    faults = [_unknown(name, source, "") for name in values if name not in NodeSettings.model_fields]
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in NodeSettings.model_fields or variable != variable.upper():
            faults.append(_unknown(name, f"environment variable {variable}", PREFIX))
            continue
        values[name] = text
        origin_of[name] = f"environment variable {variable},"
    known = {name: value for name, value in values.items() if name in NodeSettings.model_fields}
    try:
        settings = NodeSettings.model_validate(known)
    except ValidationError as error:
        faults += [fault for item in error.errors() for fault in _faults_of(item, origin_of, source)]
        raise DataError("The node's settings cannot be used.", faults) from None
    if faults:
        raise DataError("The node's settings cannot be used.", faults)
    if folder is None:
        return settings
    paths = {key: folder / value for key in PATHS if (value := getattr(settings, key))}
    return settings.model_copy(update=paths)


def _unknown(name: str, source: str, prefix: str) -> Fault:
    near = difflib.get_close_matches(name, NodeSettings.model_fields, n=1)
    shown = (prefix + near[0].upper() if prefix else near[0]) if near else ""
    remedy = f"Did you mean {shown}?" if near else "The settings page lists all names."
    return Fault(source if prefix else f"{source} {name}", "there is no such setting", remedy)


def _faults_of(item: Any, origin_of: Mapping[str, str], source: str) -> list[Fault]:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:  # settings that contradict each other
        found = [text.partition(": ") for text in message.split("; ")]
        return [Fault(f"{source} {names}", what, _remedy(names.partition(" ")[0])) for names, _, what in found]
    name = str(item["loc"][0])
    if item["type"] == "missing":
        return [Fault(f"{source} {name}", "is missing", _remedy(name))]
    return [Fault(f"{origin_of.get(name, source)} {name}", message[0].lower() + message[1:], _remedy(name))]


def _remedy(name: str) -> str:
    return NodeSettings.model_fields[name].description or ""


def settings_text(given: Mapping[str, Any]) -> str:
    """Return a ``node.toml`` with the values given; every other setting stands in it as a comment with its default."""
    lines = ["# Settings of this node. An environment variable SEALANE_<NAME> goes before the value here.", ""]
    for name, field in NodeSettings.model_fields.items():
        lines += [f"# {line}" for line in _wrapped(field.description or "")]
        if given.get(name) is not None:
            lines.append(f"{name} = {_toml(given[name])}")
        elif field.is_required():
            raise InputError(f"{name}: is missing. {field.description}")
        else:
            lines.append(f"#{name} = {_toml(plain_default(name))}")
        lines.append("")
    return "\n".join(lines)


def plain_default(name: str) -> Any:
    """Return a setting's default as it would be written; None has no form in TOML and becomes an empty text."""
    default = NodeSettings.model_fields[name].default
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    return "" if default is None else default


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A JSON string is a TOML basic string as long as nothing beyond TOML's escapes is in it.
    return str(value) if isinstance(value, int | float) else json.dumps(str(value), ensure_ascii=False)


def _wrapped(text: str, width: int = 110) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def settings_page() -> str:
    """Return the reference page of all settings, as Markdown."""
    parts = [
        "# Node settings",
        "",
        f"They stand in `{FILE_NAME}` in the node's folder; the environment goes before it. A name that is not listed",
        "here is refused, in the file and in the environment, and the message names the nearest one.",
        "",
        "| setting | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in NodeSettings.model_fields.items():
        default = "required" if field.is_required() else _shown_default(name)
        parts.append(f"| `{name}` | `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    parts += [
        "",
        "Relative paths are relative to the node's folder. `SEALANE_NODE` is the folder itself, for every command that",
        "takes `--node`. A password of PostgreSQL can also stay out of the address: libpq's `PGPASSFILE` is honoured.",
    ]
    return "\n".join(parts) + "\n"


def _shown_default(name: str) -> str:
    default = plain_default(name)
    return "empty" if default == "" else f"`{_toml(default)}`"
