"""Variants from options: every combination, a SKU for each, whatever the words are."""

from hypothesis import given
from hypothesis import strategies as st

from checkout.catalog.attributes import Definition, canonical
from checkout.catalog.model import SKU, Price, ProductDraft, VariantDraft
from checkout.products.model import VariantTerms, combinations, differences, from_options, new_sku

words = st.text(min_size=1, max_size=30)
options = st.dictionaries(words, st.lists(words, min_size=1, max_size=4, unique=True), min_size=1, max_size=3)
TERMS = VariantTerms({"EUR": Price(100)})


@given(options, words)
def test_every_combination_has_a_sku_of_its_own(given_options: dict[str, list[str]], prefix: str) -> None:
    """If this fails, two variants share a SKU, or a shop with names in another script cannot make any."""
    made = from_options(prefix, given_options, TERMS)
    assert [variant.options for variant in made] == combinations(given_options)
    assert len({variant.sku for variant in made}) == len(made)
    assert all(SKU.fullmatch(variant.sku) for variant in made), [variant.sku for variant in made]


@given(options)
def test_making_them_again_makes_none(given_options: dict[str, list[str]]) -> None:
    """If this fails, adding a size makes all the others twice."""
    made = from_options("p", given_options, TERMS)
    assert from_options("p", given_options, TERMS, existing=made) == []
    assert len({v.sku for v in made + from_options("p", {"x": ["y"]}, TERMS, existing=made)}) >= len(made)


def test_skus_say_what_they_are() -> None:
    """If this fails, a picker cannot read what a SKU is."""
    assert new_sku("linen-shirt", {"size": "M", "colour": "deep blue"}, ()) == "LINEN-SHIRT-M-DEEP-BLUE"
    assert new_sku("tee", {"size": "M"}, {"TEE-M"}) == "TEE-M-2"
    assert new_sku("tee", {"size": "M"}, {"tee-m", "TEE-M-2"}) == "TEE-M-3"
    assert new_sku("", {"farbe": "grün"}, ()) == "SKU-GRUN"
    assert len(new_sku("p" * 200, {"size": "s" * 200}, ())) <= 64


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4, allow_nan=False))
def test_a_number_has_one_spelling(number: object) -> None:
    """If this fails, one size is two values of a filter."""
    definition = Definition("length", "number")
    once = canonical(definition, f"{number:f}")
    assert once is not None
    assert canonical(definition, once) == once
    assert float(once) == float(f"{number:f}")
    assert once != "-0"
    assert canonical(definition, "00" + f"{number:f}".lstrip("-")) == once.lstrip("-")


def test_only_what_differs_is_logged() -> None:
    """If this fails, the audit log repeats whole products, and nobody finds what was changed."""
    variant = {"sku": "A", "item_id": 1, "on_hand": 5, "reserved": 0, "list_prices": {}, "weight_g": 1}
    before = {"id": 1, "version": 1, "updated_at": 0, "title": "x", "vendor": "v", "variants": [variant]}
    after = before | {"version": 2, "updated_at": 1, "variants": [variant | {"weight_g": 2, "on_hand": 4}]}
    assert differences(before, after) == (
        {"variants": {"A": {"weight_g": 1}}},
        {"variants": {"A": {"weight_g": 2}}},
    )
    assert differences(before, before | {"version": 9}) == (None, None)
    assert differences(None, before)[0] is None
    assert ProductDraft("s", "t", (VariantDraft("A", {}),)).status == "published"
