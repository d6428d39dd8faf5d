"""The proxy's spans, as a collector gets them."""

import json
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from collector import Collector, attributes, upstream
from stand import KEY, PROGRAM, Proxy

SERVER, ERROR, UNSET = 2, 2, 0
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PROMPT = "a prompt that nobody else should see"
# Sent when the program ends, and no sooner.
AT_END = {"OTEL_BSP_SCHEDULE_DELAY": "3600000"}


def ask(proxy, model, headers={}, stream=False):
    """A chat request; returns the status and the whole answer, as far as it came."""
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": PROMPT}]}
    if stream:
        body["stream_options"] = {"include_usage": True}
    headers = {"x-api-key": KEY, "content-type": "application/json", **headers}
    request = urllib.request.Request(f"{proxy.url}/v1/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            try:
                return response.status, response.read()
            except Exception as error:
                return response.status, error
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class LoggedProxy(Proxy):
    """A proxy whose log can be read once it has ended."""

    def __enter__(self):
        self.file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [PROGRAM], env=self.settings, stdout=subprocess.PIPE, stderr=self.file, text=True
        )
        self.url = self.process.stdout.readline().split()[1].removesuffix("/v1")
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.file.seek(0)
        self.log = self.file.read()
        self.file.close()


class Spans(unittest.TestCase):
    def spans(self, use, **settings):
        """The collector, once `use` has been through with a proxy of these settings."""
        with Collector() as collector:
            with Proxy(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **AT_END, **settings) as proxy:
                use(proxy)
            return collector

    def only_span(self, use, **settings):
        [span] = self.spans(use, **settings).spans
        return span

    def test_a_stream(self):
        times, entries = [], []

        def use(proxy):
            times.append(time.time_ns())
            status, _ = ask(proxy, "demo:demo-c20-d5", stream=True)
            times.append(time.time_ns())
            self.assertEqual(status, 200)
            entries.append(proxy.trace_of("demo:demo-c20-d5"))

        collector = self.spans(use)
        [span], [entry] = collector.spans, entries
        self.assertEqual((span.name, span.kind, span.status.code), ("chat demo-c20-d5", SERVER, UNSET))
        self.assertEqual((len(span.trace_id), len(span.span_id), span.parent_span_id), (16, 8, b""))
        told = attributes(span)
        self.assertEqual(told["active_requests.request_id"], entry["request_id"])
        self.assertEqual(told["gen_ai.usage.input_tokens"], entry["input_tokens"])
        self.assertEqual(told["gen_ai.usage.output_tokens"], entry["output_tokens"])
        expected = {
            "http.request.method": "POST",
            "url.path": "/v1/chat/completions",
            "http.response.status_code": 200,
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "demo",
            "gen_ai.request.model": "demo-c20-d5",
            "gen_ai.response.model": "demo-c20-d5",
            "gen_ai.response.finish_reasons": ["stop"],
            "active_requests.outcome": "completed",
            "active_requests.is_streaming": True,
        }
        self.assertEqual(told | expected, told)
        self.assertNotIn("error.type", told)
        [first] = span.events
        self.assertEqual(first.name, "gen_ai.first_token")
        before, after = times
        moments = [before, span.start_time_unix_nano, first.time_unix_nano, span.end_time_unix_nano, after]
        self.assertEqual(moments, sorted(moments))
        lasted = (span.end_time_unix_nano - span.start_time_unix_nano) // 1_000_000
        self.assertAlmostEqual(lasted, entry["duration_ms"], delta=1)
        since = (first.time_unix_nano - span.start_time_unix_nano) // 1_000_000
        self.assertEqual(since, entry["time_to_first_token_ms"])
        # 19 pauses of 5 ms.
        self.assertGreaterEqual(lasted - since, 90)
        self.assertEqual(collector.resource["service.name"], "active-requests-proxy")
        [(path, headers, _)] = collector.calls
        self.assertEqual((path, headers["content-type"]), ("/v1/traces", "application/x-protobuf"))

    def test_the_client_s_span_is_the_parent_and_the_upstream_is_told_of_ours(self):
        with upstream() as provider:
            settings = {"MOCK_BASE_URL": provider.url, "MOCK_API_KEY": "sk-mock"}
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1,other=2"}
            span = self.only_span(lambda proxy: ask(proxy, "mock:m", headers), **settings)
        self.assertEqual((span.trace_id.hex(), span.parent_span_id.hex()), (TRACE, PARENT))
        self.assertEqual(span.trace_state, "vendor=1,other=2")
        [sent] = provider.headers
        self.assertEqual(sent["traceparent"], f"00-{TRACE}-{span.span_id.hex()}-01")
        self.assertEqual(sent["tracestate"], "vendor=1,other=2")
        self.assertEqual(attributes(span)["gen_ai.response.model"], "m-2")

    def test_a_client_that_does_not_sample_is_obeyed(self):
        with upstream() as provider:
            settings = {"MOCK_BASE_URL": provider.url, "MOCK_API_KEY": "sk-mock"}
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
            collector = self.spans(lambda proxy: ask(proxy, "mock:m", headers), **settings)
        self.assertEqual(collector.spans, [])
        [sent] = provider.headers
        self.assertRegex(sent["traceparent"], f"^00-{TRACE}-[0-9a-f]{{16}}-00$")
        self.assertNotIn(PARENT, sent["traceparent"])

    def test_without_a_valid_parent_a_trace_begins(self):
        with upstream() as provider:
            settings = {"MOCK_BASE_URL": provider.url, "MOCK_API_KEY": "sk-mock"}
            headers = {"traceparent": f"ff-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
            span = self.only_span(lambda proxy: ask(proxy, "mock:m", headers), **settings)
        self.assertEqual(span.parent_span_id, b"")
        [sent] = provider.headers
        self.assertEqual(sent["traceparent"], f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01")
        self.assertNotEqual(span.trace_id.hex(), TRACE)
        self.assertIsNone(sent["tracestate"])

    def test_the_sampler_decides_where_no_client_does(self):
        ratio = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1"}
        for sampler, count in [({"OTEL_TRACES_SAMPLER": "always_off"}, 0), (ratio, 1)]:
            with self.subTest(sampler):
                collector = self.spans(lambda proxy: ask(proxy, "demo:demo-c1"), **sampler)
                self.assertEqual(len(collector.spans), count)

    def test_headers_pass_untouched_where_no_spans_are_asked_for(self):
        headers = {"traceparent": "not even valid", "tracestate": "vendor=1"}
        with Collector() as collector, upstream() as provider:
            mock = {"MOCK_BASE_URL": provider.url, "MOCK_API_KEY": "sk-mock"}
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
            for settings in [
                {},
                {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
                {"OTEL_SDK_DISABLED": "true", **endpoint},
                {"OTEL_TRACES_EXPORTER": "none", **endpoint},
                {"OTEL_PROPAGATORS": "none", **endpoint},
            ]:
                with self.subTest(settings), Proxy(**mock, **settings) as proxy:
                    ask(proxy, "mock:m", headers)
                    sent = provider.headers.pop()
                    self.assertEqual({name: sent[name] for name in headers}, headers)
            # That of the proxy which has no propagator.
            self.assertEqual(len(collector.spans), 1)

    def test_errors(self):
        table = [
            ("demo:demo-e429", 429, "upstream_error", "rate_limit"),
            ("demo:demo-c10-d1-x3", 200, "body_error", "streaming_error"),
        ]
        for model, status, outcome, error_type in table:
            with self.subTest(model):
                span = self.only_span(lambda proxy: self.assertEqual(ask(proxy, model, stream=True)[0], status))
                self.assertEqual((span.status.code, span.status.message), (ERROR, outcome))
                told = attributes(span)
                self.assertEqual((told["error.type"], told["active_requests.outcome"]), (error_type, outcome))
                self.assertEqual(told["http.response.status_code"], status)
                self.assertNotIn("gen_ai.usage.output_tokens", told, "an estimate is no usage")

    def test_a_request_that_is_killed(self):
        def use(proxy):
            asking = threading.Thread(target=ask, args=(proxy, "demo:demo-h60000"))
            asking.start()
            while not (rows := proxy.get("/metrics/active-requests")["active_requests"]):
                time.sleep(0.01)
            url = f"{proxy.url}/metrics/active-requests/{rows[0]['request_id']}"
            request = urllib.request.Request(url, method="DELETE", headers={"x-api-key": KEY})
            urllib.request.urlopen(request, timeout=20).close()
            asking.join(timeout=20)

        span = self.only_span(use, VDM_ACTIVE_REQUESTS_ALLOW_CANCEL="true")
        self.assertEqual((span.status.code, span.status.message), (ERROR, "killed"))
        self.assertEqual(len(span.events), 0)

    def test_a_span_holds_no_secret(self):
        def use(proxy):
            headers = {"authorization": "Bearer sk-of-the-client", "x-session": "of-nobody-elses-business"}
            ask(proxy, "mock:m", headers)
            ask(proxy, "demo:demo-e401", headers)

        with upstream() as provider:
            settings = {"MOCK_BASE_URL": provider.url, "MOCK_API_KEY": "sk-mock", "PROXY_DEMO": "never"}
            collector = self.spans(use, **settings, VDM_ACTIVE_REQUESTS_LABELS="x-session")
        self.assertEqual(len(collector.spans), 2)
        for _, _, body in collector.calls:
            for secret in [PROMPT, KEY, "sk-", "business", "Bearer", provider.url]:
                self.assertNotIn(secret.encode(), body)

    def test_settings_of_the_sdk(self):
        collector = self.spans(
            lambda proxy: ask(proxy, "demo:demo-c1"),
            OTEL_SERVICE_NAME="my-gateway",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test,team=blue%20sky",
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=a%20b",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            # The one that is about spans counts.
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
        )
        [(_, headers, _)] = collector.calls
        self.assertEqual((headers["x-tenant"], headers["content-encoding"]), ("a b", "gzip"))
        self.assertEqual(collector.resource["service.name"], "my-gateway")
        self.assertEqual(collector.resource["deployment.environment.name"], "test")

    def test_an_endpoint_of_its_own_is_taken_as_it_is(self):
        with Collector() as collector:
            own = f"{collector.url}/own/path"
            settings = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": own, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
            with Proxy(**settings, **AT_END) as proxy:
                ask(proxy, "demo:demo-c1")
            self.assertEqual([path for path, _, _ in collector.calls], ["/own/path"])

    def test_a_collector_that_does_not_take_spans_costs_requests_nothing(self):
        for what, status in [("it refuses", 400), ("it never answers", None), ("it is not there", 0)]:
            with self.subTest(what), Collector(status) as collector:
                endpoint = collector.url if status != 0 else "http://127.0.0.1:1"
                settings = {"OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_BSP_MAX_QUEUE_SIZE": "4"}
                timeout = {"OTEL_EXPORTER_OTLP_TIMEOUT": "400"}
                with LoggedProxy(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **settings, **timeout) as proxy:
                    for _ in range(30):
                        self.assertEqual(ask(proxy, "demo:demo-c1")[0], 200)
                self.assertIn("spans were lost lost=30", proxy.log)
                self.assertEqual(proxy.log.count("spans are being lost"), 1)

    def test_spans_that_arrive_again_are_told_of(self):
        with Collector(400) as collector:
            settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "1", "RUST_LOG": "info"}
            with LoggedProxy(**settings) as proxy:
                ask(proxy, "demo:demo-c1")
                while not collector.calls:
                    time.sleep(0.01)
                collector.status = 200
                ask(proxy, "demo:demo-c1")
            self.assertEqual(len(collector.spans), 1)
        self.assertIn("the collector takes spans again lost=1", proxy.log)
        self.assertIn("spans were lost lost=1", proxy.log)

    def test_a_setting_that_cannot_be_stops_the_start(self):
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
        table = [
            ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, "http://localhost:4318"),
            ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "grpc://host"}, "http://localhost:4318"),
            ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf"),
            ({"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "zstd"}, "gzip, none"),
            ({"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, "a whole number from 1"),
            ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem"}, "PROXY_CA_FILE"),
            ({"OTEL_TRACES_EXPORTER": "zipkin"}, "otlp, none"),
            ({"OTEL_SDK_DISABLED": "maybe"}, "true, false"),
            ({"OTEL_TRACES_SAMPLER": "sometimes"}, "parentbased_always_on"),
            ({"OTEL_TRACES_SAMPLER": "traceidratio"}, "OTEL_TRACES_SAMPLER_ARG is missing"),
            ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "a number from 0 to 1"),
            ({"OTEL_BSP_MAX_QUEUE_SIZE": "0"}, "from 1 to 1000000"),
            ({"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "2049"}, "from 1 to 2048"),
            ({"OTEL_RESOURCE_ATTRIBUTES": "nothing"}, "key1=value1"),
            ({"OTEL_PROPAGATORS": "b3"}, "tracecontext, baggage"),
        ]
        for setting, expected in table:
            with self.subTest(setting):
                name = list(setting)[-1]
                error = self.refusal({**endpoint, **setting})
                self.assertTrue(error.startswith("OTEL_"), error)
                self.assertIn(name, error + "OTEL_TRACES_SAMPLER")
                self.assertIn(expected, error)
        error = self.refusal({**endpoint, "OTEL_EXPORTER_OTLP_HEADERS": "x-ok=1,authorization: Bearer sk-secret"})
        self.assertIn("its part 2 is no header", error)
        self.assertNotIn("sk-secret", error)

    def refusal(self, settings):
        program = subprocess.run([PROGRAM], env={"PORT": "0", **settings}, capture_output=True, text=True, timeout=20)
        self.assertEqual(program.returncode, 2, program.stderr)
        return program.stderr


if __name__ == "__main__":
    unittest.main()
