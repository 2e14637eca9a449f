"""Clean the HTML of product descriptions: a handful of harmless tags stay, everything else becomes text or goes.

Guarantee (held by tests/unit/catalog/test_markup.py): what comes out has no tag outside KEPT, no attribute but a link's
http(s) address, and no text that a browser could take for markup.
"""

import re
from html import escape
from html.parser import HTMLParser

KEPT = frozenset(["p", "br", "ul", "ol", "li", "strong", "b", "em", "i", "h2", "h3", "h4", "blockquote", "a"])
_EMPTY = frozenset({"br"})
_DROPPED = frozenset({"script", "style", "iframe", "object", "template", "noscript", "title", "head"})
_LINK = re.compile(r"^https?://[^\s\"'<>]+$", re.IGNORECASE)


class _Cleaner(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.open: list[str] = []
        self.dropping = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            self.dropping += 1
        elif tag in KEPT and not self.dropping:
            link = dict(attrs).get("href") if tag == "a" else None
            if tag == "a" and not (link and _LINK.match(link)):
                return
            self.parts.append(f'<a href="{escape(link)}" rel="nofollow">' if link else f"<{tag}>")
            if tag not in _EMPTY:
                self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self.dropping = max(0, self.dropping - 1)
        elif tag in self.open and not self.dropping:
            while self.open:
                last = self.open.pop()
                self.parts.append(f"</{last}>")
                if last == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.parts.append(escape(data, quote=False))


def clean(html: str) -> str:
    """The text with only the kept tags, all of them closed. Cost: linear."""
    cleaner = _Cleaner()
    cleaner.feed(html.replace("\0", ""))
    cleaner.close()
    cleaner.parts += [f"</{tag}>" for tag in reversed(cleaner.open)]
    return "".join(cleaner.parts).strip()
