//! A simulated provider on a loopback port, for a first look and for tests without a key.
//!
//! It speaks OpenAI chat completions, Responses and Anthropic Messages (and, as far as a client needs them beside those, completions,
//! embeddings, token counting and the list of models), streaming and not, with usage. The model's name says how it
//! behaves: see `plan`.

mod chat;
mod messages;
mod plan;
mod request;
mod responses;
mod scripted_body;
mod small;

use std::{convert::Infallible, future::pending, io, net::SocketAddr, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, ToSocketAddrs};

use crate::{
    request::DemoRequest,
    scripted_body::{Faults, ScriptedBody},
};

/// The most it reads of a request.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Starts it on a free port and says where. It lives as long as the runtime.
pub async fn start() -> io::Result<SocketAddr> {
    start_at("127.0.0.1:0").await
}

/// The same at an address of one's choice.
pub async fn start_at(address: impl ToSocketAddrs) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            tokio::spawn(
                http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service_fn(serve)),
            );
        }
    });
    Ok(address)
}

/// An API format, as the chunks of a stream or as a whole.
trait Dialect: Send + Sync + 'static {
    /// Everything before the first word.
    fn opening(&self, request: &DemoRequest) -> String;
    /// Word `index` of the answer.
    fn chunk(&self, request: &DemoRequest, index: usize) -> String;
    /// Everything after the last word.
    fn closing(&self, request: &DemoRequest) -> String;
    /// The answer to a request for no stream.
    fn whole(&self, request: &DemoRequest) -> Value;
    /// An error in this format.
    fn error(&self, status: StatusCode) -> Value {
        json!({"error": {"message": format!("simulated error {status}"), "type": "simulated_error", "param": null, "code": null}})
    }
}

async fn serve(request: Request<Incoming>) -> Result<Response<ScriptedBody>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok(match path.as_str() {
        "/v1/chat/completions" => play(chat::Chat, &body).await,
        "/v1/responses" => play(responses::Responses, &body).await,
        "/v1/messages" => play(messages::Messages, &body).await,
        "/v1/completions" => play(small::Completions, &body).await,
        "/v1/messages/count_tokens" => {
            whole(StatusCode::OK, &json!({"input_tokens": DemoRequest::read(&body).input_tokens}))
        }
        "/v1/embeddings" => whole(StatusCode::OK, &small::embedding(&DemoRequest::read(&body))),
        "/v1/models" => whole(StatusCode::OK, &small::models()),
        _ => whole(StatusCode::NOT_FOUND, &json!({"error": {"message": format!("the demo has no {path}")}})),
    })
}

/// Answers as the model's name demands.
async fn play<D: Dialect>(dialect: D, body: &[u8]) -> Response<ScriptedBody> {
    let request = DemoRequest::read(body);
    let plan = request.plan;
    tokio::time::sleep(plan.hold).await;
    if let Some(status) = plan.error {
        return whole(status, &dialect.error(status));
    }
    if request.stream {
        let faults = Faults { cut: plan.cut.map(|chunk| chunk + 1), stall: plan.stall.map(|chunk| chunk + 1) };
        let chunks = plan.chunks;
        let script = ScriptedBody::new(plan.delay, faults, move |step| match step {
            0 => Some(dialect.opening(&request)),
            step if step <= chunks => Some(dialect.chunk(&request, step - 1)),
            step if step == chunks + 1 => Some(dialect.closing(&request)),
            _ => None,
        });
        return typed(Response::new(script), "text/event-stream; charset=utf-8");
    }
    tokio::time::sleep(plan.delay * u32::try_from(plan.chunks).unwrap_or(u32::MAX)).await;
    if plan.stall.is_some() {
        pending::<()>().await;
    }
    let answer = dialect.whole(&request).to_string();
    let length = HeaderValue::from(answer.len());
    // A cut answer is announced in full and sent by half.
    let faults = Faults { cut: plan.cut.map(|_| 1), stall: None };
    let sent = if plan.cut.is_some() { answer.len() / 2 } else { answer.len() };
    let script = ScriptedBody::new(Duration::ZERO, faults, move |step| (step == 0).then(|| answer[..sent].to_owned()));
    let mut response = typed(Response::new(script), "application/json");
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn whole(status: StatusCode, value: &Value) -> Response<ScriptedBody> {
    let text = value.to_string();
    let length = HeaderValue::from(text.len());
    let script = ScriptedBody::new(Duration::ZERO, Faults::default(), move |step| (step == 0).then(|| text.clone()));
    let mut response = typed(Response::new(script), "application/json");
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn typed(mut response: Response<ScriptedBody>, content_type: &'static str) -> Response<ScriptedBody> {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// One event of a stream, its name left out where the dialect has none.
fn event(name: Option<&str>, data: &Value) -> String {
    match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}
