"""Addresses of pictures as shoppers get them: from the CDN, in several widths.

Guarantee (held by tests/unit/images): without a CDN every picture keeps the address that it was given.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

WIDTHS = (160, 320, 640, 960, 1280, 1920)
"""Units: pixels."""


class Pictures:
    """Rewrites addresses by a template.

    Shape: the template is the CDN's address with any of `{url}` (the picture's whole address, encoded), `{path}` (its path
    and query, with the leading slash) and `{width}`; without any of them it is put before the path, and the width becomes
    the parameter `width`. A template without `{url}` knows only what lies below `origin`, where that is set.
    """

    def __init__(self, template: str = "", *, origin: str = "") -> None:
        if template and "{url}" not in template and "{path}" not in template:
            template = template.rstrip("/") + "{path}" + ("" if "{width}" in template else "?width={width}")
        self._template = template
        self._origin = origin.rstrip("/") + "/" if origin else ""
        self._has_widths = "{width}" in template

    def __bool__(self) -> bool:
        return bool(self._template)

    def shown(self, image: Mapping[str, Any]) -> dict[str, Any]:
        """The picture as documents have it: `url`, `alt`, and with a CDN `widths`, an address by width."""
        url = image["url"]
        if not self._template or not self._knows(url):
            return dict(image)
        if not self._has_widths:
            return {**image, "url": self._address(url, None)}
        widths = {str(width): self._address(url, width) for width in WIDTHS}
        return {**image, "url": widths[str(WIDTHS[-1])], "widths": widths}

    def all_shown(self, images: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The pictures of a product."""
        return [self.shown(image) for image in images]

    def _knows(self, url: str) -> bool:
        return "{url}" in self._template or not self._origin or url.startswith(self._origin)

    def _address(self, url: str, width: int | None) -> str:
        parts = urlsplit(url)
        path, template = parts.path or "/", self._template
        if parts.query:  # the picture has parameters of its own: ours follow them
            path, template = f"{path}?{parts.query}", template.replace("{path}?", "{path}&")
        return (
            template.replace("{url}", quote(url, safe=""))
            .replace("{path}", path)
            .replace("{width}", str(width or ""))
        )
