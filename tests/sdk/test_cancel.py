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

    def cancel(self):
        """Cancels the only request, once it is there."""
        for _ in range(1000):
            snapshot = self.proxy.get("/metrics/active-requests")
            self.assertTrue(snapshot["can_cancel"])
            if snapshot["active_requests"]:
                break
            time.sleep(0.01)
        [row] = snapshot["active_requests"]
        url = f"{self.proxy.url}/metrics/active-requests/{row['request_id']}"
        request = urllib.request.Request(url, method="DELETE", headers={"x-api-key": KEY})
        with urllib.request.urlopen(request, timeout=20) as response:
            self.assertEqual(response.status, 202)
            self.assertEqual(json.load(response)["request_id"], row["request_id"])

    def check_stream(self, stream, error, model):
        """Cancels after the first event."""
        events = iter(stream)
        next(events)
        self.cancel()
        with self.assertRaises(error) as raised:
            list(events)
        self.assertEqual(self.proxy.trace_of(model)["outcome"], "killed")
        return raised.exception

    def test_openai_chat(self):
        model = "demo:demo-c1000-d20"
        stream = self.openai.chat.completions.create(model=model, messages=MESSAGES, stream=True)
        error = self.check_stream(stream, openai.APIError, model)
        self.assertIn(WORDS, str(error))

    def test_openai_responses(self):
        model = "demo-c1001-d20"
        stream = self.openai.responses.create(model=model, input="What is in flight?", stream=True)
        # Its error event is one that the caller is handed; then the stream breaks off.
        self.check_stream(stream, Exception, model)

    def test_anthropic(self):
        model = "demo-c1002-d20"
        stream = self.anthropic.messages.create(model=model, max_tokens=9, messages=MESSAGES, stream=True)
        error = self.check_stream(stream, anthropic.APIError, model)
        self.assertIn(WORDS, str(error))

    def check_head(self, model, ask, error):
        """Cancels before the head. Whoever is told not to try again sends one request."""
        with self.subTest(model):
            canceller = threading.Thread(target=self.cancel)
            canceller.start()
            with self.assertRaises(error) as raised:
                ask()
            canceller.join()
            self.assertIn(WORDS, str(raised.exception))
            self.assertEqual(raised.exception.status_code, 503)
            self.assertEqual(self.proxy.trace_of(model)["outcome"], "killed", "and it has not been sent again")

    def test_before_the_head(self):
        chat, messages = "demo:demo-c1-h5000", "demo-c2-h5000"
        self.check_head(
            chat, lambda: self.openai.chat.completions.create(model=chat, messages=MESSAGES), openai.APIStatusError
        )
        self.check_head(
            messages,
            lambda: self.anthropic.messages.create(model=messages, max_tokens=9, messages=MESSAGES),
            anthropic.APIStatusError,
        )
