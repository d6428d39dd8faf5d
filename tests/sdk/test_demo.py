"""The official SDKs talk to the simulated provider through the proxy; the numbers they report stand in the traces."""

import unittest

import anthropic
import openai

from stand import KEY, Proxy

MESSAGES = [{"role": "user", "content": "What is in flight right now? " * 20}]


class ThroughTheProxy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxy = cls.enterClassContext(Proxy())
        base, key = cls.proxy.url, {"api_key": KEY, "max_retries": 0}
        cls.openai = cls.enterClassContext(openai.OpenAI(base_url=f"{base}/v1", **key))
        cls.anthropic = cls.enterClassContext(anthropic.Anthropic(base_url=base, **key))

    def check(self, model, input_tokens, output_tokens, cached, streaming, path):
        entry = self.proxy.trace_of(model)
        self.assertEqual(entry["input_tokens"], input_tokens)
        self.assertEqual(entry["output_tokens"], output_tokens)
        self.assertEqual(entry["cache_read_tokens"], cached)
        self.assertEqual(entry["usage_source"], "reported")
        self.assertEqual(entry["is_streaming"], streaming)
        self.assertEqual((entry["outcome"], entry["status"], entry["http_status"]), ("completed", "ok", 200))
        self.assertEqual((entry["provider"], entry["path"]), ("demo", path))
        self.assertEqual(entry["model"], model.removeprefix("demo:"))
        self.assertGreater(output_tokens, 0)

    def check_chat(self, model, usage, streaming):
        cached = usage.prompt_tokens_details.cached_tokens
        path = "/v1/chat/completions"
        self.check(model, usage.prompt_tokens, usage.completion_tokens, cached, streaming, path)

    def check_responses(self, model, usage, streaming):
        cached = usage.input_tokens_details.cached_tokens
        self.check(model, usage.input_tokens, usage.output_tokens, cached, streaming, "/v1/responses")

    def check_messages(self, model, usage, streaming):
        cached = usage.cache_read_input_tokens
        total = usage.input_tokens + cached + usage.cache_creation_input_tokens
        self.check(model, total, usage.output_tokens, cached, streaming, "/v1/messages")

    def test_chat(self):
        answer = self.openai.chat.completions.create(model="demo:demo-c11-d0", messages=MESSAGES)
        self.assertTrue(answer.choices[0].message.content.startswith("Every request"))
        self.check_chat("demo:demo-c11-d0", answer.usage, streaming=False)

    def test_chat_stream(self):
        model = "demo:demo-c12-d1"
        stream = self.openai.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
        self.assertEqual(sum(1 for chunk in chunks if chunk.choices and chunk.choices[0].delta.content), 12)
        self.check_chat(model, chunks[-1].usage, streaming=True)

    def test_responses(self):
        answer = self.openai.responses.create(model="demo-c13-d0", input=MESSAGES[0]["content"])
        self.assertTrue(answer.output_text.startswith("Every request"))
        self.check_responses("demo-c13-d0", answer.usage, streaming=False)

    def test_responses_stream(self):
        with self.openai.responses.stream(model="demo-c14-d1", input=MESSAGES[0]["content"]) as stream:
            deltas = [event for event in stream if event.type == "response.output_text.delta"]
            answer = stream.get_final_response()
        self.assertEqual(len(deltas), 14)
        self.check_responses("demo-c14-d1", answer.usage, streaming=True)

    def test_messages(self):
        answer = self.anthropic.messages.create(model="demo-c15-d0", max_tokens=100, messages=MESSAGES)
        self.assertTrue(answer.content[0].text.startswith("Every request"))
        self.check_messages("demo-c15-d0", answer.usage, streaming=False)

    def test_messages_stream(self):
        with self.anthropic.messages.stream(model="demo-c16-d1", max_tokens=100, messages=MESSAGES) as stream:
            self.assertEqual(len(list(stream.text_stream)), 16)
            answer = stream.get_final_message()
        self.check_messages("demo-c16-d1", answer.usage, streaming=True)

    def test_native_routes(self):
        native = openai.OpenAI(base_url=f"{self.proxy.url}/demo/v1", api_key=KEY, max_retries=0)
        self.addCleanup(native.close)
        answer = native.chat.completions.create(model="demo-c17-d0", messages=MESSAGES)
        self.assertEqual(answer.usage.completion_tokens, 17)
        self.assertEqual(self.proxy.trace_of("demo-c17-d0")["output_tokens"], 17)

    def test_errors_have_the_sdks_own_classes(self):
        with self.assertRaises(openai.RateLimitError):
            self.openai.chat.completions.create(model="demo-e429", messages=MESSAGES)
        with self.assertRaises(anthropic.RateLimitError):
            self.anthropic.messages.create(model="demo-e429", max_tokens=1, messages=MESSAGES)
        stranger = openai.OpenAI(base_url=f"{self.proxy.url}/v1", api_key="wrong", max_retries=0)
        self.addCleanup(stranger.close)
        with self.assertRaises(openai.AuthenticationError) as refused:
            stranger.chat.completions.create(model="demo", messages=MESSAGES)
        self.assertNotIn(KEY, str(refused.exception))
        stranger = anthropic.Anthropic(base_url=self.proxy.url, api_key="wrong", max_retries=0)
        self.addCleanup(stranger.close)
        with self.assertRaises(anthropic.AuthenticationError):
            stranger.messages.create(model="demo", max_tokens=1, messages=MESSAGES)

    def test_the_other_routes(self):
        self.assertIn("demo-c200-d20", [model.id for model in self.openai.models.list()])
        counted = self.anthropic.messages.count_tokens(model="demo", messages=MESSAGES)
        self.assertGreater(counted.input_tokens, 0)
        self.assertEqual(len(self.openai.embeddings.create(model="demo", input="x").data), 1)

    def test_a_client_that_leaves_is_told_apart(self):
        stream = self.openai.chat.completions.create(model="demo-c500-d20", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
        self.assertEqual(self.proxy.trace_of("demo-c500-d20")["outcome"], "client_disconnect")


if __name__ == "__main__":
    unittest.main()
