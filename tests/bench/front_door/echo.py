"""The floor, a process of its own: the same server and framework, a body read, a fixed answer."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI, Request, Response

ANSWER: Final = (
    b'{"tx_id":"fd-00000000-000000000","kind":"final","action":"approve","answered_at_ms":1700000000000,'
    b'"decision_id":"00000000000000000000000000000000","score":0.0123,"reasons":["score_low"],"flags":[],'
    b'"model":"bank 1","release_seq":2,"state_quality":"exact"}'
)
ROOT: Final = Path(__file__).parents[3]


def application() -> FastAPI:
    """Two paths of the front door with nothing behind them."""
    app = FastAPI()

    @app.post("/v1/decisions")
    async def decide(request: Request) -> Response:
        await request.body()
        return Response(ANSWER, media_type="application/json")

    @app.post("/v1/transactions")
    async def take(request: Request) -> Response:
        lines = (await request.body()).count(b"\n")
        return Response(b'{"accepted":%d,"refused":[]}' % lines, 202, media_type="application/json")

    return app


@contextmanager
def echo() -> Iterator[str]:
    """The address of an echo that runs beside us until the end. Raises RuntimeError if it does not start."""
    command = [sys.executable, "-m", "tests.bench.front_door.echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            if not (url := process.stdout.readline().strip()):
                raise RuntimeError("the echo did not start")
            yield url
        finally:
            process.terminate()


def main() -> None:
    """Say the address, then answer until terminated."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            application(), loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning"
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
