//! The simulated provider behaves as the model's name says, in each format.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Running, post};

async fn start() -> Running {
    Running::start(&[], &[]).await
}

/// The data of each event.
fn events(answer: &Answer) -> Vec<String> {
    answer.text().lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

/// How many events carry a piece of text.
fn pieces(answer: &Answer, delta: &str) -> usize {
    let is_piece = |event: &&String| event.contains(delta) && !event.contains(":\"\"") && !event.contains(".done");
    events(answer).iter().filter(is_piece).count()
}

fn body(model: &str, stream: bool) -> String {
    json!({
        "model": model, "stream": stream, "max_tokens": 9,
        "messages": [{"role": "user", "content": "hello"}], "input": "hello", "prompt": "hello"
    })
    .to_string()
}

const ROUTES: [(&str, &str, &str); 4] = [
    ("/v1/chat/completions", "content", "[DONE]"),
    ("/v1/completions", "\"text\":", "[DONE]"),
    ("/v1/responses", "response.output_text.delta", "response.completed"),
    ("/v1/messages", "text_delta", "message_stop"),
];

#[tokio::test]
async fn a_stream_has_the_chunks_of_the_name_and_then_its_end_mark() {
    let proxy = start().await;
    for (path, delta, end) in ROUTES {
        for chunks in [0, 1, 7] {
            let answer = proxy.post(path, &body(&format!("demo-c{chunks}-d1"), true)).await;
            assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
            assert_eq!(pieces(&answer, delta), chunks, "{path}");
            assert!(events(&answer).last().unwrap().contains(end), "{path}");
        }
    }
}

#[tokio::test]
async fn usage_counts_the_chunks() {
    let proxy = start().await;
    for (path, key) in [
        ("/v1/chat/completions", "completion_tokens"),
        ("/v1/completions", "completion_tokens"),
        ("/v1/responses", "output_tokens"),
        ("/v1/messages", "output_tokens"),
    ] {
        let answer = proxy.post(path, &body("demo:demo-c7-d0", false)).await.json();
        assert_eq!(answer["usage"][key], 7, "{path}: {answer}");
        assert_eq!(answer["model"], "demo-c7-d0");
    }
}

#[tokio::test]
async fn a_chat_stream_reports_its_usage_only_when_it_is_asked_for() {
    let proxy = start().await;
    let mut asked: Value = serde_json::from_str(&body("demo-c3-d0", true)).unwrap();
    assert!(!proxy.post("/v1/chat/completions", &asked.to_string()).await.text().contains("usage"));
    asked["stream_options"] = json!({"include_usage": true});
    let events = events(&proxy.post("/v1/chat/completions", &asked.to_string()).await);
    let [.., last, done] = events.as_slice() else { panic!("{events:?}") };
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!((last["choices"].as_array().unwrap().len(), &last["usage"]["completion_tokens"]), (0, &json!(3)));
    assert_eq!(done, "[DONE]");
}

#[tokio::test]
async fn errors_have_the_status_of_the_name() {
    let proxy = start().await;
    for (path, ..) in ROUTES {
        for stream in [false, true] {
            let answer = proxy.post(path, &body("demo-e429", stream)).await;
            assert_eq!(answer.status(), 429, "{path}");
            assert!(answer.json()["error"]["message"].is_string());
        }
    }
}

#[tokio::test]
async fn a_cut_comes_after_the_chunks_of_the_name() {
    let proxy = start().await;
    for (path, delta, end) in ROUTES {
        let answer = proxy.post(path, &body("demo-c20-d0-x5", true)).await;
        assert_eq!(pieces(&answer, delta), 5, "{path}");
        assert!(!answer.text().contains(end), "{path}");
        let cut = proxy.post(path, &body("demo-c20-d0-x5", false)).await;
        assert!(cut.body.len() < cut.header("content-length").unwrap().parse().unwrap(), "{path}");
    }
    proxy.quiet().await;
}

#[tokio::test]
async fn a_stall_comes_after_the_chunks_of_the_name() {
    let proxy = start().await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/v1/messages", "", &body("demo-c20-d0-s3", true)).as_bytes()).await;
    let read = client.until(" stands").await;
    assert_eq!(read.matches("text_delta").count(), 3);
    assert_eq!(proxy.tracker.active(), 1);
    drop(client);
    proxy.quiet().await;
}

#[tokio::test]
async fn the_small_routes_answer_too() {
    let proxy = start().await;
    let models = proxy.ask("GET /v1/models HTTP/1.1\r\nhost: p\r\n\r\n").await.json();
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "demo-c200-d20"));
    assert!(proxy.post("/v1/embeddings", &body("demo", false)).await.json()["data"][0]["embedding"].is_array());
    assert!(proxy.post("/v1/messages/count_tokens", &body("demo", false)).await.json()["input_tokens"].is_number());
}

#[tokio::test]
async fn a_script_in_the_body_lets_a_model_have_any_name() {
    let proxy = start().await;
    for (path, delta, _) in [ROUTES[0], ROUTES[3]] {
        let mut asked: Value = serde_json::from_str(&body("demo:claude-sonnet-4-5", true)).unwrap();
        asked["metadata"] = json!({"demo": "demo-c6-d0-t2"});
        asked["stream_options"] = json!({"include_usage": true});
        let answer = proxy.post(path, &asked.to_string()).await;
        assert_eq!(pieces(&answer, delta), 6, "{path}");
        assert!(answer.text().contains("\"claude-sonnet-4-5\""), "{path}");
    }
    proxy.quiet().await;
    let traces = proxy.ask("GET /metrics/logs HTTP/1.1\r\nhost: p\r\n\r\n").await.json();
    for trace in traces["traces"].as_array().unwrap() {
        assert_eq!(trace["tool_call_count"], 2, "{trace}");
    }
}

#[tokio::test]
async fn a_chat_reasons_in_as_many_chunks_as_the_name_says() {
    let proxy = start().await;
    let mut asked: Value = serde_json::from_str(&body("demo-c6-d0-r4", true)).unwrap();
    asked["stream_options"] = json!({"include_usage": true});
    let answer = proxy.post("/v1/chat/completions", &asked.to_string()).await;
    assert_eq!(pieces(&answer, "\"reasoning_content\""), 4);
    proxy.quiet().await;
    let traces = proxy.ask("GET /metrics/logs HTTP/1.1\r\nhost: p\r\n\r\n").await.json();
    assert_eq!(traces["traces"][0]["reasoning_tokens"], 4);
}
