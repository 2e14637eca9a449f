"""Subscribers are told of what was committed, signed so that they can believe it, until they have it."""

import base64
import hashlib
import hmac
import json
import uuid
from typing import Any

from checkout.outbox.model import TELL, TOPICS
from checkout.stock.schedule import notice_low
from checkout.webhooks.model import sign
from checkout.webhooks.post import is_public, refusal
from tests.api.stock.conftest import MUG
from tests.api.webhooks.conftest import Subscriber


def _verified(secret: str, message: tuple[dict[str, str], bytes]) -> Any:
    """The message's document, its signature checked as the specification says, by none of our code."""
    fields, body = message
    signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert f"v1,{base64.b64encode(mac).decode()}" in fields["webhook-signature"].split(" ")
    document = json.loads(body)
    assert document["id"] == fields["webhook-id"]
    return document


def test_a_signature_is_the_specifications() -> None:
    """If this fails, no library of a subscriber believes our messages."""
    # The example of the Standard Webhooks reference libraries.
    assert (
        sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


async def test_what_changed_is_told_once_signed(subscriber: Subscriber) -> None:
    """If this fails, an inventory system outside does not learn of stock, or cannot tell us from a stranger."""
    desk = subscriber.desk
    made = await subscriber.subscribe("stock.changed")
    await subscriber.subscribe("order.paid")
    await desk.shop.set_stock(MUG, 7)
    lines = [{"sku": MUG, "quantity": 5}, {"sku": "TEE-BLACK-M", "quantity": 1}]
    assert (await desk.ask("POST", "stock/receipts", reason="r", lines=lines))[0] == 201
    refused = [{"sku": MUG, "counted": 1}, {"sku": "NOTHING", "counted": 1}]
    assert (await desk.ask("POST", "stock/counts", reason="r", lines=refused))[0] == 404
    assert await subscriber.owed() == 2
    await subscriber.tell()
    assert await subscriber.owed() == 0
    first, second = sorted(
        (_verified(made["secret"], message) for message in subscriber.got), key=lambda d: d["timestamp"]
    )
    assert [item["sku"] for item in second["data"]["items"]] == sorted([MUG, "TEE-BLACK-M"]) or len(
        second["data"]["items"]
    ) == 2
    mug = next(item for item in second["data"]["items"] if item["sku"] == MUG)
    assert mug == {
        "sku": MUG, "on_hand": 12, "reserved": 0, "available": 12, "orderable": 12, "locations": {"main": 12},
    }  # fmt: skip
    assert (first["type"], first["data"]["items"][0]["on_hand"]) == ("stock.changed", 7)


async def test_a_subscriber_that_is_away_gets_its_messages_when_it_is_back(subscriber: Subscriber) -> None:
    """If this fails, a subscriber's bad night loses stock changes for ever, or hides that it fails."""
    desk = subscriber.desk
    made = await subscriber.subscribe("stock.changed")
    subscriber.status = 500
    await desk.shop.set_stock(MUG, 7)
    await subscriber.tell()
    await subscriber.tell()
    assert await subscriber.owed() == 1
    _, seen, _ = await desk.ask("GET", f"webhooks/{made['id']}")
    assert seen["failing_since"] is not None
    assert seen["last_error"] == "it answered 500"
    subscriber.status = 200
    await subscriber.tell()
    assert await subscriber.owed() == 0
    ids = {fields["webhook-id"] for fields, _ in subscriber.got}
    assert (len(subscriber.got), len(ids)) == (3, 1), "a repeated message has its one id"
    _, seen, _ = await desk.ask("GET", f"webhooks/{made['id']}")
    assert (seen["failing_since"], seen["last_error"]) == (None, None)
    await desk.shop.db.execute("UPDATE webhook_endpoints SET url = 'http://127.0.0.1:9/'")
    await desk.shop.set_stock(MUG, 8)
    await desk.shop.db.execute(
        "UPDATE outbox SET attempts = $1 WHERE topic = $2", TOPICS[TELL].attempts_max - 1, TELL
    )
    await subscriber.tell()
    parked = await desk.shop.db.fetchval(
        "SELECT last_error FROM outbox WHERE topic = $1 AND parked_at IS NOT NULL", TELL
    )
    assert parked.startswith("no answer"), "after its last try it is a dead letter, seen by admins"


async def test_both_secrets_sign_after_a_rotation(subscriber: Subscriber) -> None:
    """If this fails, rotating a secret loses every message until the subscriber has the new one."""
    desk = subscriber.desk
    made = await subscriber.subscribe("stock.changed")
    status, rotated, headers = await desk.ask("POST", f"webhooks/{made['id']}/secret")
    assert (status, headers["ETag"]) == (200, '"2"')
    assert rotated["secret"] != made["secret"]
    await desk.shop.set_stock(MUG, 7)
    await subscriber.tell()
    for secret in (made["secret"], rotated["secret"]):
        _verified(secret, subscriber.got[-1])
    await desk.shop.db.execute("UPDATE webhook_endpoints SET rotated_at = now() - interval '25 hours'")
    await desk.shop.set_stock(MUG, 8)
    await subscriber.tell()
    assert len(subscriber.got[-1][0]["webhook-signature"].split(" ")) == 1
    _verified(rotated["secret"], subscriber.got[-1])


async def test_whoever_ends_its_subscription_hears_no_more(subscriber: Subscriber) -> None:
    """If this fails, a subscriber that left is called for ever, or its messages pile up."""
    desk = subscriber.desk
    gone, ended, resting = [await subscriber.subscribe("stock.changed") for _ in range(3)]
    subscriber.status = 410
    await desk.shop.set_stock(MUG, 7)
    assert (await desk.ask("DELETE", f"webhooks/{ended['id']}", headers={"If-Match": '"7"'}))[0] == 412
    assert (await desk.ask("DELETE", f"webhooks/{ended['id']}"))[0] == 204
    assert (await desk.ask("PATCH", f"webhooks/{resting['id']}", active=False))[0] == 200
    await subscriber.tell()
    assert (len(subscriber.got), await subscriber.owed()) == (1, 0)
    assert (await desk.ask("GET", f"webhooks/{gone['id']}"))[1]["active"] is False
    await desk.shop.set_stock(MUG, 8)
    assert await subscriber.owed() == 0


async def test_low_stock_is_told_once_until_it_is_well_again(subscriber: Subscriber) -> None:
    """If this fails, whoever buys goods anew is never told, or told every second."""
    desk, pool = subscriber.desk, subscriber.desk.shop.db
    made = await subscriber.subscribe("stock.low")
    await desk.shop.set_stock(MUG, 10)
    assert (await desk.ask("PATCH", f"stock/{MUG}", low_at=4))[0] == 200
    await desk.shop.quiet()

    async def look() -> None:
        for _ in range(3):
            assert await notice_low(pool, 0, 100) == 0

    await look()
    assert await subscriber.owed() == 0
    assert (await desk.shop.buy((MUG, 6)))[0] == 201
    await look()
    await subscriber.tell()
    told = _verified(made["secret"], subscriber.got[0])
    assert (told["type"], told["data"]["items"][0]["sku"], told["data"]["items"][0]["available"]) == (
        "stock.low",
        MUG,
        4,
    )
    await desk.shop.set_stock(MUG, 20)
    await look()
    await desk.shop.set_stock(MUG, 9)
    await look()
    await subscriber.tell()
    assert len(subscriber.got) == 2


async def test_webhooks_are_the_shops_and_their_addresses_sane(subscriber: Subscriber) -> None:
    """If this fails, a vendor listens to the shop, or a webhook is used to reach into our own network."""
    desk = subscriber.desk
    made = await subscriber.subscribe("stock.low")
    good = {"url": "https://example.com/x", "events": ["stock.low"]}
    for method, path, body in (
        ("GET", "webhooks", {}), ("POST", "webhooks", good), ("GET", f"webhooks/{made['id']}", {}),
        ("POST", f"webhooks/{made['id']}/secret", {}), ("DELETE", f"webhooks/{made['id']}", {}),
    ):  # fmt: skip
        assert (await desk.ask(method, path, by="vendor", **body))[0] == 403, (method, path)
    for wrong in (
        {"url": "ftp://example.com"}, {"url": "https://"}, {"url": "https://a b"}, {"url": "https://me:pw@example.com"},
        {"events": []}, {"events": ["stock.exploded"]}, {"events": "stock.low"}, {"secret": "mine"},
    ):  # fmt: skip
        status, problem, _ = await desk.ask("POST", "webhooks", **(good | wrong))
        assert (status, problem["code"]) == (400, "invalid"), wrong
    for path in ("webhooks/x", f"webhooks/{uuid.UUID(int=0)}"):
        assert (await desk.ask("GET", path))[0] == 404
    _, listed, _ = await desk.ask("GET", "webhooks")
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert "secret" not in listed["items"][0]
    for url in (
        "http://example.com/", "https://127.0.0.1/", "https://10.1.2.3:8443/", "https://[::1]/", "https://localhost/",
        "https://[::ffff:127.0.0.1]/", "https://127.1/", "https://169.254.169.254/latest",
    ):  # fmt: skip
        assert refusal(url, public_only=True), url
    assert refusal("https://example.com/x", public_only=True) is None
    assert [is_public(address) for address in ("8.8.8.8", "192.168.1.1", "fe80::1%eth0", "x")] == [
        True,
        False,
        False,
        False,
    ]
