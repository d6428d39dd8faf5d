"""OpenAI's SDK speaks its Realtime API through the proxy; both ends compress their messages, as they do by default."""

import contextlib
import json
import threading
import time
import unittest

import openai
from websockets.sync.server import serve

from stand import KEY, Proxy

PROVIDER_KEY = "key-of-the-provider"


class Provider:
    """Answers each `response.create` with a transcript and the usage of that answer."""

    def __init__(self):
        self.asked = []

    def __call__(self, socket):
        self.asked.append(socket.request)
        socket.send(json.dumps({"type": "session.created", "session": {"model": "gpt-realtime-2"}}))
        for message in socket:
            if json.loads(message)["type"] == "response.create":
                self.answer(socket)

    def answer(self, socket):
        details = {"cached_tokens": 64, "text_tokens": 40, "audio_tokens": 60}
        usage = {"total_tokens": 130, "input_tokens": 100, "output_tokens": 30, "input_token_details": details}
        for event in [
            {"type": "response.created", "response": {"id": "resp_1", "object": "realtime.response"}},
            {"type": "response.output_audio_transcript.delta", "delta": "Good day", "item_id": "i", "response_id": "r"},
            {"type": "response.output_audio.delta", "delta": "UklG" * 5000, "item_id": "i", "response_id": "r"},
            {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": usage}},
        ]:
            socket.send(json.dumps(event))

    @contextlib.contextmanager
    def serving(self):
        with serve(self, "127.0.0.1", 0) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.socket.getsockname()[1]}/v1"
            server.shutdown()


class Realtime(unittest.TestCase):
    def test_a_session_is_counted_while_it_goes_on_and_when_it_ends(self):
        provider = Provider()
        with provider.serving() as base, Proxy(OPENAI_BASE_URL=base, OPENAI_API_KEY=PROVIDER_KEY) as proxy:
            client = self.enterContext(openai.OpenAI(base_url=f"{proxy.url}/v1", api_key=KEY))
            with client.realtime.connect(model="openai:gpt-realtime") as connection:
                self.assertEqual(connection.recv().type, "session.created")
                for answers in [1, 2]:
                    connection.response.create()
                    while (event := connection.recv()).type != "response.done":
                        pass
                    self.assertEqual(event.response.usage.output_tokens, 30)
                    row = self.row_with(proxy, 30 * answers)
                    self.assertEqual((row["phase"], row["status"]), ("streaming", 101))
                    self.assertEqual((row["input_tokens"], row["usage_source"]), (100 * answers, "reported"))
            trace = proxy.trace_of("openai:gpt-realtime")
        self.assertEqual((trace["outcome"], trace["model"]), ("completed", "gpt-realtime-2"))
        self.assertEqual((trace["input_tokens"], trace["output_tokens"], trace["cache_read_tokens"]), (200, 60, 128))
        self.assertEqual((trace["observation"], trace["http_status"]), ("full", 101))
        [asked] = provider.asked
        self.assertEqual(asked.path, "/v1/realtime?model=gpt-realtime")
        self.assertEqual(asked.headers["authorization"], f"Bearer {PROVIDER_KEY}")
        self.assertIn("permessage-deflate", asked.headers["sec-websocket-extensions"])
        self.assertNotIn(KEY, str(asked.headers))

    def row_with(self, proxy, output_tokens):
        for _ in range(1000):
            [row] = proxy.get("/metrics/active-requests")["active_requests"]
            if row["output_tokens"] == output_tokens:
                return row
            time.sleep(0.01)
        raise TimeoutError(f"the row has {row['output_tokens']} output tokens")


if __name__ == "__main__":
    unittest.main()
