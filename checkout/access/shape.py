"""Roles, API keys and the audit log in JSON: what is asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from checkout.kit.form import form
from config import limits

Permission = Annotated[
    str,
    form(
        r"^(all|own):(\*|[a-z]+(-[a-z]+)*):(\*|[a-z]+(-[a-z]+)*)(?!\n)$",
        "a permission as scope:resource:action, such as own:products:write; * is every resource or action",
        max_length=limits.TEXT_MAX_CHARS,
    ),
]
Permissions = Annotated[list[Permission], msgspec.Meta(max_length=limits.PERMISSIONS_MAX)]
RoleName = Annotated[
    str,
    form(
        r"^[a-z][a-z0-9-]{1,31}(?!\n)$",
        "a name of small letters, digits and -, such as warehouse",
        max_length=32,
    ),
]
Title = Annotated[str, msgspec.Meta(max_length=limits.TEXT_MAX_CHARS)]
KeyName = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]


class RoleTerms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a role is called, and what its accounts may do."""

    permissions: Permissions
    title: Title = ""


class NewRole(RoleTerms, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A role to be made."""

    name: RoleName


class Role(msgspec.Struct, frozen=True):
    """A role. `built_in`: it belongs to the shop and cannot be deleted."""

    name: str
    title: str
    permissions: list[str]
    built_in: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Roles(msgspec.Struct, frozen=True):
    """One page of roles, by name."""

    items: list[Role]
    next_cursor: str | None


class KnownPermissions(msgspec.Struct, frozen=True):
    """Every `resource:action` that some route asks for."""

    items: list[str]


class KeyTerms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What an API key is for, what it may do, and until when; without `expires_at` until it is revoked."""

    name: KeyName
    permissions: Annotated[list[Permission], msgspec.Meta(min_length=1, max_length=limits.PERMISSIONS_MAX)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """An API key. Shape: `prefix` is how it begins; `account_id` whose it is; `last_used_at` is up to a minute behind."""

    id: str
    name: str
    prefix: str
    permissions: list[str]
    account_id: str
    version: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """A new API key. `secret` is the key itself: it is shown this once."""

    secret: str


class ApiKeys(msgspec.Struct, frozen=True):
    """One page of API keys, newest first."""

    items: list[ApiKey]
    next_cursor: str | None


class LogEntry(msgspec.Struct, frozen=True):
    """An admin's action. Shape: `actor` is an account's id, or `key:` and an API key's id."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any


class LogPage(msgspec.Struct, frozen=True):
    """One page of the audit log, newest first."""

    items: list[LogEntry]
    next_cursor: str | None
