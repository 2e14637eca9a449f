"""Texts of a given form: the pattern for machines, the words for people."""

from msgspec import Meta

_WORDS: dict[str, str] = {}


def form(pattern: str, words: str, *, max_length: int | None = None) -> Meta:
    """What a text must look like. Shape: `words` follow "Give" in a problem document, and say what to send."""
    _WORDS[repr(pattern)] = words
    return Meta(pattern=pattern, description=f"{words[0].upper()}{words[1:]}.", max_length=max_length)


def words_for(message: str) -> str:
    """msgspec's message about a text, in words where the form has some: a pattern tells a person nothing."""
    _, found, pattern = message.partition("matching regex ")
    words = _WORDS.get(pattern) if found else None
    return message if words is None else f"Give {words}"
