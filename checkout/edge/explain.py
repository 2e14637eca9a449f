"""How an error code is explained: to the shopper, to the operator and to the developer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """One code. Shape: `status` is the HTTP status it comes with."""

    status: int
    meaning: str
    shopper: str
    operator: str
    developer: str


NOTHING = "Nothing."
FIX = "Mend the request; sending it again unchanged gives the same answer."
AGAIN = "Send the same request again after Retry-After, with the same Idempotency-Key where it has one."
WAIT = "Wait a moment and try again."


def mistake(
    status: int, meaning: str, shopper: str = "Correct the entry.", developer: str = FIX
) -> Explained:
    """What the caller got wrong."""
    return Explained(status, meaning, shopper, NOTHING, developer)


def state(status: int, meaning: str, shopper: str, developer: str) -> Explained:
    """True at another moment."""
    return Explained(status, meaning, shopper, NOTHING, developer)


def away(meaning: str, operator: str, developer: str = AGAIN) -> Explained:
    """Something of ours is in the way."""
    return Explained(503, meaning, WAIT, operator, developer)
