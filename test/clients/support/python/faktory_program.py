"""A client of Faktory written with the package `faktory`; README.md above has its contract."""

import os
import sys
import time

from faktory import Client, Worker

CONCURRENCY = 5
BEAT_SECONDS = 1
PAUSE_SECONDS = 0.005
PAUSE_AFTER_ERROR_SECONDS = 0.2


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def count(n: int) -> None:
    say(f"done {n}")


def work(wid: str) -> None:
    worker = Worker(queues=["default"], concurrency=CONCURRENCY, use_threads=True, worker_id=wid)
    worker.send_heartbeat_every = BEAT_SECONDS
    worker.register("Count", count)
    # Ends the process, with code 1 in any case.
    worker.run()


def produce(first: int, jobs: int) -> None:
    client = None
    pushed, n = 0, first
    while pushed < jobs:
        try:
            if client is None:
                client = Client()
                client.connect()
            if not client.queue("Count", args=(n,)):
                raise RuntimeError("refused")
            pushed += 1
            say(f"pushed {n}")
            time.sleep(PAUSE_SECONDS)
        except Exception as error:
            say(f"unknown {n} {error!r}")
            client = None
            time.sleep(PAUSE_AFTER_ERROR_SECONDS)
        n += 1


if __name__ == "__main__":
    role, *words = sys.argv[1:]
    if role == "worker":
        work(*words)
    else:
        produce(*map(int, words))
