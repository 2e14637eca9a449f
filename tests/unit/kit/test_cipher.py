"""Sealing: what opens, what does not, and what can be told from the outside."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.errors import Unavailable
from checkout.kit.cipher import OVERHEAD_BYTES, Cipher, Place

ONE, TWO, INDEX = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
PEOPLE = Place("people", frozenset({"profile"}))
OLD = Cipher([(1, ONE)], INDEX)
NEW = Cipher([(2, TWO), (1, ONE)], INDEX)
ROW = uuid.UUID(int=7)


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_and_tells_nothing(value: bytes) -> None:
    """If this fails, personal data is lost, or lies readable in the database."""
    sealed = OLD.seal_bytes("people", ROW, value)
    assert NEW.open_bytes("people", ROW, sealed) == value
    assert len(sealed) == len(value) + OVERHEAD_BYTES
    assert OLD.is_current(sealed)
    assert not NEW.is_current(sealed)
    again = OLD.seal_bytes("people", ROW, value)
    assert again[2:14] != sealed[2:14], "a nonce was used twice"
    if len(value) > 8:
        assert value not in sealed


@pytest.mark.parametrize(
    ("table", "row"), [("people", uuid.UUID(int=8)), ("orders", ROW), ("people", f"{ROW}x")]
)
def test_a_sealed_value_opens_only_where_it_was_sealed_for(table: str, row: uuid.UUID | str) -> None:
    """If this fails, who writes to the database puts one person's address on another one's account."""
    sealed = OLD.seal_bytes("people", ROW, b"Ada")
    with pytest.raises(Unavailable, match="does not open") as caught:
        OLD.open_bytes(table, row, sealed)
    assert caught.value.code == "key_missing"


@given(at=st.integers(0, OVERHEAD_BYTES + 2), bit=st.integers(0, 7))
def test_a_changed_value_does_not_open(at: int, bit: int) -> None:
    """If this fails, a disk that forgets a bit, or somebody who sets it, changes where a parcel goes."""
    sealed = bytearray(OLD.seal_bytes("people", ROW, b"Ada"))
    sealed[at] ^= 1 << bit
    with pytest.raises(Unavailable):
        OLD.open_bytes("people", ROW, bytes(sealed))


@given(st.binary(max_size=60), st.binary(max_size=20), st.binary(max_size=20))
def test_a_settled_seal_is_the_same_for_the_same_alone(value: bytes, salt: bytes, other: bytes) -> None:
    """If this fails, an edit that changes nothing changes the cart, or two values share a nonce and both are read."""
    sealed = OLD.seal_settled("carts", "*", value, salt=salt)
    assert OLD.open_bytes("carts", "*", sealed) == value
    assert OLD.seal_settled("carts", "*", value, salt=salt) == sealed
    for changed in (
        OLD.seal_settled("carts", "*", value + b"!", salt=salt),
        OLD.seal_settled("carts", "*", value, salt=salt + b"!" + other),
        NEW.seal_settled("carts", "*", value, salt=salt),
    ):
        assert changed[2:14] != sealed[2:14]


def test_a_key_that_is_not_at_hand_is_named() -> None:
    """If this fails, an operator who dropped a key too early does not learn which."""
    sealed = NEW.seal_bytes("people", ROW, b"Ada")
    with pytest.raises(Unavailable, match="no key 2"):
        OLD.open_bytes("people", ROW, sealed)
    assert (NEW.current, NEW.numbers) == (2, [2, 1])


def test_a_row_reads_the_same_plain_and_sealed() -> None:
    """If this fails, rows from before the sealing are lost, or a reader gets columns that it did not ask for."""
    person = {"email": "ada@example.com", "profile": {"name": "Ada"}}
    plain = {"id": ROW, "personal": None, "email": "ada@example.com", "profile": '{"name": "Ada"}'}
    sealed = {"id": ROW, "personal": OLD.seal(PEOPLE, ROW, person), "email": None, "profile": "{}"}
    assert NEW.opened(PEOPLE, plain, ROW) == NEW.opened(PEOPLE, sealed, ROW) == {"id": ROW} | person
    asked = {"personal": sealed["personal"], "email": None}
    assert OLD.opened(PEOPLE, asked, ROW) == {"email": "ada@example.com"}


def test_the_index_finds_an_address_and_needs_its_key() -> None:
    """If this fails, nobody can sign in after a rotation, or a list of addresses can be tried against a dump."""
    assert OLD.index("ada@example.com") == NEW.index("ada@example.com")
    assert len(OLD.index("ada@example.com")) == 16
    assert OLD.index("ada@example.com") != OLD.index("bob@example.com")
    assert OLD.index("ada@example.com") != Cipher([(1, ONE)], TWO).index("ada@example.com")
