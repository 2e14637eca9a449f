"""DHL Express's MyDHL API: rates, shipments with labels, tracking, pickups; Basic auth, errors as it words them.

Booking twice under one Message-Reference gives one shipment; with another body it is refused. MyDHL cannot cancel a
shipment that nobody hands over; what can be cancelled is its pickup.
Source: https://developer.dhl.com/api-reference/dhl-express-mydhl-api
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
from aiohttp import web

from checkout.sandbox import dhl_model as model
from checkout.sandbox.config import SandboxConfig
from checkout.sandbox.exchange import Answer, exchange
from checkout.sandbox.faults import Faults
from checkout.sandbox.label import Label, draw
from checkout.sandbox.store import Document, Store

_SCANS = {
    "booked": ("SA", "Shipment information received"),
    "in_transit": ("PU", "Shipment picked up"),
    "exception": ("OH", "Shipment is on hold"),
    "delivered": ("OK", "Delivered"),
}


class DhlError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, title: str, detail: str, more: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.more = status, title, detail, more


Operation = Callable[[web.Request, bytes], tuple[int, Document]]


class DhlApi:
    """The routes below /mydhlapi."""

    def __init__(
        self, store: Store, faults: Faults, config: SandboxConfig, announce: Callable[[Document], None]
    ) -> None:
        self._store, self._faults, self._announce = store, faults, announce
        self._account = config.dhl_account
        pair = f"{config.dhl_api_key}:{config.dhl_api_secret}"
        self._auth = "Basic " + base64.b64encode(pair.encode()).decode()

    def routes(self) -> list[web.RouteDef]:
        """Every route that the stand-in answers."""
        base = "/mydhlapi"
        return [
            web.post(f"{base}/shipments", self._handler("dhl.shipments.create", self._book)),
            web.get(f"{base}/shipments/{{n}}/tracking", self._handler("dhl.tracking", self._track)),
            web.post(f"{base}/rates", self._handler("dhl.rates", self._rates)),
            web.delete(f"{base}/pickups/{{n}}", self._handler("dhl.pickups.cancel", self._cancel)),
            web.get("/_sandbox/labels/{n}.pdf", self._label),
        ]

    async def move(self, number: str, status: str) -> bool:
        """A scan of a shipment, pushed to the shop. Raises: ValueError for an unknown status."""
        if status not in _SCANS:
            raise ValueError(f"{status!r} is not one of {', '.join(_SCANS)}")
        shipment = self._store.get("shipment", number)
        if shipment is None:
            return False
        code, words = _SCANS[status]
        shipment["status"] = status
        shipment["events"].append(_scan(code, words, shipment["city"]))
        self._save(shipment)
        event = {
            "id": f"dhl_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "type": "tracking",
            "shipments": [_tracked(shipment)],
        }
        self._store.put("event", event, parent="tracking")
        self._announce(event)
        await self._store.committed()
        return True

    def _handler(
        self, name: str, operation: Operation
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()

            async def work() -> Answer:
                try:
                    status, document = operation(request, body)
                except DhlError as error:
                    return _refusal(error, request.path)
                await self._store.committed()
                return Answer(status, orjson.dumps(document) if status != 204 else b"")

            def refuse(status: int) -> Answer:
                if status == 429:
                    return _refusal(DhlError(429, "Too Many Requests", "Rate limit exceeded"), request.path)
                return _refusal(
                    DhlError(500, "Internal Server Error", "Unable to process request"), request.path
                )

            if request.headers.get("Authorization") != self._auth:
                return _refusal(DhlError(401, "Unauthorized", "Invalid Credentials"), request.path).response()
            return await exchange(request, name, self._faults, work=work, refuse=refuse)

        return handle

    def _book(self, request: web.Request, body: bytes) -> tuple[int, Document]:
        reference = request.headers.get("Message-Reference", "")
        if not 28 <= len(reference) <= 36:
            raise DhlError(400, "Bad Request", "Message-Reference must have 28 to 36 characters")
        wanted = _decode(body, model.Shipment)
        now = datetime.now(UTC)
        problems = model.problems(wanted, account=self._account, now=now)
        if problems:
            raise DhlError(
                422, "Unprocessable Entity", "Multiple problems found, see Additional Details", problems
            )
        # The planned time moves with every try; the rest must not.
        rest = {**orjson.loads(body), "plannedShippingDateAndTime": None}
        digest = hashlib.blake2b(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()
        known = self._store.by_reference("shipment", reference)
        if known:
            if known[0]["digest"] != digest:
                raise DhlError(422, "Unprocessable Entity", "Message-Reference was used for another shipment")
            return 201, self._answer(known[0])
        shipment = self._new(wanted, reference, digest)
        self._store.put("shipment", shipment, reference=reference)
        if shipment["pickup"]:
            pickup = {"id": shipment["pickup"], "created": shipment["created"], "shipment": shipment["id"]}
            self._store.put("pickup", pickup)
        return 201, self._answer(shipment)

    def _new(self, wanted: model.Shipment, reference: str, digest: str) -> Document:
        number = str(10**9 + secrets.randbelow(9 * 10**9))[:10]
        while self._store.get("shipment", number) is not None:
            number = str(10**9 + secrets.randbelow(9 * 10**9))[:10]
        sender, receiver = wanted.customerDetails.shipperDetails, wanted.customerDetails.receiverDetails
        label = Label(
            tracking_number=number,
            product=model.PRODUCTS[wanted.productCode],
            reference=wanted.customerReferences[0].value if wanted.customerReferences else reference,
            sender=sender.lines(),
            receiver=receiver.lines(),
            weight_g=sum(round(package.weight * 1000) for package in wanted.content.packages),
            pieces=len(wanted.content.packages),
            shipped_on=wanted.plannedShippingDateAndTime[:10],
        )
        pickup = f"PRG{secrets.randbelow(10**12):012d}" if wanted.pickup.isRequested else None
        return {
            "id": number,
            "reference": reference,
            "digest": digest,
            "status": "booked",
            "created": int(time.time()),
            "pickup": pickup,
            "pieces": [f"JD0146000{number}{n:02d}" for n in range(len(wanted.content.packages))],
            "receiver": ", ".join(receiver.lines()),
            "city": sender.postalAddress.cityName,
            "product": wanted.productCode,
            "events": [_scan("SA", "Shipment information received", sender.postalAddress.cityName)],
            "label": msgspec.to_builtins(label),
        }

    def _answer(self, shipment: Document) -> Document:
        number = shipment["id"]
        label = draw(msgspec.convert(shipment["label"], Label))
        answer: Document = {
            "url": f"https://express.api.dhl.com/mydhlapi/shipments/{number}",
            "shipmentTrackingNumber": number,
            "trackingUrl": f"https://express.api.dhl.com/mydhlapi/shipments/{number}/tracking",
            "packages": [
                {"referenceNumber": n, "trackingNumber": piece, "trackingUrl": ""}
                for n, piece in enumerate(shipment["pieces"], 1)
            ],
            "documents": [
                {"imageFormat": "PDF", "content": base64.b64encode(label).decode(), "typeCode": "label"}
            ],
        }
        if shipment["pickup"]:
            answer["dispatchConfirmationNumber"] = shipment["pickup"]
            answer["cancelPickupUrl"] = f"https://express.api.dhl.com/mydhlapi/pickups/{shipment['pickup']}"
        return answer

    def _track(self, request: web.Request, body: bytes) -> tuple[int, Document]:
        shipment = self._store.get("shipment", request.match_info["n"])
        if shipment is None:
            raise DhlError(404, "Not Found", "No data found")
        return 200, {"shipments": [_tracked(shipment)]}

    def _rates(self, request: web.Request, body: bytes) -> tuple[int, Document]:
        wanted = _decode(body, model.Rates)
        problems = model.rate_problems(wanted, account=self._account)
        if problems:
            raise DhlError(
                422, "Unprocessable Entity", "Multiple problems found, see Additional Details", problems
            )
        shipper, receiver = wanted.customerDetails.shipperDetails, wanted.customerDetails.receiverDetails
        grams = sum(round(package.weight * 1000) for package in wanted.packages)
        abroad = shipper.countryCode != receiver.countryCode
        products = []
        for code, name, base_minor, per_kg_minor, days in model.offers(abroad):
            minor = base_minor + per_kg_minor * -(-grams // 1000)
            arrives = datetime.now(UTC) + timedelta(days=days)
            products.append(
                {
                    "productName": name,
                    "productCode": code,
                    "localProductCode": code,
                    "totalPrice": [
                        {"currencyType": "BILLC", "priceCurrency": "EUR", "price": _decimal(minor)},
                    ],
                    "deliveryCapabilities": {
                        "deliveryTypeCode": "QDDC",
                        "estimatedDeliveryDateAndTime": arrives.strftime("%Y-%m-%dT23:59:00"),
                        "totalTransitDays": str(days),
                    },
                }
            )
        return 200, {"products": products, "exchangeRates": []}

    def _cancel(self, request: web.Request, body: bytes) -> tuple[int, Document]:
        for name in ("requestorName", "reason"):
            if not request.query.get(name):
                raise DhlError(400, "Bad Request", f"{name} is required")
        pickup = request.match_info["n"]
        booked = self._store.get("pickup", pickup)
        found = self._store.get("shipment", booked["shipment"]) if booked else None
        if found is None:
            raise DhlError(404, "Not Found", f"Pickup {pickup} was not found")
        if found["status"] not in ("booked", "cancelled"):
            raise DhlError(422, "Unprocessable Entity", "The shipment was picked up already")
        if found["status"] == "booked":
            found["status"] = "cancelled"
            self._save(found)
        return 200, {}

    def _save(self, shipment: Document) -> None:
        self._store.put("shipment", shipment, reference=shipment["reference"])

    async def _label(self, request: web.Request) -> web.Response:
        shipment = self._store.get("shipment", request.match_info["n"])
        if shipment is None:
            raise web.HTTPNotFound(text="No such shipment.")
        return web.Response(
            body=draw(msgspec.convert(shipment["label"], Label)), content_type="application/pdf"
        )


def _decode(body: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        message = str(error)
        raise DhlError(400, "Bad Request", "Validation Error", (message,)) from error
    except msgspec.DecodeError as error:
        raise DhlError(400, "Bad Request", "The body is not JSON") from error


def _scan(code: str, words: str, place: str) -> Document:
    now = datetime.now(UTC)
    return {
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H:%M:%S"),
        "GMTOffset": "+00:00",
        "typeCode": code,
        "description": words,
        "serviceArea": [{"code": place[:3].upper(), "description": place.upper()}],
    }


def _tracked(shipment: Document) -> Document:
    return {
        "shipmentTrackingNumber": shipment["id"],
        "status": "Success",
        "productCode": shipment["product"],
        "numberOfPieces": len(shipment["pieces"]),
        "events": list(reversed(shipment["events"])),
    }


def _decimal(minor: int) -> float:
    """MyDHL's prices are JSON numbers with two decimals; this is its wire format, not our money."""
    return minor / 100


def _refusal(error: DhlError, instance: str) -> Answer:
    document: Document = {
        "instance": instance,
        "detail": error.detail,
        "title": error.title,
        "message": error.title,
        "status": error.status,
    }
    if error.more:
        document["additionalDetails"] = list(error.more)
    return Answer(error.status, orjson.dumps(document))
