"""`/v1/admin/products/{id}/images/uploads`: an address that takes one picture, which the shop never sees."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Conflict
from checkout.images.presign import Key, presigned
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.db import Pool
from checkout.kit.ids import uuid7
from checkout.kit.routes import Route
from checkout.products import store
from checkout.products.http import id_of, route
from config import limits
from config.settings import Settings

ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/avif": "avif",
    "image/gif": "gif",
}
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"]


class UploadRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What will be uploaded: its type and its exact size in bytes."""

    content_type: ContentType
    bytes: Annotated[int, msgspec.Meta(ge=1, le=limits.UPLOAD_MAX_BYTES)]


class Upload(msgspec.Struct, frozen=True):
    """Send the picture to `url` with this method and these header fields before it expires; then give `image_url` as the
    product's image."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_at: datetime
    image_url: str


_decoder = msgspec.json.Decoder(UploadRequest)


class Bucket:
    """Where pictures are uploaded to, and where they are read from."""

    def __init__(self, settings: Settings) -> None:
        self._key = Key(settings.s3_access_key, settings.s3_secret_key, settings.s3_region)
        self._address = f"{settings.s3_endpoint}/{settings.s3_bucket}"
        self.is_there = bool(settings.s3_endpoint and settings.s3_bucket)
        self.public = settings.s3_public_url or (self._address if self.is_there else "")

    def upload(self, name: str, wanted: UploadRequest, at: datetime) -> Upload:
        """An address that takes this picture under this name. Raises: Conflict `uploads_off`. Cost: no I/O."""
        if not self.is_there:
            raise Conflict(
                "This shop has no store for uploaded pictures; give their addresses.", code="uploads_off"
            )
        headers = {"Content-Type": wanted.content_type, "Content-Length": str(wanted.bytes)}
        url = presigned(
            "PUT", f"{self._address}/{name}", self._key,
            at=at, expires_s=limits.UPLOAD_WINDOW_S, headers=headers,
        )  # fmt: skip
        expires_at = at + timedelta(seconds=limits.UPLOAD_WINDOW_S)
        return Upload("PUT", url, headers, expires_at, f"{self.public}/{name}")


def routes(pool: Pool, bucket: Bucket, *, permit: Permit) -> list[Route]:
    """The route of uploads."""

    async def upload(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        wanted = await body.read(req, _decoder)
        product = await store.read(pool, id_of(req), grant.owner)
        name = f"products/{product['id']}/{uuid7()}.{ENDINGS[wanted.content_type]}"
        made = bucket.upload(name, wanted, datetime.now(UTC).replace(microsecond=0))
        return answer(msgspec.to_builtins(made), status=201)

    return [
        route("POST", "/v1/admin/products/{id}/images/uploads", upload, "An address that takes one picture", "write",
              request=UploadRequest, response=Upload, status=201, problems=("uploads_off",)),
    ]  # fmt: skip
