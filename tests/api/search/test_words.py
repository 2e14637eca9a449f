"""What words find: accents, places, misspellings, codes, and texts that are no words at all."""

from urllib.parse import quote

import msgspec

from checkout.catalog.model import ProductDraft, VariantDraft
from checkout.catalog.write import upsert_products
from checkout.search import shape
from tests.api.catalog.conftest import Shelf


async def found(shelf: Shelf, q: str, **more: str) -> list[str]:
    """Slugs of the first page, in order."""
    extra = "".join(f"&{name}={value}" for name, value in more.items())
    return [item["slug"] for item in (await shelf.read(f"/v1/products?q={quote(q)}{extra}"))["items"]]


async def test_accents_case_and_signs_do_not_matter(words: Shelf) -> None:
    """If it fails, a shopper without the right keys on the keyboard finds nothing."""
    for q in ("café", "cafe", "CAFÉ", "creme bowl", "bowl, crème!", "breakfast café", "été cafe"):
        assert await found(words, q) == ["cafe"], q


async def test_a_misspelt_or_begun_word_finds(words: Shelf) -> None:
    """If it fails, one wrong letter turns a buyer away."""
    for q, slug in {
        "mugg classic": "mug-classic", "claasic mug": "mug-classic", "tall galss": "tall-glass", "drinkign": "tall-glass",
        "zebr": "zebra", "muller son": "tall-glass", "чайник": "russian", "glasses": "tall-glass",
    }.items():  # fmt: skip
        assert slug in await found(words, q), q


async def test_what_was_read_otherwise_is_said(words: Shelf) -> None:
    """If it fails, a shopper wonders why other words were found than typed."""
    page = await words.read("/v1/products?q=zebraa")
    assert page["read_as"] == {"zebraa": ["zebra"]}
    assert (await words.read("/v1/products?q=zebra"))["read_as"] == {}
    assert (await words.read("/v1/products?q=qqqqwwww"))["items"] == []


async def test_titles_come_before_texts_and_the_very_title_first(words: Shelf) -> None:
    """If it fails, who looks for a zebra leafs through posters that mention one."""
    assert await found(words, "zebra") == ["zebra", "zebra-rug", "stripes"]
    assert await found(words, "zebra", sort="title") == ["stripes", "zebra", "zebra-rug"]


async def test_a_code_comes_first(words: Shelf) -> None:
    """If it fails, a scanned or copied code is lost among similar words."""
    await words.db.execute("UPDATE variants SET barcode = '4006381333931' WHERE sku = 'S-STRIPES'")
    assert (await found(words, "4006381333931"))[0] == "stripes"
    assert (await found(words, "s-zebra"))[0] == "zebra"
    assert (await found(words, "S-ZEBRA-RUG"))[0] == "zebra-rug"


TEXTS = (
    "'", '"', "o'neill", "a & b | !c", "(", "\\", ":*", "the of and", "😀", "%", "_", "''''", "<->", "1e999", "-1", "a:b",
    "\ufeff", "\u202e", "ﷺ", "x" * 100, "'a' & !'b'", "\\'", "NULL", "é" * 100,
)  # fmt: skip


async def test_any_text_is_a_question(words: Shelf) -> None:
    """If it fails, a sign in the search box ends in a 500."""
    for q in TEXTS:
        for path in (f"/v1/products?q={quote(q)}", f"/v1/products/suggestions?q={quote(q)}"):
            assert (await words.get(path))[0] == 200, q


async def test_what_is_no_text_is_refused(words: Shelf) -> None:
    """If it fails, ten kilobytes of nonsense reach Postgres, or a NUL is answered with a 500."""
    for q in ("%00", "a%00b", "%ff", "%ed%a0%80", "x" * 10_000, "a" * 101, "%F0%9F%98"):
        for path in (f"/v1/products?q={q}", f"/v1/products/suggestions?q={q}"):
            assert 400 <= (await words.get(path))[0] < 500, q


async def test_quotes_are_found_by_their_words(words: Shelf) -> None:
    """If it fails, a product with signs in its title cannot be found."""
    assert await found(words, "O'Neill's best 100%") == ["quote"]
    assert await found(words, "smile 😀") == ["emoji"]


async def test_documents_are_as_described(words: Shelf) -> None:
    """If it fails, the OpenAPI document says something else than the shop."""
    for path, kind in (
        ("/v1/products?q=zebra&currency=EUR&price_min=1", shape.Listing),
        ("/v1/products?q=nothinglikeit", shape.Listing),
        ("/v1/products/suggestions?q=ze", shape.SuggestionLists),
    ):
        _, body, _ = await words.get(path)
        msgspec.json.decode(body, type=kind)


async def test_suggestions_begin_as_typed(words: Shelf) -> None:
    """If it fails, the box under the search field stays empty, or names what cannot be bought."""
    found = await words.read("/v1/products/suggestions?q=Zeb")
    assert [one["slug"] for one in found["products"]] == ["zebra", "zebra-rug"]
    found = await words.read("/v1/products/suggestions?q=cafe%20cr")
    assert [one["title"] for one in found["products"]] == ["Café crème bowl"]
    found = await words.read("/v1/products/suggestions?q=drink")
    assert [one["slug"] for one in found["products"]] == ["tall-glass"]
    assert (await words.read("/v1/products/suggestions?q=CLOTH"))["categories"][0]["slug"] == "clothing"
    await words.db.execute("UPDATE products SET status = 'draft' WHERE slug = 'zebra'")
    words.front.search.cache.flush()
    found = await words.read("/v1/products/suggestions?q=Zeb")
    assert [one["slug"] for one in found["products"]] == ["zebra-rug"]
    for wrong in ("", "?q=", "?q=a&sort=title", "?p=1", "?q=a&tag=x"):
        assert (await words.get(f"/v1/products/suggestions{wrong}"))[0] == 400


async def test_texts_are_taken_apart_at_every_sign(words: Shelf) -> None:
    """If it fails, two words with signs between them become one, or a title is sorted behind a blank."""
    for given, read in {
        "": "", " ": "", "a": "a", " a  b ": "a b", "a. b": "a b", "a .b": "a b", "a - b": "a b", "a--b": "a b", ".a.": "a",
        "Crème,\tbrûlée\r\n& Co.": "creme brulee co", "x y z": "x y z", "«a» b": "a b",
    }.items():  # fmt: skip
        assert await words.db.fetchval("SELECT search_text($1)", given) == read, given


async def test_what_is_long_or_nothing_but_signs_is_stored(words: Shelf) -> None:
    """If it fails, a product with a strange title cannot be written, or a term is longer than any that is asked for."""
    strange = [
        ProductDraft("signs", "?!", (VariantDraft("SIGNS-1", {}),), description="<p></p>"),
        ProductDraft("long", f"{'w' * 150} {'v' * 99}", (VariantDraft("LONG-1", {}),), tags=("x" * 200,)),
    ]
    await upsert_products(words.db, strange)
    terms = {
        row["slug"]: row["terms"]
        for row in await words.db.fetch(
            """SELECT slug, tsvector_to_array(terms) AS terms FROM product_search JOIN products ON id = product_id
               WHERE slug = ANY ('{signs,long}')"""
        )
    }
    assert set(terms["signs"]) == {"#SIGNS-1", "1", "==", "signs"}
    assert {"w" * 100, "=" + "w" * 99, "v" * 99, "=" + "v" * 99, "==" + "w" * 98, "x" * 100} <= set(
        terms["long"]
    )
    assert max(map(len, terms["long"])) == 100
