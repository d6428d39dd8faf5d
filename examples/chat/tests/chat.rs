//! The chat over real connections, in front of models that behave and models that do not.

use std::{
    convert::Infallible,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use active_requests::{
    config::MonitorConfig,
    sse::{Decoder, Event, Sse},
    track::ActiveRequestsLayer,
    tracker::{Outcome, RequestTracker, Row},
};
use active_requests_chat::{app::App, settings::Settings, upstream::Upstream};
use axum::{Json, Router, extract::State, response::IntoResponse, routing::post};
use bytes::Bytes;
use clap::Parser;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

/// A chat that is being served.
struct Served {
    address: String,
    tracker: RequestTracker,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Served {
    async fn with_model(model: &str) -> Self {
        Self::start(Upstream::simulated(Some(model)).await.unwrap()).await
    }

    async fn start(upstream: Upstream) -> Self {
        let tracker = RequestTracker::default();
        let app = App::new(upstream, tracker.clone(), MonitorConfig::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(app.serve(listener));
        Self { address, tracker, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn post(&self, body: &Value) -> Response<Incoming> {
        let request = Request::post(format!("{}/api/chat/stream", self.address))
            .header("content-type", "application/json")
            .body(Full::from(body.to_string()))
            .unwrap();
        self.client.request(request).await.unwrap()
    }

    async fn ask(&self, message: &str) -> Response<Incoming> {
        self.post(&json!({"message": message, "session_id": "s"})).await
    }

    /// All events of an answer.
    async fn events(&self, message: &str) -> Vec<Value> {
        let body = self.ask(message).await.into_body().collect().await.unwrap().to_bytes();
        let mut events = Vec::new();
        Decoder::new().feed(&body, |event| {
            let data = std::str::from_utf8(event.data).unwrap();
            events.push(serde_json::from_str(data).unwrap_or_else(|_| Value::from(data)));
        });
        events
    }

    async fn get(&self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("{}{path}", self.address)).body(Full::default()).unwrap();
        self.client.request(request).await.unwrap()
    }
}

/// The key of each event, or its text.
fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for event in events {
        let kind = event.as_object().and_then(|object| object.keys().next()).map(String::as_str);
        let kind = kind.or(event.as_str()).unwrap_or_default();
        // A run of tokens counts once.
        if kind != "token" || kinds.last() != Some(&"token") {
            kinds.push(kind);
        }
    }
    kinds
}

/// Waits until something holds, as soon as it does.
async fn until<T, F: Future<Output = Option<T>>>(look: impl Fn() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "it never came");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn row_of(tracker: &RequestTracker, wanted: impl Fn(&Row) -> bool) -> Row {
    until(async || tracker.snapshot().into_iter().find(|row| wanted(row))).await
}

#[tokio::test]
async fn an_answer_tells_its_stages_and_what_each_has_found() {
    let chat = Served::with_model("demo-q2-d0").await;
    let events = chat.events("When does a request leave the list?").await;
    assert_eq!(
        kinds(&events),
        [
            "stage",
            "stage",
            "sources",
            "stage",
            "token",
            "stage",
            "quality_score",
            "stage",
            "follow_up_questions",
            "metadata",
            "[DONE]"
        ]
    );
    let stages: Vec<&str> = events.iter().filter_map(|event| event["stage"].as_str()).collect();
    assert_eq!(stages, ["query_analysis", "retrieval", "generation", "scoring", "follow_ups"]);
    let find = |key: &str| events.iter().map(|event| &event[key]).find(|value| !value.is_null()).unwrap();
    let source = &find("sources")[0];
    assert_eq!(source["chunk_id"], "in-flight#2");
    assert_eq!(source["document_name"], "in-flight.md");
    assert!(source["score"].as_f64().unwrap() > 0.5);
    let answer: String = events.iter().filter_map(|event| event["token"].as_str()).collect();
    assert!(answer.starts_with("A request leaves the list when its response body has ended"), "{answer}");
    assert!(find("quality_score").as_f64().unwrap() > 0.9);
    let questions = find("follow_up_questions").as_array().unwrap();
    assert_eq!(questions.len(), 3);
    assert!(!questions.contains(&"When does a request leave the list?".into()));
    assert_eq!(find("metadata")["model"], "demo-q2-d0");
    assert!(find("metadata")["usage"]["prompt_tokens"].as_u64().unwrap() > 100);
}

#[tokio::test]
async fn the_head_is_one_of_an_event_stream() {
    let chat = Served::with_model("demo-c1-d0").await;
    let response = chat.ask("hello").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert!(!response.headers().contains_key("access-control-allow-origin"), "other sites have no business here");
}

#[tokio::test]
async fn what_goes_wrong_inside_the_stream_is_an_error_event_and_then_the_end() {
    let unreachable = Upstream::new("http://127.0.0.1:1/v1", Some("m".into()), None).unwrap();
    let table = [
        (Upstream::simulated(Some("demo-e429")).await.unwrap(), "demo refused: 429 Too Many Requests simulated error"),
        (Upstream::simulated(Some("demo-x3-d1")).await.unwrap(), "demo broke off in the middle of its answer."),
        (unreachable, "127.0.0.1 cannot be reached: "),
    ];
    for (upstream, why) in table {
        let chat = Served::start(upstream).await;
        let events = chat.events("What do the phases of a row mean?").await;
        let [.., error, done] = &events[..] else { panic!("{events:?}") };
        assert!(error["error"].as_str().unwrap().starts_with(why), "{error}");
        assert_eq!(done, "[DONE]");
        let entry = until(async || chat.tracker.recent_errors(1).pop()).await;
        assert_eq!(entry.outcome, Outcome::UpstreamError);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_gets_json_before_any_stream() {
    let chat = Served::with_model("demo").await;
    let refused = chat.post(&json!({"message": "", "session_id": "s"})).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(refused.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&refused.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body, json!({"error": {"type": "invalid_request", "message": "The message is empty."}}));

    let not_post = chat.get("/api/chat/stream").await;
    assert_eq!(not_post.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(not_post.headers()["allow"], "POST");
    assert_eq!(chat.get("/nothing").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_live_list_shows_the_stage_and_the_tokens() {
    let chat = Served::with_model("demo-c500-d5").await;
    let mut response = chat.ask("What do the phases of a row mean?").await;
    tokio::spawn(async move { while response.frame().await.is_some() {} });
    let row = row_of(&chat.tracker, |row| row.output_tokens > 5).await;
    assert_eq!(row.stage.as_deref(), Some("generation"));
    assert_eq!((row.provider.as_str(), row.model.as_str()), ("demo", "demo-c500-d5"));
    assert!(row.is_streaming && row.request_size > 0);

    let told = chat.get("/metrics/active-requests").await.into_body().collect().await.unwrap().to_bytes();
    let told: Value = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["active_requests"][0]["stage"], "generation");
    assert_eq!(chat.get("/dashboard/").await.status(), StatusCode::OK);
}

/// A model that remembers what it was asked, and talks until nobody listens.
#[derive(Clone, Default)]
struct Model {
    asked: Arc<Mutex<Vec<Value>>>,
    tracker: RequestTracker,
}

impl Model {
    async fn start(&self) -> Upstream {
        let layer = ActiveRequestsLayer::new(self.tracker.clone());
        let app = Router::new().route("/v1/chat/completions", post(talk)).layer(layer).with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/v1/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Upstream::new(&base, Some("endless".into()), Some("sk-hidden".into())).unwrap()
    }
}

async fn talk(State(model): State<Model>, Json(asked): Json<Value>) -> impl IntoResponse {
    let short = asked["messages"].as_array().unwrap().last().unwrap()["content"] == "be short";
    model.asked.lock().unwrap().push(asked);
    let word = Event::new().json(&json!({"choices": [{"delta": {"content": "word "}}]})).unwrap();
    let words = stream::repeat(word).then(async |word| {
        tokio::time::sleep(Duration::from_millis(5)).await;
        word
    });
    let end = stream::once(async { Event::new().data("[DONE]") });
    let events = words.take(if short { 2 } else { usize::MAX }).chain(end).map(Ok::<_, Infallible>);
    Sse::new(events.boxed()).into_response()
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstreams_work_within_100_ms() {
    let model = Model::default();
    let chat = Served::start(model.start().await).await;
    let mut response = chat.ask("go on for ever").await;
    row_of(&chat.tracker, |row| row.stage.as_deref() == Some("generation")).await;
    while chat.tracker.snapshot()[0].output_tokens == 0 {
        response.frame().await.unwrap().unwrap();
    }
    assert_eq!(model.tracker.active(), 1);

    let left = Instant::now();
    drop(response);
    until(async || (chat.tracker.active() == 0 && model.tracker.active() == 0).then_some(())).await;
    assert!(left.elapsed() < Duration::from_millis(100), "{:?}", left.elapsed());
    assert_eq!(chat.tracker.recent_errors(1)[0].outcome, Outcome::ClientDisconnect);
    assert_eq!(model.tracker.recent_errors(1)[0].outcome, Outcome::ClientDisconnect);
}

#[tokio::test]
async fn a_session_is_remembered_and_others_do_not_see_it() {
    let model = Model::default();
    let chat = Served::start(model.start().await).await;
    for session in ["s", "s", "another"] {
        let response = chat.post(&json!({"message": "be short", "session_id": session})).await;
        response.into_body().collect().await.unwrap();
    }
    let asked = model.asked.lock().unwrap();
    let said = |index: usize| -> Vec<String> {
        let messages = asked[index]["messages"].as_array().unwrap().iter();
        let spoken = messages.filter(|message| message["role"] != "system");
        spoken.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(said(0), ["be short"]);
    assert_eq!(said(1), ["be short", "word word ", "be short"]);
    assert_eq!(said(2), ["be short"]);
    assert_eq!(asked[0]["model"], "endless");
    assert_eq!(asked[0]["stream"], true);
}

#[tokio::test]
async fn pages_are_served_with_their_types_and_run_nothing_of_others() {
    let chat = Served::with_model("demo").await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/chat/main.js", "text/javascript; charset=utf-8"),
        ("/sse/client.js", "text/javascript; charset=utf-8"),
    ] {
        let response = chat.get(path).await;
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    }
}

#[tokio::test]
async fn nothing_that_holds_the_key_prints_it() {
    let settings =
        Settings::try_parse_from(["chat", "--upstream=http://127.0.0.1:1/v1", "--model=m", "--api-key=sk-hidden"]);
    let settings = settings.unwrap();
    settings.check().unwrap();
    let upstream = Upstream::new("http://127.0.0.1:1/v1", None, settings.api_key.clone()).unwrap();
    let app = App::new(upstream.clone(), RequestTracker::default(), MonitorConfig::default().keys(["sk-hidden"]));
    let printed = format!("{settings:?} {upstream:?} {app:?}");
    assert!(printed.contains("Secret(..)") && !printed.contains("hidden"), "{printed}");
}

#[test]
fn a_key_that_cannot_stand_in_a_header_is_refused_without_being_shown() {
    for key in ["", "  ", "sk-hid\nden"] {
        let settings = Settings::try_parse_from(["chat", "--api-key", key]).unwrap();
        let wrong = settings.check().unwrap_err();
        assert_eq!(wrong, "CHAT_API_KEY is not understood: allowed is one line of ASCII text that is not blank");
    }
}
