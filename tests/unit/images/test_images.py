"""Addresses of pictures: signed ones that take uploads, and those that a CDN serves."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from checkout.errors import Conflict
from checkout.images.cdn import WIDTHS, Pictures
from checkout.images.http import Bucket, UploadRequest
from checkout.images.presign import Key, presigned
from config import limits
from config.settings import Settings

# The example of AWS's documentation of query-string authentication.
EXAMPLE = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
WHEN = datetime(2013, 5, 24, tzinfo=UTC)


def test_the_documented_example_is_signed_alike() -> None:
    """If this fails, every store refuses our addresses."""
    url = presigned(
        "GET", "https://examplebucket.s3.amazonaws.com/test.txt", EXAMPLE, at=WHEN, expires_s=86400
    )
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_a_signature_is_good_for_what_was_asked_alone() -> None:
    """If this fails, an address for one small picture takes another object, type or size."""
    url = "https://store.example/bucket/products/1.jpg"
    headers = {"Content-Type": "image/jpeg", "Content-Length": "100"}

    def signature(method: str = "PUT", address: str = url, key: Key = EXAMPLE, **fields: str) -> str:
        made = presigned(method, address, key, at=WHEN, expires_s=60, headers=headers | fields)
        return parse_qs(urlsplit(made).query)["X-Amz-Signature"][0]

    made = {
        signature(),
        signature("GET"),
        signature(address=url + "x"),
        signature(key=Key(EXAMPLE.id, "another", EXAMPLE.region)),
        signature(key=Key(EXAMPLE.id, EXAMPLE.secret, "eu-central-1")),
        signature(**{"Content-Type": "text/html"}),
        signature(**{"Content-Length": "101"}),
    }
    assert len(made) == 7
    assert signature() == signature()
    signed = parse_qs(urlsplit(presigned("PUT", url, EXAMPLE, at=WHEN, expires_s=60, headers=headers)).query)
    assert signed["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]


def test_an_upload_is_offered_where_a_store_is_configured() -> None:
    """If this fails, uploads end nowhere, or their pictures cannot be shown."""
    wanted = UploadRequest("image/webp", 1000)
    with pytest.raises(Conflict, match="no store"):
        Bucket(Settings()).upload("a.webp", wanted, WHEN)
    settings = msgspec.structs.replace(
        Settings(), s3_endpoint="https://s3.example", s3_bucket="shop", s3_access_key="id", s3_secret_key="secret",
        s3_region="eu", s3_public_url="https://pictures.example",
    )  # fmt: skip
    made = Bucket(settings).upload("products/a.webp", wanted, WHEN)
    assert made.url.startswith("https://s3.example/shop/products/a.webp?")
    assert "secret" not in made.url
    assert made.image_url == "https://pictures.example/products/a.webp"
    assert made.headers == {"Content-Type": "image/webp", "Content-Length": "1000"}
    assert (made.expires_at - WHEN).total_seconds() == limits.UPLOAD_WINDOW_S


IMAGE = {"url": "https://pictures.example/a/b.jpg", "alt": "A scarf"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://cdn.example", "https://cdn.example/a/b.jpg?width=320"),
        ("https://cdn.example/w{width}", "https://cdn.example/w320/a/b.jpg"),
        ("https://cdn.example{path}?w={width}&fit=max", "https://cdn.example/a/b.jpg?w=320&fit=max"),
        (
            "https://shop.example/cdn-cgi/image/width={width}/{url}",
            "https://shop.example/cdn-cgi/image/width=320/https%3A%2F%2Fpictures.example%2Fa%2Fb.jpg",
        ),
    ],
)
def test_a_cdn_gives_an_address_for_each_width(template: str, expected: str) -> None:
    """If this fails, phones load pictures made for walls."""
    shown = Pictures(template).shown(IMAGE)
    assert shown["widths"]["320"] == expected
    assert list(shown["widths"]) == [str(width) for width in WIDTHS]
    assert (shown["url"], shown["alt"]) == (shown["widths"]["1920"], "A scarf")


def test_pictures_from_elsewhere_keep_their_address() -> None:
    """If this fails, a picture on another host is asked of a CDN that does not have it."""
    assert Pictures("").shown(IMAGE) == IMAGE
    assert not Pictures("")
    pictures = Pictures("https://cdn.example", origin="https://pictures.example")
    other = {"url": "https://pictures.example.evil/a.jpg", "alt": ""}
    assert pictures.shown(other) == other
    assert "widths" in pictures.shown(IMAGE)
    plain = Pictures("https://cdn.example{path}").shown(IMAGE)
    assert plain == {"url": "https://cdn.example/a/b.jpg", "alt": "A scarf"}
    asked = Pictures("https://cdn.example").shown({"url": "https://pictures.example/a.jpg?v=2", "alt": ""})
    assert asked["widths"]["160"] == "https://cdn.example/a.jpg?v=2&width=160"
