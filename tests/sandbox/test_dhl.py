"""The carrier's stand-in is as strict as MyDHL."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

AUTH = {"Authorization": aiohttp.encode_basic_auth("sandbox", "sandbox"), "Message-Reference": "r" * 32}


def shipment() -> dict[str, Any]:
    planned = datetime.now(UTC) + timedelta(hours=2)
    party = {
        "postalAddress": {
            "postalCode": "10115",
            "cityName": "Berlin",
            "countryCode": "DE",
            "addressLine1": "Street 1",
        },
        "contactInformation": {"phone": "1", "companyName": "Shop", "fullName": "Shop"},
    }
    document = {
        "plannedShippingDateAndTime": planned.strftime("%Y-%m-%dT%H:%M:%S GMT+00:00"),
        "pickup": {"isRequested": False},
        "productCode": "N",
        "accounts": [{"typeCode": "shipper", "number": "123456789"}],
        "customerDetails": {"shipperDetails": party, "receiverDetails": party},
        "content": {
            "packages": [{"weight": 1.2, "dimensions": {"length": 10, "width": 10, "height": 10}}],
            "isCustomsDeclarable": False,
            "description": "Mugs",
            "incoterm": "DAP",
            "unitOfMeasurement": "metric",
        },
    }
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]


async def post(http: aiohttp.ClientSession, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with http.post("/mydhlapi/shipments", data=data, headers={**AUTH, **headers}) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        (("plannedShippingDateAndTime",), "tomorrow", 422),
        (("plannedShippingDateAndTime",), "2020-01-01T10:00:00 GMT+00:00", 422),
        (("productCode",), "P", 422),
        (("productCode",), "?", 422),
        (("accounts", 0, "number"), "1", 422),
        (("content", "packages"), [], 400),
        (("content", "packages", 0, "weight"), 0, 400),
        (("content", "incoterm"), "XXX", 422),
        (("content", "isCustomsDeclarable"), True, 422),
        (("customerDetails", "receiverDetails", "postalAddress", "countryCode"), "Germany", 400),
        (("customerDetails", "receiverDetails", "postalAddress", "countryCode"), "US", 422),
        (("customerDetails", "receiverDetails", "contactInformation", "phone"), "", 400),
        (("colour",), "red", 400),
    ],
)
async def test_what_mydhl_would_refuse_is_refused(
    http: aiohttp.ClientSession, path: tuple[Any, ...], value: Any, status: int
) -> None:
    """If this fails, a booking that DHL refuses passes every test."""
    body = shipment()
    node: Any = body
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    got, problem = await post(http, body)
    assert got == status
    assert problem["status"] == status
    assert problem["additionalDetails"]
    assert problem["instance"] == "/mydhlapi/shipments"


async def test_the_envelope_is_checked(http: aiohttp.ClientSession) -> None:
    """If this fails, wrong credentials or a missing reference are found only in production."""
    assert (await post(http, shipment(), Authorization="Basic eDp5"))[0] == 401
    assert (await post(http, shipment(), **{"Message-Reference": "short"}))[0] == 400
    assert (await post(http, b"{"))[0] == 400
    status, booked = await post(http, shipment())
    assert status == 201
    assert len(booked["shipmentTrackingNumber"]) == 10
    assert booked["documents"][0]["typeCode"] == "label"
    other = shipment()
    other["content"]["description"] = "Something else"
    assert (await post(http, other))[0] == 422
    async with http.get(f"/_sandbox/labels/{booked['shipmentTrackingNumber']}.pdf") as label:
        assert (await label.read()).startswith(b"%PDF-")
