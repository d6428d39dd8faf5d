"""The reference proxy for a test, as a process of its own. `stand` has a replaying upstream behind it.

As a program it has one ready while a command runs, for tests in another language: `stand.py node --test`. With `--demo` before the command it is
one with a simulated provider, whose key may cancel.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import replay

PROGRAM = Path(__file__).resolve().parents[2] / "target" / "debug" / "active-requests-proxy"
KEY = "key-of-the-proxy"


class Proxy:
    """Runs on a free port of the loopback as long as it is entered."""

    def __init__(self, **settings):
        self.settings = {"PATH": os.environ["PATH"], "RUST_LOG": "warn", "PORT": "0", "PROXY_API_KEY": KEY, **settings}

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM], env=self.settings, stdout=subprocess.PIPE, text=True)
        first_line = self.process.stdout.readline()
        self.url = first_line.split()[1].removesuffix("/v1")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"x-api-key": KEY})
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def traces(self):
        return self.get("/metrics/logs")["traces"]

    def trace_of(self, model, earlier=0):
        """The one trace with a number above `earlier` of a request for that model, once it has ended."""
        for _ in range(1000):
            traces = [trace for trace in self.traces() if trace["seq"] > earlier and trace["requested_model"] == model]
            if traces:
                [trace] = traces
                return trace
            time.sleep(0.01)
        raise TimeoutError(f"there is no trace of {model}")


@contextlib.contextmanager
def stand():
    """A proxy with every provider at one replaying upstream, and the recordings to be had there."""
    with replay.Upstream() as upstream:
        bases = {
            "openai": f"{upstream.url}/v1",
            "anthropic": upstream.url,
            "gemini": upstream.url,
            "cohere": upstream.url,
            "ollama": upstream.url,
        }
        settings = {f"{name.upper()}_BASE_URL": url for name, url in bases.items()}
        settings |= {f"{name.upper()}_API_KEY": replay.KEY for name in bases}
        with Proxy(**settings) as proxy:
            yield proxy, list(upstream.recordings.values())


def told(recording):
    return {
        "name": recording.name,
        "format": recording.format,
        "streaming": recording.streaming,
        "isOwn": recording.is_own,
        "bytes": recording.size,
    }


@contextlib.contextmanager
def stand_for(arguments):
    """The proxy that is asked for, what else a command is to know, and the command."""
    if arguments[0] == "--demo":
        with Proxy(VDM_ACTIVE_REQUESTS_ALLOW_CANCEL="true") as proxy:
            yield proxy, {}, arguments[1:]
    else:
        with stand() as (proxy, recordings):
            yield proxy, {"RECORDINGS": json.dumps([told(recording) for recording in recordings])}, arguments


if __name__ == "__main__":
    with stand_for(sys.argv[1:]) as (proxy, more, command):
        variables = {"PROXY_URL": proxy.url, "PROXY_KEY": KEY, **more}
        code = subprocess.call(command, env={**os.environ, **variables})
    sys.exit(code)
