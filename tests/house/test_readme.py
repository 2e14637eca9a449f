"""The README's purchase works as written: its curl lines are taken from the file and sent to a shop with the demo."""

import asyncio
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.house.tree import ROOT
from tests.shop import TestShop

README = (ROOT / "README.md").read_text()
_SHOP = "http://127.0.0.1:8080"


@dataclass(slots=True)
class Curl:
    """One curl line, as curl reads it."""

    text: str
    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None

    @property
    def path(self) -> str:
        return self.url.removeprefix(_SHOP)


def _curls() -> list[Curl]:
    """The README's curl commands: each begins a line of an indented or fenced block, and ends with its quotes."""
    lines = [line[4:] if line.startswith("    ") else line for line in README.splitlines()]
    found = []
    for at, line in enumerate(lines):
        if line.startswith("curl "):
            end = at + 1
            while lines[end - 1].endswith("\\") or "\n".join(lines[at:end]).count("'") % 2:
                end += 1
            found.append(_parse("\n".join(lines[at:end])))
    return found


def _parse(text: str) -> Curl:
    words = iter(shlex.split(text.replace("\\\n", " "), comments=True)[1:])
    made = Curl(text, "")
    for word in words:
        if word in ("-X", "--request"):
            made.method = next(words)
        elif word in ("-H", "--header"):
            name, value = next(words).split(":", 1)
            made.headers[name] = value.strip()
        elif word in ("-d", "--data", "--json"):
            made.body = next(words)
            made.method = "POST" if made.method == "GET" else made.method
        elif word in ("-o", "--output"):
            next(words)
        elif not word.startswith("-"):
            made.url = word
    return made


CURLS = _curls()
PURCHASES = [one for one in CURLS if one.method == "POST" and one.path == "/v1/checkouts"]


async def _typed(text: str, folder: Path) -> tuple[int, bytes]:
    """Status and body of a curl line that a shell runs."""
    process = await asyncio.create_subprocess_exec(
        "sh",
        "-c",
        text.replace("curl ", "curl --write-out '\\n%{http_code}' ", 1),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 20)
    body, status = out.rsplit(b"\n", 1)
    return int(status), body


def test_the_readme_has_one_purchase() -> None:
    """If this fails, the README does not show how to buy, or the tests below do not find it."""
    assert len(PURCHASES) == 1
    assert all(one.url.startswith(_SHOP) for one in CURLS)


def test_every_shell_takes_the_lines_as_they_are() -> None:
    """If this fails, a shell such as zsh expands a character of an address and the line does nothing."""
    bare = [re.sub(r"'[^']*'|\"[^\"]*\"", "", one.text) for one in CURLS]
    assert [text for text in bare if re.search(r"[?&*;(){}\[\]]", text)] == []


@pytest.mark.parametrize("by", ["curl", "request"])
async def test_the_purchase_gives_201_and_its_order(by: str, shop: TestShop, tmp_path: Path) -> None:
    """If this fails, the first thing that a newcomer tries does not work."""
    bought = await _send(by, PURCHASES[0], shop, tmp_path)
    assert bought[0] == 201, bought[1]
    placed = msgspec.json.decode(bought[1])
    named = re.search(r"The answer is 201 with ([^.]*)\.", README)
    assert named, "the README no longer says what the answer has"
    for name in ("order", *re.findall(r"`(\w+)`", named[1])):
        assert placed[name], name
    again = await _send(by, PURCHASES[0], shop, tmp_path)
    assert again[0] == 201
    assert msgspec.json.decode(again[1])["order"]["id"] == placed["order"]["id"]
    for one in CURLS:
        if one is PURCHASES[0]:
            continue
        text = one.text.replace("/ID", f"/{placed['order']['id']}").replace("TOKEN", placed["access_token"])
        status, body = await _send(by, _parse(text), shop, tmp_path)
        if one.path.endswith("/invoice.pdf"):  # written by a worker, which this shop has not
            body = body or (tmp_path / "invoice.pdf").read_bytes()
            assert (status, msgspec.json.decode(body)["code"]) == (404, "no_invoice_yet")
        else:
            assert status == 200, (text, body)
            assert msgspec.json.decode(body)


async def _send(by: str, one: Curl, shop: TestShop, folder: Path) -> tuple[int, bytes]:
    if by == "curl":
        if shutil.which("curl") is None:
            pytest.skip("this machine has no curl")
        return await _typed(one.text.replace(_SHOP, shop.url), folder)
    kwargs: dict[str, Any] = {"headers": one.headers, "data": one.body}
    async with shop.client.request(one.method, shop.url + one.path, **kwargs) as answer:
        return answer.status, await answer.read()
