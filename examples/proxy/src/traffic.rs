//! Requests to the simulated provider, so that a first look has something to show.

use std::{net::SocketAddr, time::Duration};

use active_requests::{
    config::{CallerSource, LabelSources, Secret, TrackerConfig},
    cost::Prices,
};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const MESSAGES: &str = "/v1/messages";
const EMBEDDINGS: &str = "/v1/embeddings";

/// The header that names who asks, and the one for what.
const CALLER: &str = "x-demo-team";
const FEATURE: &str = "x-demo-feature";
const TEAMS: [&str; 5] = ["search", "support", "mobile", "research", "billing"];
const FEATURES: [&str; 4] = ["chat", "summary", "agent", "import"];

/// The prices of the models of the traffic, in dollars per million tokens.
const PRICES: &str = r#"
[models]
"gpt-4o" = { input = 2.5, output = 10, cache_read = 1.25 }
"gpt-4o-mini" = { input = 0.15, output = 0.6, cache_read = 0.075 }
"gpt-4.1-mini" = { input = 0.4, output = 1.6, cache_read = 0.1 }
"o4-mini" = { input = 1.1, output = 4.4, cache_read = 0.275 }
"claude-sonnet-4-5-20250929" = { input = 3, output = 15, cache_read = 0.3 }
"claude-haiku-4-5-20251001" = { input = 1, output = 5, cache_read = 0.1 }
"gemini-2.5-flash" = { input = 0.3, output = 2.5, cache_read = 0.075 }
"deepseek-reasoner" = { input = 0.55, output = 2.19, cache_read = 0.14 }
"mistral-large-latest" = { input = 2, output = 6 }
"text-embedding-3-small" = { input = 0.02, output = 0 }
"#;

/// A kind of request: its route, the name of its model, how the simulated provider answers it, and what the client does.
struct Kind {
    path: &'static str,
    model: &'static str,
    script: &'static str,
    stream: bool,
    client: Patience,
}

/// How a client takes an answer.
#[derive(Clone, Copy)]
enum Patience {
    /// To its end, or for so many seconds.
    Seconds(u64),
    /// It has had enough after so many frames.
    Frames(usize),
    /// It stops reading after so many frames, and leaves a quarter of a minute later.
    Rests(usize),
}
use Patience::{Frames, Rests, Seconds};

const fn kind(path: &'static str, model: &'static str, script: &'static str, stream: bool, client: Patience) -> Kind {
    Kind { path, model, script, stream, client }
}

const KINDS: [Kind; 23] = [
    kind(CHAT, "gpt-4o", "demo-c220-d30", true, Seconds(60)),
    kind(MESSAGES, "claude-sonnet-4-5-20250929", "demo-c260-d40", true, Seconds(60)),
    kind(RESPONSES, "gpt-4.1-mini", "demo-c120-d35", true, Seconds(60)),
    kind(CHAT, "deepseek-reasoner", "demo-c260-d25-r140", true, Seconds(60)),
    kind(MESSAGES, "claude-haiku-4-5-20251001", "demo-c60-d25-t2", true, Seconds(60)),
    kind(CHAT, "gpt-4o-mini", "demo-c90-d12", true, Seconds(60)),
    kind(EMBEDDINGS, "text-embedding-3-small", "demo-c0-d0", false, Seconds(60)),
    kind(CHAT, "llama-3.3-70b-versatile", "demo-c600-d6", true, Seconds(60)),
    kind(MESSAGES, "claude-sonnet-4-5-20250929", "demo-c420-d30-t1", true, Seconds(60)),
    kind(RESPONSES, "o4-mini", "demo-c160-d30-h4000", true, Seconds(60)),
    kind(CHAT, "qwen3-coder-480b-a35b-instruct", "demo-c500-d18-t3", true, Seconds(60)),
    kind(CHAT, "gemini-2.5-flash", "demo-c90-d30", false, Seconds(60)),
    kind(CHAT, "gpt-4o", "demo-c320-d28-h1500", true, Seconds(60)),
    kind(MESSAGES, "claude-sonnet-4-5-20250929", "demo-c300-d25", true, Frames(80)),
    kind(CHAT, "gpt-4o-mini", "demo-c140-d20", true, Seconds(60)),
    kind(CHAT, "mistral-large-latest", "demo-c200-d35", true, Seconds(60)),
    kind(CHAT, "mistral-large-latest", "demo-e429", true, Seconds(60)),
    kind(CHAT, "deepseek-reasoner", "demo-c400-d30-r200", true, Seconds(60)),
    kind(MESSAGES, "claude-haiku-4-5-20251001", "demo-c80-d20-x40", true, Seconds(60)),
    kind(CHAT, "gpt-4o", "demo-c200-d20-s60", true, Seconds(24)),
    kind(RESPONSES, "gpt-4.1-mini", "demo-c60-d30", false, Seconds(60)),
    kind(CHAT, "gemini-2.5-flash", "demo-h600000", true, Seconds(28)),
    kind(CHAT, "llama-3.3-70b-versatile", "demo-c100000-d0", true, Rests(40)),
];

/// Conversations at a time.
const USERS: usize = 14;

/// Sets, where nothing else is, who asks as the traffic has it; gives what its models cost.
pub(crate) fn describe(tracker: &mut TrackerConfig) -> Option<Prices> {
    if matches!(tracker.caller, CallerSource::None) {
        tracker.caller = format!("header:{CALLER}").parse().unwrap_or_default();
    }
    if tracker.labels == LabelSources::default() {
        tracker.labels = FEATURE.parse().unwrap_or_default();
    }
    toml::from_str(PRICES).ok()
}

type TrafficClient = Client<HttpConnector, Full<Bytes>>;

/// Sends requests to the proxy at `proxy` for ever.
pub(crate) async fn send(proxy: SocketAddr, key: Option<Secret>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let users = (0..USERS).map(|user| converse(client.clone(), local(proxy), key.clone(), user));
    futures_util::future::join_all(users).await;
}

/// An address that listens everywhere is called here.
fn local(mut proxy: SocketAddr) -> SocketAddr {
    if proxy.ip().is_unspecified() {
        proxy.set_ip(if proxy.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    proxy
}

async fn converse(client: TrafficClient, proxy: SocketAddr, key: Option<Secret>, user: usize) {
    for turn in 0.. {
        // Each user goes through the kinds in an order of their own.
        let kind = &KINDS[(user * 5 + turn * 7) % KINDS.len()];
        let body = body(kind, 1 + (user + turn) % 6);
        let mut request = Request::post(format!("http://{proxy}{}", kind.path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(CALLER, TEAMS[user % TEAMS.len()])
            .header(FEATURE, FEATURES[(user + turn / 3) % FEATURES.len()]);
        if let Some(key) = &key {
            request = request.header("x-api-key", key.expose());
        }
        let Ok(request) = request.body(Full::from(body.to_string())) else { return };
        // A request that fails is part of the show; one that stalls is given up.
        let patience = Duration::from_secs(if let Seconds(seconds) = kind.client { seconds } else { 60 });
        let _ = tokio::time::timeout(patience, read(&client, request, kind.client)).await;
        tokio::time::sleep(Duration::from_millis(300 + 250 * ((user + turn) % 5) as u64)).await;
    }
}

async fn read(client: &TrafficClient, request: Request<Full<Bytes>>, patience: Patience) {
    let Ok(response) = client.request(request).await else { return };
    let mut body = response.into_body();
    let mut frames = 0;
    while let Some(Ok(_)) = body.frame().await {
        frames += 1;
        match patience {
            Frames(enough) if frames == enough => return,
            Rests(enough) if frames == enough => return tokio::time::sleep(Duration::from_secs(15)).await,
            _ => {}
        }
    }
}

fn body(kind: &Kind, turns: usize) -> Value {
    let Kind { path, stream, .. } = *kind;
    let messages: Vec<Value> = (0..2 * turns - 1)
        .map(|turn| match turn % 2 {
            0 => json!({"role": "user", "content": "And what is in flight right now? ".repeat(20)}),
            _ => json!({"role": "assistant", "content": "Every request whose body has not ended. ".repeat(12)}),
        })
        .collect();
    let mut body = json!({"model": format!("demo:{}", kind.model), "metadata": {"demo": kind.script}});
    let member = if path == RESPONSES || path == EMBEDDINGS { "input" } else { "messages" };
    body[member] = if path == EMBEDDINGS { "What is in flight right now?".into() } else { messages.into() };
    if stream {
        body["stream"] = true.into();
    }
    if path == MESSAGES {
        body["max_tokens"] = 1024.into();
    }
    if path == CHAT && stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}
