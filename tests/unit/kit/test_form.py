"""What a person is told of a text that has not the form."""

import msgspec
import pytest

from checkout.errors import Invalid
from checkout.kit import body
from checkout.orders.request import CheckoutRequest

_DECODER = msgspec.json.Decoder(CheckoutRequest)
GOOD = {
    "email": "ada@example.com",
    "currency": "EUR",
    "payment": {"provider": "stripe", "method": "pm_card_visa"},
}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"email": "ada"}, "email", "such as ada@example.com"),
        ({"email": "ada@example.com\n"}, "email", "such as ada@example.com"),
        ({"currency": "euro"}, "currency", "such as EUR"),
        (
            {"payment": {"provider": "stripe", "method": "4242424242424242"}},
            "payment.method",
            "never a card number",
        ),
    ],
)
def test_words_and_no_pattern(change: dict[str, object], field: str, words: str) -> None:
    """If this fails, a shopper is shown a regular expression instead of what to enter."""
    with pytest.raises(Invalid) as told:
        body.decode(msgspec.json.encode(GOOD | change), _DECODER)
    (found,) = told.value.errors
    assert found["field"] == field
    assert words in found["message"]
    assert "regex" not in found["message"]
