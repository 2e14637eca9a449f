"""Pages for people: what happened here, the mails, and the bank's 3-D Secure challenge."""

import html
from collections.abc import Iterable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson
from aiohttp import web

from checkout.sandbox.store import Document, Store
from checkout.sandbox.stripe_api import Call
from checkout.sandbox.stripe_objects import StripeError
from checkout.sandbox.stripe_payments import Payments

_STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1c2430}
main{max-width:64rem;margin:0 auto;padding:1.5rem}h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;background:#fff;border-radius:6px;overflow:hidden}
th,td{text-align:left;padding:.4rem .7rem;border-bottom:1px solid #e6e8ec;font-size:.9rem;overflow-wrap:anywhere}
th{color:#5b6675;font-weight:600}a{color:#1858c4}.card{background:#fff;border-radius:8px;padding:1.5rem;max-width:26rem;
margin:3rem auto}button{font:inherit;padding:.6rem 1.2rem;border-radius:6px;border:1px solid #9aa4b2;background:#fff;
cursor:pointer;margin-right:.6rem}button.yes{background:#1858c4;border-color:#1858c4;color:#fff}pre{background:#fff;
padding:1rem;white-space:pre-wrap;border-radius:6px}iframe{width:100%;height:32rem;border:0;background:#fff}"""
_RECENT = 25


class Pages:
    """The readable side of the sandbox."""

    def __init__(self, store: Store, payments: Payments) -> None:
        self._store, self._payments = store, payments

    def routes(self) -> list[web.RouteDef]:
        """The index, mails, and challenges."""
        return [
            web.get("/", self._index),
            web.get("/_sandbox/mails", self._mails),
            web.get("/_sandbox/mails/{id:[0-9]{1,15}}", self._mail),
            web.get("/_sandbox/mails/{id:[0-9]{1,15}}/attachments/{n:[0-9]{1,3}}", self._attachment),
            web.get("/3ds/{id}", self._challenge),
            web.post("/3ds/{id}", self._answer_challenge),
        ]

    async def _index(self, request: web.Request) -> web.Response:
        store = self._store
        payments = [
            (_time(p["created"]), p["id"], p["status"], f"{p['amount']} {p['currency']}",
             p["metadata"].get("order_id", ""))
            for p in store.page("payment_intent", limit=_RECENT)
        ]  # fmt: skip
        shipments = [
            (
                _time(s["created"]),
                s["id"],
                s["status"],
                s["receiver"],
                _Link(f"/_sandbox/labels/{s['id']}.pdf", "label"),
            )
            for s in store.page("shipment", limit=_RECENT)
        ]
        mails = [
            (
                _time(m["received_at"]),
                _Link(f"/_sandbox/mails/{m['id']}", m["subject"] or "(no subject)"),
                m["to"],
            )
            for m in store.mails(_RECENT)
        ]
        hooks = [
            (_time(d["at"]), d["event_id"], d["attempt"], d["status"] or "no answer")
            for d in store.deliveries(_RECENT)
        ]
        body = (
            "<h1>Sandbox</h1><p>Stand-ins for the payment provider, the carrier and the mail server of this machine. "
            "No money moves, nothing is shipped, no mail leaves.</p>"
            + _table("Payments", ("time", "payment", "status", "minor units", "order"), payments)
            + _table("Shipments", ("time", "tracking number", "status", "to", ""), shipments)
            + _table("Mails", ("time", "subject", "to"), mails)
            + _table("Webhook deliveries", ("time", "event", "attempt", "status"), hooks)
        )
        return _page("Sandbox", body)

    async def _mails(self, request: web.Request) -> web.Response:
        try:
            limit = min(max(int(request.query.get("limit", "50")), 1), 1000)
            before = int(request.query.get("before", str(1 << 62)))
        except ValueError as error:
            raise web.HTTPBadRequest(text="limit and before are numbers") from error
        items = self._store.mails(limit, before)
        for item in items:
            item["to"] = item["to"].split(", ")
        if "text" in request.query:
            for item in items:
                item["text"] = _text(self._message(item["id"]))
        return web.Response(body=orjson.dumps({"items": items}), content_type="application/json")

    async def _mail(self, request: web.Request) -> web.Response:
        number = int(request.match_info["id"])
        message = self._message(number)
        part = message.get_body(("html", "plain"))
        if part is not None and part.get_content_type() == "text/html":
            shown = f'<iframe sandbox srcdoc="{html.escape(part.get_content())}"></iframe>'
        else:
            shown = f"<pre>{html.escape(_text(message))}</pre>"
        files = "".join(
            f'<li><a href="/_sandbox/mails/{number}/attachments/{n}">{html.escape(file.get_filename() or "file")}</a>'
            for n, file in enumerate(message.iter_attachments())
        )
        heads = [(name, str(message[name] or "")) for name in ("From", "To", "Subject", "Date", "Message-ID")]
        body = (
            '<p><a href="/">Sandbox</a></p>'
            + _table("Mail", ("", ""), heads)
            + shown
            + (files and f"<ul>{files}</ul>")
        )
        return _page(str(message["Subject"] or "Mail"), body)

    async def _attachment(self, request: web.Request) -> web.Response:
        files = list(self._message(int(request.match_info["id"])).iter_attachments())
        number = int(request.match_info["n"])
        if number >= len(files):
            raise web.HTTPNotFound
        content = files[number].get_payload(decode=True)
        body = content if isinstance(content, bytes) else b""
        headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
        kind = files[number].get_content_type()
        safe = kind if kind in ("application/pdf", "text/plain", "image/png") else "application/octet-stream"
        return web.Response(body=body, content_type=safe, headers=headers)

    async def _challenge(self, request: web.Request) -> web.Response:
        intent = self._challenged(request)
        if intent["status"] != "requires_action":
            return _page("Nothing to approve", '<div class="card"><h1>Nothing to approve</h1><p>This payment is '
                         f"{html.escape(intent['status'])}.</p></div>")  # fmt: skip
        action = html.escape(f"/3ds/{intent['id']}?{urlencode({'client_secret': intent['client_secret']})}")
        body = (
            '<div class="card"><h1>Test bank</h1><p>A payment of <b>'
            f"{intent['amount']} {html.escape(intent['currency'].upper())}</b> (minor units) asks for your approval.</p>"
            f'<form method="post" action="{action}"><button class="yes" name="result" value="approve">Approve</button>'
            '<button name="result" value="fail">Fail the challenge</button></form></div>'
        )
        return _page("Test bank", body)

    async def _answer_challenge(self, request: web.Request) -> web.Response:
        intent = self._challenged(request)
        as_json = request.content_type == "application/json"
        try:
            fields = orjson.loads(await request.read()) if as_json else await request.post()
        except orjson.JSONDecodeError as error:
            raise web.HTTPBadRequest(text="not JSON") from error
        result = fields.get("result")
        if result not in ("approve", "fail"):
            raise web.HTTPBadRequest(text="result is approve or fail")
        back = ((intent.get("next_action") or {}).get("redirect_to_url") or {}).get("return_url")
        try:
            intent = self._payments.challenge(Call({}, "", None), intent["id"], approved=result == "approve")
        except StripeError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        await self._store.committed()
        if as_json:
            return web.Response(body=orjson.dumps(intent), content_type="application/json")
        if back is None:
            return _page(
                "Done",
                f'<div class="card"><h1>Done</h1><p>The payment is {html.escape(intent["status"])}.</p></div>',
            )
        status = "succeeded" if intent["status"] in ("succeeded", "requires_capture") else "failed"
        parts = urlsplit(back)
        more = urlencode(
            {
                "payment_intent": intent["id"],
                "payment_intent_client_secret": intent["client_secret"],
                "redirect_status": status,
            }
        )
        query = f"{parts.query}&{more}" if parts.query else more
        raise web.HTTPSeeOther(urlunsplit(parts._replace(query=query)))

    def _challenged(self, request: web.Request) -> Document:
        intent = self._store.get("payment_intent", request.match_info["id"])
        if intent is None or intent["client_secret"] != request.query.get("client_secret"):
            raise web.HTTPNotFound(text="No such challenge.")
        return intent

    def _message(self, number: int) -> EmailMessage:
        raw = self._store.mail(number)
        if raw is None:
            raise web.HTTPNotFound(text="No such mail.")
        message = message_from_bytes(raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


class _Link:
    def __init__(self, url: str, text: str) -> None:
        self.url, self.text = url, text


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    return "" if part is None else str(part.get_content())


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M:%S")


def _cell(value: object) -> str:
    if isinstance(value, _Link):
        return f'<a href="{html.escape(value.url)}">{html.escape(value.text)}</a>'
    return html.escape(str(value))


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    head = "".join(f"<th>{html.escape(name)}" for name in heads)
    lines = "".join("<tr>" + "".join(f"<td>{_cell(value)}" for value in row) for row in rows)
    empty = "" if lines else f'<tr><td colspan="{len(heads)}">none yet'
    return f"<h2>{html.escape(title)}</h2><table><tr>{head}{lines}{empty}</table>"


def _page(title: str, body: str) -> web.Response:
    return web.Response(
        text=f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><main>{body}</main></html>",
        content_type="text/html",
    )
