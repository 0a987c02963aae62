"""A client of Faktory written with the package `pyfaktory`; README.md above has its contract."""

import os
import sys
import time

from pyfaktory import Client, Consumer, Job, Producer

CONCURRENCY = 5
BEAT_SECONDS = 1
GRACE_SECONDS = 5
# Its BEATs and its FETCHes read from one socket; after SIGTERM one of them may wait for so long.
TIMEOUT_SECONDS = 5
PAUSE_SECONDS = 0.005
PAUSE_AFTER_ERROR_SECONDS = 0.2


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def count(n: int) -> None:
    say(f"done {n}")


def work(wid: str) -> None:
    with Client(
        role="consumer", worker_id=wid, beat_period=BEAT_SECONDS, timeout=TIMEOUT_SECONDS
    ) as client:
        consumer = Consumer(
            client=client,
            queues=["default"],
            concurrency=CONCURRENCY,
            grace_period=GRACE_SECONDS,
        )
        consumer.register("Count", count)
        # Ends the process, with code 1 in any case.
        consumer.run()


def produce(first: int, jobs: int) -> None:
    client = None
    pushed, n = 0, first
    while pushed < jobs:
        try:
            if client is None:
                client = Client(role="producer", timeout=TIMEOUT_SECONDS)
                client.connect()
            Producer(client=client).push(Job(jobtype="Count", args=[n], queue="default"))
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
