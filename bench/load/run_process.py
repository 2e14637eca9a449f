"""A load process of ours: told by a file, heard by another, killed when whoever waits for it ends first."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from bench.problem import BenchError

T = TypeVar("T", bound=Struct)


async def run_process(module: str, asked: Struct, kind: type[T]) -> T:
    """Runs `python -m MODULE ASKED.json FOUND.json` and gives what it found. Raises: BenchError with its last words."""
    with tempfile.TemporaryDirectory(prefix="checkout-load-") as folder:
        told, found = Path(folder) / "asked.json", Path(folder) / "found.json"
        told.write_bytes(msgspec.json.encode(asked))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, str(told), str(found)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said = (await process.communicate())[1].decode(errors="replace").strip()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise BenchError(f"{module} failed: {said.splitlines()[-1] if said else 'without a word'}")
        return msgspec.json.decode(found.read_bytes(), type=kind)
