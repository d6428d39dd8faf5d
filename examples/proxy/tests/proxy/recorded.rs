//! Recorded answers of real providers, sent through the proxy. They are no part of the repository.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{LAST_CHUNK, Mock, Running, chunk, post};

/// The directory of the recordings: `manifest.jsonl`, and the files that it names.
const RECORDINGS: &str = "ACTIVE_REQUESTS_RECORDINGS";

struct Recording {
    facts: Value,
    body: Vec<u8>,
    /// The request's body, if that was recorded too.
    request: Option<String>,
}

fn recordings() -> Vec<Recording> {
    let corpus = PathBuf::from(std::env::var_os(RECORDINGS).expect("ACTIVE_REQUESTS_RECORDINGS names their directory"));
    let manifest = std::fs::read_to_string(corpus.join("manifest.jsonl")).expect("a manifest.jsonl in that directory");
    let read = |line: &str| {
        let facts: Value = serde_json::from_str(line).unwrap();
        let file = |key: &str| facts[key].as_str().map(|file: &str| -> PathBuf { corpus.join(file) });
        let body = std::fs::read(file("file").unwrap()).unwrap();
        let request = file("request_file").map(|file| std::fs::read_to_string(file).unwrap());
        Recording { facts, body, request }
    };
    let recordings: Vec<_> = manifest.lines().map(read).collect();
    assert!(!recordings.is_empty(), "there are recordings in {}", corpus.display());
    recordings
}

impl Recording {
    fn word(&self, key: &str) -> &str {
        self.facts[key].as_str().unwrap_or_default()
    }

    /// The answer as an upstream would send it.
    fn answer(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\n", self.word("content_type"));
        if let Some(encoding) = self.facts["content_encoding"].as_str() {
            head += &format!("content-encoding: {encoding}\r\n");
        }
        let mut answer = (head + "transfer-encoding: chunked\r\n\r\n").into_bytes();
        for piece in self.body.chunks(997) {
            answer.extend(chunk(piece));
        }
        answer.extend(LAST_CHUNK);
        answer
    }

    /// The request, by the provider's own path.
    fn native(&self) -> String {
        let path = self.facts["api_path"].as_str().unwrap_or("/v1/x").replace(['<', '>'], "");
        post(&format!("/oai{path}"), "content-type: application/json\r\n", self.request.as_deref().unwrap_or("{}"))
    }

    /// The request, by the route for its format; `None` where there is none.
    fn by_model(&self) -> Option<String> {
        let (path, provider) = match self.word("dialect") {
            "openai-chat" => ("/v1/chat/completions", "oai"),
            "openai-responses" => ("/v1/responses", "oai"),
            "openai-completions" => ("/v1/completions", "oai"),
            "anthropic" => ("/v1/messages", "cld"),
            _ => return None,
        };
        let model = self.facts["request"]["model"].as_str().unwrap_or("recorded");
        let mut request: Value = serde_json::from_str(self.request.as_deref().unwrap_or("{}")).unwrap();
        request["model"] = format!("{provider}:{model}").into();
        Some(post(path, "", &request.to_string()))
    }

    /// The differences between the trace and what it should say.
    fn differences(&self, trace: &Value) -> Vec<String> {
        let expected = &self.facts["expected"];
        if !expected["ambiguous"].is_null() {
            return Vec::new();
        }
        let count = |key: &str| expected[key].as_u64().unwrap_or(0).into();
        // Some servers send the number of the reason.
        let reason = match &expected["finish_reason"] {
            Value::Number(number) => number.to_string().into(),
            reason => reason.clone(),
        };
        let mut checks = vec![
            ("input_tokens", count("input_tokens_total")),
            ("cache_read_tokens", count("cache_read_tokens")),
            ("cache_creation_tokens", count("cache_creation_tokens")),
            ("tool_call_count", count("tool_call_count")),
        ];
        if !expected["output_tokens_total"].is_null() {
            checks.push(("output_tokens", count("output_tokens_total")));
        }
        if !reason.is_null() {
            checks.push(("finish_reason", reason));
        }
        if !expected["model"].is_null() {
            checks.push(("model", expected["model"].clone()));
        }
        let differs = |(key, expected): &(&str, Value)| trace[*key] != *expected;
        let told = |(key, expected)| format!("{key} is {} instead of {expected}", trace[key]);
        checks.into_iter().filter(differs).map(told).collect()
    }
}

#[tokio::test]
#[ignore = "recordings are not part of the project: `make test` runs this where ACTIVE_REQUESTS_RECORDINGS names them"]
async fn recorded_answers_pass_unchanged_and_are_counted_right() {
    let mut mock = Mock::start().await;
    let url = mock.url("");
    let proxy =
        Running::start(&[], &[("OAI_BASE_URL", &url), ("CLD_BASE_URL", &url), ("CLD_API_FORMAT", "anthropic")]).await;
    let mut wrong = Vec::new();
    for recording in recordings() {
        let answer = recording.answer();
        for request in [Some(recording.native()), recording.by_model()].into_iter().flatten() {
            let (got, _) = tokio::join!(proxy.ask(&request), mock.serve(&answer));
            assert!(got.body == recording.body, "{} has been changed", recording.word("file"));
            proxy.quiet().await;
            let trace = serde_json::to_value(&proxy.tracker.recent_traces(1)[0]).unwrap();
            let file = recording.word("file");
            wrong.extend(recording.differences(&trace).into_iter().map(|what| format!("{file}: {what}")));
        }
    }
    assert_eq!(json!(wrong), json!([]));
}
