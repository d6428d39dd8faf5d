"""An upstream that replays: a request for a model is answered with the recording of that name.

Our own recordings are written by hand from the description of each format and stand in `recordings/`, where a name
begins with its format. Recorded answers of real providers are taken too, where they are at hand. `NAME.gz` is answered
in gzip. What a provider would refuse (another path, another key, a coding that was not offered) is refused with a
sentence.
"""

import collections
import json
import math
import re
import threading
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

OWN = Path(__file__).resolve().parent / "recordings"
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
KEY = "key-of-the-provider"
SAMPLE = 12

PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/{version}/models/{model}:{method}",
    "cohere": "/v2/chat",
    "ollama": "/api/chat",
}
CONTENT_TYPES = {
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".sse": "text/event-stream; charset=utf-8",
}
# What the formats are called in the corpus.
CORPUS_NAMES = {
    "openai-chat": "chat",
    "openai-completions": "completions",
    "openai-responses": "responses",
    "anthropic": "messages",
    "gemini": "gemini",
    "cohere-v2": "cohere",
    "ollama": "ollama",
}


class Recording(NamedTuple):
    name: str
    streaming: bool
    file: Path
    content_type: str
    is_own: bool

    @property
    def format(self):
        return self.name.split("-")[0]

    @property
    def size(self):
        return self.file.stat().st_size


def own_recordings():
    for file in sorted(OWN.iterdir()):
        yield Recording(file.stem, file.suffix != ".json", file, CONTENT_TYPES[file.suffix], True)


def corpus_recordings():
    """A sample of each format, of what an SDK can read. (Other tests hold all of the corpus against the traces.)"""
    if not (CORPUS / "manifest.jsonl").exists():
        return
    found = collections.defaultdict(list)
    for line in (CORPUS / "manifest.jsonl").read_text().splitlines():
        facts = json.loads(line)
        format, expected = CORPUS_NAMES.get(facts["dialect"]), facts["expected"]
        is_stream = facts["kind"] == "recorded" and facts["sdk_verified"]
        is_whole = facts["kind"] == "recorded-nonstream" and not expected.get("error")
        # Some servers send the number of a finish reason, and some files end within an event: not every SDK takes that.
        is_sound = isinstance(expected.get("finish_reason"), str) and not facts.get("framing", {}).get("tail")
        reads = expected.get("usage_reported") and is_sound
        # Ollama's other way of asking.
        other = facts.get("api_path") == "/api/generate"
        if format and (is_stream or is_whole) and reads and not other:
            name = f"{format}-{facts['id'].replace('/', '-')}"
            file = CORPUS / facts["file"]
            found[format, is_stream].append(Recording(name, is_stream, file, facts["content_type"], False))
    for recordings in found.values():
        yield from recordings[:: math.ceil(len(recordings) / SAMPLE)]


class Refused(Exception):
    """Says what the request should have been."""


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            recording, gzip = self.asked(request)
        except Refused as refused:
            return self.refuse(str(refused))
        self.send_response(200)
        self.send_header("content-type", recording.content_type)
        if gzip:
            self.send_header("content-encoding", "gzip")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        body = recording.file.read_bytes()
        # Pieces that end anywhere: inside events, lines and characters.
        size = max(61, len(body) // 64)
        coder = zlib.compressobj(wbits=31)
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            self.send_piece(coder.compress(piece) + coder.flush(zlib.Z_SYNC_FLUSH) if gzip else piece)
        if gzip:
            self.send_piece(coder.flush())
        self.wfile.write(b"0\r\n\r\n")

    def asked(self, request):
        path = urllib.parse.urlsplit(self.path).path
        # Gemini is told in the path what others are told in the body.
        in_path = re.fullmatch(r"/(?P<version>v1|v1beta)/models/(?P<model>[^/:]+):(?P<method>\w+)", path)
        told = in_path.groupdict() if in_path else request
        model = told.get("model", "")
        streaming = told["method"] == "streamGenerateContent" if in_path else request.get("stream", False)
        name = model.removesuffix(".gz")
        recording = self.server.recordings.get((name, streaming))
        if not recording:
            raise Refused(f"there is no recording {name!r} with streaming={streaming} at {path}")
        expected = PATHS[recording.format].format_map(told)
        if path != expected:
            raise Refused(f"{name} is to be had at {expected}, not at {path}")
        keys = [self.headers[name] for name in ("authorization", "x-api-key", "x-goog-api-key") if name in self.headers]
        if [key.removeprefix("Bearer ") for key in keys] != [KEY]:
            raise Refused("the provider's key has to come, and no other")
        if model != name and "gzip" not in self.headers.get("accept-encoding", ""):
            raise Refused("gzip was not offered")
        return recording, model != name

    def send_piece(self, piece):
        if piece:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def refuse(self, message):
        body = json.dumps({"error": {"type": "invalid_request_error", "message": message}}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The tests tell what went wrong."""


class Upstream(ThreadingHTTPServer):
    """Listens on a free port of the loopback as long as it is entered."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Replay)
        recordings = [*own_recordings(), *corpus_recordings()]
        self.recordings = {(recording.name, recording.streaming): recording for recording in recordings}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
