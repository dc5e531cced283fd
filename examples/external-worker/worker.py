"""A worker for Batchyard with nothing but Python's standard library.

    BATCHYARD_TOKEN=… python3 worker.py [--url http://127.0.0.1:8377] [--name worker-1] [--until-idle]

It leases chunks of the operation `count-words`, renews their leases while it works, sends results in parts, and drops a
chunk whose lease it lost. With --until-idle it ends when nothing is left to lease; SIGTERM ends it after the current item.
"""

import argparse
import json
import os
import platform
import resource
import signal
import threading
import time
import urllib.error
import urllib.request

# Renewed at a third of it: if this worker dies, that is known within 15 seconds.
LEASE_MS = 12_000
# Results are sent after this many items: a crash repeats at most that much work.
PART = 10


def process():
    """What the page Workers shows of this worker; all of it may be left out."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"version": "python-example", "host": platform.node(), "rssBytes": kilobytes * 1024}


class LeaseLost(Exception):
    """The chunk belongs to somebody else now, or its batch has ended: drop it."""


class Failure(Exception):
    """An item that fails. Only transient, resource and rate_limit failures are tried again."""

    def __init__(self, message, code, category):
        super().__init__(message)
        self.answer = {"error": message, "errorCode": code, "category": category}


class Yard:
    def __init__(self, url, token):
        self.url = url.rstrip("/") + "/api/external/"
        self.headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}

    def call(self, name, body):
        request = urllib.request.Request(self.url + name, json.dumps(body).encode(), self.headers)
        for wait in (0.2, 1, 5, None):
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                answer = json.load(error)
                if answer.get("code") == "lease_lost":
                    raise LeaseLost(answer["error"]) from None
                if error.code not in (429, 503) or wait is None:
                    raise SystemExit("%s: %s" % (name, answer.get("error"))) from None
                time.sleep(float(error.headers.get("Retry-After", wait)))
            except urllib.error.URLError:
                # The server restarts: a lease outlives that. Sending results again is harmless, each counts once.
                if wait is None:
                    raise
                time.sleep(wait)


class Heartbeat:
    """Renews a lease at a third of its time, while a `with` block works on the chunk."""

    def __init__(self, yard, worker, chunk):
        self.yard, self.worker = yard, worker
        self.lease = {"chunk": chunk["chunk"], "fence": chunk["fence"]}
        self.lost = threading.Event()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def beat(self):
        while not self.done.wait(LEASE_MS / 3000):
            try:
                answer = self.yard.call("heartbeat", {"worker": self.worker, "leaseMs": LEASE_MS, "leases": [self.lease], "process": process()})
            except (SystemExit, urllib.error.URLError):
                continue
            if answer["lost"]:
                self.lost.set()
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def count_words(payload):
    text = payload.get("text")
    if not isinstance(text, str):
        raise Failure("'text' is missing", "no_text", "data")
    return {"words": len(text.split())}


def answer_of(item):
    started = time.monotonic()
    try:
        answer = {"result": count_words(item["payload"])}
    except Failure as failure:
        answer = failure.answer
    return {"key": item["key"], "durationMs": round((time.monotonic() - started) * 1000, 3), **answer}


def work(yard, worker, chunk, stopping):
    """Settles a chunk. What was not begun when the worker is told to stop goes back to the server."""
    settle = {"chunk": chunk["chunk"], "fence": chunk["fence"]}
    results = []
    with Heartbeat(yard, worker, chunk) as heartbeat:
        for item in chunk["items"]:
            if heartbeat.lost.is_set():
                raise LeaseLost("the lease was not renewed in time")
            if stopping.is_set():
                break
            results.append(answer_of(item))
            if len(results) == PART:
                yard.call("results", {**settle, "results": results})
                results = []
        yard.call("results", {**settle, "results": results, "done": not stopping.is_set(), "handBack": stopping.is_set()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8377")
    parser.add_argument("--name", default="python-%d" % os.getpid())
    parser.add_argument("--until-idle", action="store_true")
    options = parser.parse_args()
    yard = Yard(options.url, os.environ["BATCHYARD_TOKEN"])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    items = 0
    while not stopping.is_set():
        leased = yard.call("lease", {"worker": options.name, "operations": ["count-words"], "leaseMs": LEASE_MS, "process": process()})["chunks"]
        for chunk in leased:
            try:
                work(yard, options.name, chunk, stopping)
                items += len(chunk["items"])
            except LeaseLost as lost:
                print("dropped chunk %d: %s" % (chunk["chunk"], lost), flush=True)
        if not leased:
            if options.until_idle:
                break
            stopping.wait(1)
    print("%s did %d items" % (options.name, items), flush=True)


if __name__ == "__main__":
    main()
