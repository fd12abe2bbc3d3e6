"""What the form of a connection asks for, by type: names and hints of the fields, those of ``extra`` among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from orchestration.authoring.hook_table import HOOKS


@dataclass(frozen=True, slots=True)
class Extra:
    """One member of ``extra``. ``is_secret``: typed and never shown. ``kind``: text, number or flag."""

    name: str
    title: str
    help: str = ""
    kind: str = "text"
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionType:
    """One type: its title, other names of the columns, hints, columns that it does not use, members of ``extra``."""

    title: str
    help: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    extra: tuple[Extra, ...] = ()


_TLS: Final = Extra("sslmode", "SSL mode", "disable, require, verify-ca or verify-full")
_TIMEOUT: Final = Extra("timeout", "Timeout", "Seconds", "number")

#: Types by their name in ``conn_type``. Any other name can be typed as well.
TYPES: Final[Mapping[str, ConnectionType]] = {
    "aws": ConnectionType(
        "Amazon Web Services",
        names={"login": "Access key id", "password": "Secret access key"},
        unused=("host", "schema", "port"),
        extra=(
            Extra("region_name", "Region", "eu-central-1"),
            Extra("role_arn", "Role ARN"),
            Extra("endpoint_url", "Endpoint"),
        ),
    ),
    "docker": ConnectionType("Docker registry", names={"host": "Registry URL"}, unused=("schema",)),
    "email": ConnectionType("Email", unused=("schema",)),
    "fs": ConnectionType(
        "File system",
        "A folder on the machines that run tasks.",
        unused=("host", "schema", "login", "password", "port"),
        extra=(Extra("path", "Folder", "/data/incoming"),),
    ),
    "ftp": ConnectionType("FTP", hints={"port": "21"}, unused=("schema",)),
    "generic": ConnectionType("Generic", "For a system that has no type of its own."),
    "google_cloud_platform": ConnectionType(
        "Google Cloud",
        unused=("host", "schema", "login", "password", "port"),
        extra=(
            Extra("project", "Project id"),
            Extra("key_path", "Key file", "Path on the machines that run tasks"),
            Extra("keyfile_dict", "Key, as JSON", is_secret=True),
        ),
    ),
    "http": ConnectionType(
        "HTTP",
        names={"schema": "Scheme"},
        hints={"host": "api.example.com", "schema": "https", "port": "443"},
    ),
    "kafka": ConnectionType(
        "Apache Kafka",
        unused=("host", "schema", "login", "password", "port"),
        extra=(
            Extra("bootstrap.servers", "Servers", "broker:9092"),
            Extra("group.id", "Group"),
            Extra("security.protocol", "Protocol"),
        ),
    ),
    "mongo": ConnectionType(
        "MongoDB", names={"schema": "Database"}, hints={"port": "27017"}, extra=(Extra("ssl", "TLS", kind="flag"),)
    ),
    "mssql": ConnectionType("Microsoft SQL Server", names={"schema": "Database"}, hints={"port": "1433"}),
    "mysql": ConnectionType(
        "MySQL",
        names={"schema": "Database"},
        hints={"port": "3306"},
        extra=(Extra("charset", "Character set", "utf8mb4"),),
    ),
    "oracle": ConnectionType(
        "Oracle",
        names={"schema": "Schema"},
        hints={"port": "1521"},
        extra=(Extra("service_name", "Service name"), Extra("sid", "SID")),
    ),
    "package_index": ConnectionType(
        "Python package index",
        names={"host": "Index URL"},
        hints={"host": "https://pypi.org/simple"},
        unused=("schema", "port"),
    ),
    "postgres": ConnectionType(
        "PostgreSQL", names={"schema": "Database"}, hints={"host": "db.example.com", "port": "5432"}, extra=(_TLS,)
    ),
    "redis": ConnectionType(
        "Redis", hints={"port": "6379"}, unused=("schema",), extra=(Extra("db", "Database number", "0", "number"),)
    ),
    "sftp": ConnectionType("SFTP", hints={"port": "22"}, unused=("schema",), extra=(Extra("key_file", "Key file"),)),
    "slack": ConnectionType("Slack", names={"password": "API token"}, unused=("host", "schema", "login", "port")),
    "smtp": ConnectionType(
        "SMTP",
        hints={"host": "mail.example.com", "port": "587"},
        unused=("schema",),
        extra=(
            Extra("from_email", "Sender"),
            Extra("disable_ssl", "Without SSL", kind="flag"),
            Extra("disable_tls", "Without STARTTLS", kind="flag"),
            _TIMEOUT,
            Extra("retry_limit", "Attempts", kind="number"),
        ),
    ),
    "snowflake": ConnectionType(
        "Snowflake",
        unused=("port",),
        extra=(
            Extra("account", "Account"),
            Extra("warehouse", "Warehouse"),
            Extra("database", "Database"),
            Extra("role", "Role"),
        ),
    ),
    "spark": ConnectionType(
        "Apache Spark",
        names={"host": "Master"},
        unused=("schema", "login", "password"),
        extra=(Extra("queue", "Queue"), Extra("deploy-mode", "Deploy mode")),
    ),
    "sqlite": ConnectionType(
        "SQLite",
        names={"host": "File"},
        hints={"host": "/data/base.db"},
        unused=("schema", "login", "password", "port"),
    ),
    "ssh": ConnectionType(
        "SSH",
        hints={"port": "22"},
        unused=("schema",),
        extra=(Extra("key_file", "Key file"), Extra("private_key", "Private key", is_secret=True), _TIMEOUT),
    ),
    "trino": ConnectionType("Trino", names={"schema": "Catalog"}, hints={"port": "8080"}),
}


def described() -> dict[str, dict[str, Any]]:
    """The types as JSON-able values for the form; ``has_hook`` says that tasks here find a hook for it."""
    return {name: {**asdict(kind), "has_hook": name in HOOKS} for name, kind in TYPES.items()}
