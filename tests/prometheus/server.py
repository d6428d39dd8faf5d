"""A real Prometheus on the loopback, for as long as it is entered."""

import json
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets"
# JSON is YAML too.
SCRAPE = "500ms"
PATIENCE = 40


class Prometheus:
    """Scrapes the proxy of that URL with that key, and evaluates our alerts."""

    def __init__(self, url, key):
        self.config = {
            "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE},
            "rule_files": [str(ASSETS / "prometheus" / "alerts.yml")],
            "scrape_configs": [
                {
                    "job_name": "active-requests",
                    "authorization": {"credentials": key},
                    "static_configs": [{"targets": [url.removeprefix("http://")]}],
                }
            ],
        }

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        directory = Path(self.directory.name)
        (directory / "prometheus.yml").write_text(json.dumps(self.config))
        self.log = open(directory / "log", "w+")
        # The port is free when it is asked for; should somebody take it before Prometheus does, another one is tried.
        for _ in range(5):
            with socket.create_server(("127.0.0.1", 0)) as free:
                address = f"127.0.0.1:{free.getsockname()[1]}"
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={directory}/prometheus.yml",
                    f"--storage.tsdb.path={directory}/data",
                    f"--web.listen-address={address}",
                ],
                stdout=self.log,
                stderr=self.log,
            )
            self.url = f"http://{address}"
            if self.is_ready():
                return self
            self.stop()
        self.log.seek(0)
        raise RuntimeError(self.log.read())

    def is_ready(self):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5):
                    return True
            except OSError:
                time.sleep(0.02)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        self.directory.cleanup()

    def ask(self, path, **query):
        """The data of an answer; an error of Prometheus's is raised with its own words."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{query}: {error.read().decode()}") from error
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """The result of an expression now: a list of (labels, value)."""
        result = self.ask("query", query=expression)["result"]
        return [(sample["metric"], float(sample["value"][1])) for sample in result]

    def wait_until(self, expression, holds):
        """Asks until the result is as it should be. A scrape may come late, and what is expected stays."""
        deadline = time.monotonic() + PATIENCE
        while not holds(result := self.query(expression)):
            assert time.monotonic() < deadline, f"{expression} gives {result}"
            time.sleep(0.05)
        return result

    def wait_for_result(self, expression):
        return self.wait_until(expression, bool)

    def wait_for(self, expression, value):
        """Asks until the expression has that one value."""
        self.wait_until(expression, lambda result: [number for _, number in result] == [value])

    def value(self, expression):
        """The only value of an expression, once there is one."""
        [(_, value)] = self.wait_for_result(expression)
        return value
