"""Stripe's documented test payment methods, and what each does.

Source: https://docs.stripe.com/testing
"""

import msgspec


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A test card. `decline` is (code, decline code); `challenge` asks the shopper first, `late_decline` refuses after."""

    brand: str = "visa"
    last4: str = "4242"
    funding: str = "credit"
    country: str = "US"
    challenge: bool = False
    decline: tuple[str, str] | None = None


_GENERIC = ("card_declined", "generic_decline")
_DECLINES: dict[str, tuple[tuple[str, str], str]] = {
    "chargeDeclined": (_GENERIC, "0002"),
    "chargeDeclinedInsufficientFunds": (("card_declined", "insufficient_funds"), "9995"),
    "chargeDeclinedLostCard": (("card_declined", "lost_card"), "9987"),
    "chargeDeclinedStolenCard": (("card_declined", "stolen_card"), "9979"),
    "chargeDeclinedExpiredCard": (("expired_card", "expired_card"), "0069"),
    "chargeDeclinedIncorrectCvc": (("incorrect_cvc", "incorrect_cvc"), "0127"),
    "chargeDeclinedProcessingError": (("processing_error", "processing_error"), "0119"),
    "chargeDeclinedVelocityLimitExceeded": (("card_declined", "card_velocity_exceeded"), "6975"),
    "chargeDeclinedFraudulent": (("card_declined", "fraudulent"), "0019"),
}

MESSAGES: dict[str, str] = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too frequently or exceeding its "
    "amount limit.",
}
DECLINED = "Your card was declined."


def _table() -> dict[str, Card]:
    cards = {
        "pm_card_visa": Card(),
        "pm_card_visa_debit": Card(last4="5556", funding="debit"),
        "pm_card_mastercard": Card(brand="mastercard", last4="4444"),
        "pm_card_mastercard_debit": Card(brand="mastercard", last4="8210", funding="debit"),
        "pm_card_mastercard_prepaid": Card(brand="mastercard", last4="5100", funding="prepaid"),
        "pm_card_amex": Card(brand="amex", last4="8431"),
        "pm_card_discover": Card(brand="discover", last4="1117"),
        "pm_card_diners": Card(brand="diners", last4="0004"),
        "pm_card_jcb": Card(brand="jcb", last4="0505"),
        "pm_card_unionpay": Card(brand="unionpay", last4="0005"),
        "pm_card_authenticationRequired": Card(last4="3184", challenge=True),
        "pm_card_authenticationRequiredOnSetup": Card(last4="3155", challenge=True),
        "pm_card_threeDSecure2Required": Card(last4="3220", challenge=True),
        "pm_card_threeDSecureRequired": Card(last4="3063", challenge=True),
        "pm_card_threeDSecureOptional": Card(last4="3055"),
        "pm_card_threeDSecureRequiredChargeDeclined": Card(last4="8459", challenge=True, decline=_GENERIC),
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": Card(
            last4="8260", challenge=True, decline=("card_declined", "insufficient_funds")
        ),
        "pm_card_chargeCustomerFail": Card(last4="0341", decline=_GENERIC),
        "pm_card_radarBlock": Card(last4="0019", decline=("card_declined", "fraudulent")),
    }
    for country, last4 in {
        "us": "4242", "de": "0016", "fr": "0003", "gb": "0000", "in": "0008", "jp": "0003", "ca": "0000",
        "es": "0007", "it": "0008", "nl": "0002", "at": "0008", "ch": "0009", "au": "0006", "br": "0024",
    }.items():  # fmt: skip
        cards[f"pm_card_{country}"] = Card(last4=last4, country=country.upper())
    for suffix, (decline, last4) in _DECLINES.items():
        for prefix in ("pm_card_", "pm_card_visa_"):
            cards[prefix + suffix] = Card(last4=last4, decline=decline)
    return cards


CARDS = _table()
