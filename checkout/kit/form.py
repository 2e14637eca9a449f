"""Texts of a given form: the pattern for machines, the words for people."""

from msgspec import Meta

_WORDS: dict[str, str] = {}
_NO_CODE = "Invalid enum value"
_CODES = {
    "country": "a country by its two capital letters, such as DE (ISO 3166)",
    "currency": "a currency by its three capital letters, such as EUR (ISO 4217)",
}


def form(pattern: str, words: str, *, max_length: int | None = None) -> Meta:
    """What a text must look like. Shape: `words` follow "Give" in a problem document, and say what to send."""
    if pattern.endswith("$"):
        pattern += r"(?!\n)"  # Python's $ also matches before a last newline, Postgres's does not
    _WORDS[repr(pattern)] = words
    return Meta(pattern=pattern, description=f"{words[0].upper()}{words[1:]}.", max_length=max_length)


def words_for(message: str, name: str = "") -> str:
    """msgspec's message about the field `name`, in words where there are some: a pattern tells a person nothing."""
    _, found, pattern = message.partition("matching regex ")
    words = _WORDS.get(pattern) if found else _CODES.get(name) if message.startswith(_NO_CODE) else None
    return message if words is None else f"Give {words}"
