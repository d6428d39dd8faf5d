"""Prometheus's own programs read what the proxy offers: its parsers, `promtool`, and a server that scrapes."""

import contextlib
import http.client
import json
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "sdk"))

from server import ASSETS, Prometheus  # noqa: E402
from stand import KEY, Proxy  # noqa: E402

DASHBOARD = ASSETS / "grafana" / "dashboard.json"
ALERTS = ASSETS / "prometheus" / "alerts.yml"
# Names that need quoting, or are not ASCII, or look like something else.
NASTY = [f"demo-c1-d0-{name}" for name in ('a"b', "a\\b", "a\nb", "a\\n\"b\\", "tab\tbed", "é漢🦀", '"} 1', "# EOF", " ", "x" * 300, "\u202egnp\u0000\r")]
PRICES = {"demo-c20-d1": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "mode": "chat"}}


def send(proxy, model, stream=True, path="/v1/chat/completions", some=None):
    """Sends a request and reads its answer, or only some bytes of it. Returns the connection."""
    address = urllib.parse.urlsplit(proxy.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    body = {"model": model, "stream": stream, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello there"}]}
    headers = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
    connection.request("POST", path, json.dumps(body), headers)
    if some is None:
        with contextlib.closing(connection), contextlib.suppress(http.client.IncompleteRead):
            connection.getresponse().read()
    elif some > 0:
        connection.getresponse().read(some)
    return connection


def scrape(proxy, accept="application/openmetrics-text"):
    address = urllib.parse.urlsplit(proxy.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
    connection.request("GET", "/metrics", headers={"accept": accept, "x-api-key": KEY, "accept-encoding": "identity"})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200, text
    return text


def samples(families):
    return [sample for family in families for sample in family.samples]


def promtool(*arguments, text=""):
    return subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)


class Texts(unittest.TestCase):
    """Both texts, as other programs parse them."""

    @classmethod
    def setUpClass(cls):
        cls.proxy = cls.enterClassContext(Proxy())

    def parse(self):
        text = scrape(self.proxy)
        families = list(open_metrics(text))
        plain = list(plain_text(scrape(self.proxy, "text/plain")))
        names = {sample.name for sample in samples(families)}
        self.assertEqual(names, {sample.name for sample in samples(plain)})
        return families

    def test_1_an_empty_scrape_is_valid(self):
        families = self.parse()
        self.assertIn("active_requests", {family.name for family in families})
        self.assertEqual([s for s in samples(families) if s.name == "active_requests_ended_total"], [])

    def test_2_names_come_through_as_they_were_sent(self):
        for model in NASTY:
            send(self.proxy, f"demo:{model}")
            send(self.proxy, f"demo:{model}", stream=False, path="/v1/embeddings")
        # Text in a row is cut at 256 bytes, with its prefix.
        expected = {model[: 256 - len("demo:")] for model in NASTY}
        families = self.parse()
        models = {s.labels["model"] for s in samples(families) if s.name == "active_requests_ended_total"}
        self.assertEqual(models & expected, expected)
        models = {s.labels["gen_ai_request_model"] for s in samples(families) if "gen_ai_request_model" in s.labels}
        self.assertEqual(models & expected, expected)

    def test_3_promtool_has_nothing_to_say(self):
        result = promtool("check", "metrics", text=scrape(self.proxy, "text/plain"))
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))


class Alerts(unittest.TestCase):
    def test_the_rules_are_valid_and_fire_when_they_should(self):
        for arguments in [("check", "rules", str(ALERTS)), ("test", "rules", str(HERE / "alerts_test.yml"))]:
            result = promtool(*arguments)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Server(unittest.TestCase):
    """A Prometheus that scrapes the proxy while requests pass."""

    # `unless` leaves nothing where the provider has answered.
    WITHOUT_RESULT = {"ActiveRequestsNoFirstToken"}

    @classmethod
    def setUpClass(cls):
        prices = Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / "prices.json"
        prices.write_text(json.dumps(PRICES))
        cls.proxy = cls.enterClassContext(Proxy(VDM_PRICES_FILE=str(prices)))
        cls.prometheus = cls.enterClassContext(Prometheus(cls.proxy.url, KEY))
        # Two rounds: a counter that is first seen at its final value has not increased.
        for ended in (8, 16):
            for _ in range(3):
                send(cls.proxy, "demo:demo-c20-d1")
            send(cls.proxy, "demo:demo-c20-d1", stream=False)
            send(cls.proxy, "demo:demo-c20-d1", path="/v1/messages")
            send(cls.proxy, "demo:demo-e429")
            send(cls.proxy, "demo:demo-c20-d1-x5")
            send(cls.proxy, "demo:demo-c500-d20", some=1).close()
            cls.prometheus.wait_for("sum(active_requests_ended_total)", ended)
        # One stays in flight.
        held = send(cls.proxy, "demo:demo-h600000", some=0)
        cls.addClassCleanup(held.close)
        cls.prometheus.wait_for('sum(active_requests{phase="waiting"})', 1)

    def test_its_numbers_are_those_of_the_totals(self):
        totals = self.proxy.get("/metrics/running-totals?include_active=false")
        for expression, expected in [
            ("sum(active_requests)", totals["active_requests"]),
            ("sum(active_requests_ended_total)", totals["total_requests"]),
            ('sum(active_requests_ended_total{outcome="completed"})', totals["total_requests"] - totals["total_errors"]),
            ('sum(active_requests_ended_total{outcome="client_disconnect"})', 2),
            ('sum(gen_ai_server_request_duration_seconds_count{error_type="rate_limit"})', 2),
            ("sum(gen_ai_server_request_duration_seconds_count)", totals["total_requests"]),
            ('sum(gen_ai_server_request_duration_seconds_count{gen_ai_operation_name="chat"})', totals["total_requests"]),
            ("sum(active_requests_unpriced_total)", totals["unpriced_requests"]),
            ("count(active_requests_build_info)", 1),
        ]:
            self.prometheus.wait_for(expression, expected)
        cost = self.prometheus.value("sum(active_requests_cost_usd_total)")
        self.assertAlmostEqual(cost, totals["total_cost_usd"], places=12)
        self.assertGreater(cost, 0)
        # Estimates are not counted.
        completed = [trace for trace in self.proxy.traces() if trace["outcome"] == "completed"]
        reported = [trace for trace in completed if trace["usage_source"] == "reported"]
        self.assertTrue(0 < len(reported) < len(completed))
        for token_type in ("input", "output"):
            name = f'gen_ai_client_token_usage_sum{{gen_ai_token_type="{token_type}",error_type=""}}'
            tokens = sum(trace[f"{token_type}_tokens"] for trace in reported)
            self.prometheus.wait_for(f"sum({name})", tokens)

    def test_the_first_tokens_add_up_to_those_of_the_traces(self):
        histogram = "gen_ai_server_time_to_first_token_seconds"
        streamed = [trace for trace in self.proxy.traces() if trace["is_streaming"] and trace["time_to_first_token_ms"] is not None]
        self.prometheus.wait_for(f"sum({histogram}_count)", len(streamed))
        total = self.prometheus.value(f"sum({histogram}_sum)") * 1000
        whole = sum(trace["time_to_first_token_ms"] for trace in streamed)
        self.assertTrue(whole <= total <= whole + len(streamed), (total, whole))

    def test_every_expression_of_the_dashboard_gives_a_result(self):
        dashboard = json.loads(DASHBOARD.read_text())
        panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
        self.assertGreater(len(panels), 10)
        for panel in panels:
            for target in panel["targets"]:
                self.assertEqual(target["datasource"]["uid"], "${datasource}", panel["title"])
                expression = target["expr"].replace("$__rate_interval", "5m").replace("$provider", ".*").replace("$model", ".*")
                self.assertNotIn("$", expression)
                with self.subTest(panel=panel["title"], expression=expression):
                    self.prometheus.wait_for_result(expression)
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                metric = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
                expression = f"count by ({metric[2]}) ({metric[1].replace('$provider', '.*')})"
                self.prometheus.wait_for_result(expression)

    def test_every_expression_of_the_alerts_gives_a_result(self):
        [group] = self.prometheus.ask("rules")["groups"]
        self.assertEqual(len(group["rules"]), ALERTS.read_text().count("- alert:"))
        for rule in group["rules"]:
            self.assertEqual(rule["lastError"] if "lastError" in rule else "", "", rule["name"])
            # A comparison that does not hold gives nothing; as `bool` it gives 0.
            expression = re.sub(r" (==|[<>]=?) ", r" \1 bool ", rule["query"])
            with self.subTest(rule=rule["name"], expression=expression):
                if rule["name"] in self.WITHOUT_RESULT:
                    self.assertEqual(self.prometheus.query(expression), [])
                else:
                    self.prometheus.wait_for_result(expression)


if __name__ == "__main__":
    unittest.main()
