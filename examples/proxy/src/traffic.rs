//! Requests to the simulated provider, so that a first look has something to show.

use std::{net::SocketAddr, time::Duration};

use active_requests::config::Secret;
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

/// The kinds of requests: route, model, whether streamed, and after how many frames the client has had enough.
const KINDS: [(&str, &str, bool, Option<usize>); 12] = [
    (CHAT, "demo-c220-d30", true, None),
    (MESSAGES, "demo-c160-d40", true, None),
    (RESPONSES, "demo-c120-d35", true, None),
    (CHAT, "demo-c60-d20-h1500", true, None),
    (MESSAGES, "demo-c90-d25", false, None),
    (CHAT, "demo-c400-d15", true, None),
    (RESPONSES, "demo-c30-d30", false, None),
    (MESSAGES, "demo-c300-d20", true, Some(60)),
    (CHAT, "demo-c40-d50-h4000", false, None),
    (CHAT, "demo-e429", true, None),
    (MESSAGES, "demo-c80-d20-x25", true, None),
    (CHAT, "demo-c200-d20-s30", true, Some(40)),
];

/// Conversations at a time.
const USERS: usize = 8;

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
        let (path, model, stream, enough) = KINDS[(user * 5 + turn * 7) % KINDS.len()];
        let body = body(path, model, stream, 1 + (user + turn) % 6);
        let mut request =
            Request::post(format!("http://{proxy}{path}")).header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = &key {
            request = request.header("x-api-key", key.expose());
        }
        let Ok(request) = request.body(Full::from(body.to_string())) else { return };
        // A request that fails is part of the show; one that stalls is given up.
        let _ = tokio::time::timeout(Duration::from_secs(20), read(&client, request, enough)).await;
        tokio::time::sleep(Duration::from_millis(200 + 150 * ((user + turn) % 5) as u64)).await;
    }
}

async fn read(client: &TrafficClient, request: Request<Full<Bytes>>, enough: Option<usize>) {
    let Ok(response) = client.request(request).await else { return };
    let mut body = response.into_body();
    let mut frames = 0;
    while let Some(Ok(_)) = body.frame().await {
        frames += 1;
        if enough == Some(frames) {
            return;
        }
    }
}

fn body(path: &str, model: &str, stream: bool, turns: usize) -> Value {
    let messages: Vec<Value> = (0..2 * turns - 1)
        .map(|turn| match turn % 2 {
            0 => json!({"role": "user", "content": "And what is in flight right now?"}),
            _ => json!({"role": "assistant", "content": "Every request whose body has not ended."}),
        })
        .collect();
    let model = format!("demo:{model}");
    match path {
        RESPONSES => json!({"model": model, "stream": stream, "input": messages}),
        MESSAGES => json!({"model": model, "stream": stream, "max_tokens": 1024, "messages": messages}),
        _ if stream => {
            json!({"model": model, "stream": true, "stream_options": {"include_usage": true}, "messages": messages})
        }
        _ => json!({"model": model, "messages": messages}),
    }
}
