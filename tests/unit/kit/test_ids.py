"""Identifiers that are made from names."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from checkout.kit.ids import named


@given(st.uuids(), st.text(st.characters(blacklist_categories=("Cs",)), max_size=80))
def test_a_named_uuid_is_version_5(namespace: uuid.UUID, name: str) -> None:
    """If this fails, a SKU's first stock is received again by whoever wrote it with an older version."""
    assert named(namespace, name) == uuid.uuid5(namespace, name)
