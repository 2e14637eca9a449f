"""Accounts in JSON for admins: what is asked, and what is answered."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from checkout.access.shape import RoleName
from checkout.orders.request import Email


class NewUser(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An account to be made. Its password is set by the link of the mail that it gets."""

    email: Email
    role: RoleName


class UserChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What to change of an account; either ends its sessions."""

    role: RoleName | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class User(msgspec.Struct, frozen=True):
    """An account. `verified_at`: when its address was proven; `disabled_at`: since when it may not sign in."""

    id: str
    email: str
    role: str
    verified_at: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    version: int


class Users(msgspec.Struct, frozen=True):
    """One page of accounts, newest first."""

    items: list[User]
    next_cursor: str | None


class Vendor(msgspec.Struct, frozen=True):
    """A vendor. `products`: how many products are its own, counted up to 10,000."""

    id: str
    email: str
    disabled_at: datetime | None
    created_at: datetime
    products: int


class Vendors(msgspec.Struct, frozen=True):
    """One page of vendors, newest first."""

    items: list[Vendor]
    next_cursor: str | None
