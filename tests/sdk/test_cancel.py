"""The official SDKs raise an error when their request is cancelled; none takes a cut answer for a whole one."""

import json
import threading
import time
import unittest
import urllib.request

import anthropic
import openai

from stand import KEY, Proxy

MESSAGES = [{"role": "user", "content": "What is in flight right now?"}]
WORDS = "The request was cancelled by an operator."


class Cancelled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxy = cls.enterClassContext(Proxy(VDM_ACTIVE_REQUESTS_ALLOW_CANCEL="true"))
        # With the retries that they have by default.
        cls.openai = cls.enterClassContext(openai.OpenAI(base_url=f"{cls.proxy.url}/v1", api_key=KEY))
        cls.anthropic = cls.enterClassContext(anthropic.Anthropic(base_url=cls.proxy.url, api_key=KEY))

    def cancel(self, model=""):
        """Cancels the only request, once it is there and its model is known."""
        for _ in range(1000):
            snapshot = self.proxy.get("/metrics/active-requests")
            self.assertTrue(snapshot["can_cancel"])
            if [row for row in snapshot["active_requests"] if row["requested_model"].endswith(model)]:
                break
            time.sleep(0.01)
        [row] = snapshot["active_requests"]
        url = f"{self.proxy.url}/metrics/active-requests/{row['request_id']}"
        request = urllib.request.Request(url, method="DELETE", headers={"x-api-key": KEY})
        with urllib.request.urlopen(request, timeout=20) as response:
            self.assertEqual(response.status, 202)
            self.assertEqual(json.load(response)["request_id"], row["request_id"])

    def check(self, raised, kind, message, **members):
        self.assertIs(type(raised.exception), kind)
        self.assertEqual(str(raised.exception), message)
        self.assertEqual({name: getattr(raised.exception, name) for name in members}, members)

    def ended(self, model):
        """Whoever is told not to try again sends one request."""
        self.assertEqual(self.proxy.trace_of(model)["outcome"], "killed")

    def test_in_mid_stream(self):
        chat, responses, messages = "demo:demo-c1000-d20", "demo-c1001-d20", "demo-c1002-d20"
        openai_error = {"code": "cancelled", "type": "cancelled"}
        anthropic_error = {"error": {"message": WORDS, "type": "api_error"}, "type": "error"}
        for model, ask, kind, message, members in [
            (
                chat,
                lambda: self.openai.chat.completions.create(model=chat, messages=MESSAGES, stream=True),
                openai.APIError,
                WORDS,
                openai_error,
            ),
            (
                responses,
                lambda: self.openai.responses.create(model=responses, input="What is in flight?", stream=True),
                openai.APIError,
                WORDS,
                openai_error,
            ),
            (
                messages,
                lambda: self.anthropic.messages.create(model=messages, max_tokens=9, messages=MESSAGES, stream=True),
                anthropic.APIStatusError,
                str(anthropic_error),
                {"type": "api_error", "body": anthropic_error, "status_code": 200},
            ),
        ]:
            with self.subTest(model):
                events = iter(ask())
                next(events)
                self.cancel()
                with self.assertRaises(kind) as raised:
                    list(events)
                self.check(raised, kind, message, **members)
                self.ended(model)

    def test_before_the_head(self):
        openai_error = {"error": {"code": None, "message": WORDS, "param": None, "type": "server_error"}}
        anthropic_error = {"error": {"message": WORDS, "type": "api_error"}, "type": "error"}
        openai_says = (openai.InternalServerError, f"Error code: 503 - {openai_error}")
        anthropic_says = (anthropic.ServiceUnavailableError, f"Error code: 503 - {anthropic_error}")

        def chat(model, stream):
            return self.openai.chat.completions.create(model=model, messages=MESSAGES, stream=stream)

        def responses(model, stream):
            return self.openai.responses.create(model=model, input="What is in flight?", stream=stream)

        def messages(model, stream):
            return self.anthropic.messages.create(model=model, max_tokens=9, messages=MESSAGES, stream=stream)

        asks = [(chat, *openai_says), (responses, *openai_says), (messages, *anthropic_says)]
        for number, (ask, kind, message) in enumerate(asks):
            for stream in (False, True):
                model = f"demo:demo-c{2 * number + stream + 1}-h5000"
                with self.subTest(model):
                    canceller = threading.Thread(target=self.cancel, args=[model])
                    canceller.start()
                    with self.assertRaises(kind) as raised:
                        ask(model, stream)
                    canceller.join()
                    self.check(raised, kind, message, status_code=503)
                    self.ended(model)
