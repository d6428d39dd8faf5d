//! A simulated provider on a loopback port, for a first look and for tests without a key.
//!
//! It speaks OpenAI chat completions, Responses and Anthropic Messages (and, as far as a client needs them beside those, completions,
//! embeddings, token counting and the list of models), streaming and not, with usage. The model's name says how it
//! behaves: see [`plan`].

mod asked;
mod chat;
mod messages;
mod plan;
mod responses;
mod script;
mod small;

use std::{convert::Infallible, future::pending, io, net::SocketAddr, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    asked::Asked,
    script::{Faults, Script},
};

/// The most it reads of a request.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Starts it on a free port and says where. It lives as long as the runtime.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
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

/// One way to answer, as pieces of a stream or as a whole.
trait Dialect: Send + Sync + 'static {
    /// Everything before the first word.
    fn opening(&self, asked: &Asked) -> String;
    /// Word `index` of the answer.
    fn piece(&self, asked: &Asked, index: usize) -> String;
    /// Everything after the last word.
    fn closing(&self, asked: &Asked) -> String;
    /// The answer to a request for no stream.
    fn whole(&self, asked: &Asked) -> Value;
    /// An error in this format.
    fn error(&self, status: StatusCode) -> Value {
        json!({"error": {"message": format!("simulated error {status}"), "type": "simulated_error", "param": null, "code": null}})
    }
}

async fn serve(request: Request<Incoming>) -> Result<Response<Script>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), MAX_BODY).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok(match path.as_str() {
        "/v1/chat/completions" => play(chat::Chat, &body).await,
        "/v1/responses" => play(responses::Responses, &body).await,
        "/v1/messages" => play(messages::Messages, &body).await,
        "/v1/completions" => play(small::Completions, &body).await,
        "/v1/messages/count_tokens" => whole(StatusCode::OK, &json!({"input_tokens": Asked::read(&body).input_tokens})),
        "/v1/embeddings" => whole(StatusCode::OK, &small::embedding(&Asked::read(&body))),
        "/v1/models" => whole(StatusCode::OK, &small::models()),
        _ => whole(StatusCode::NOT_FOUND, &json!({"error": {"message": format!("the demo has no {path}")}})),
    })
}

/// Answers as the model's name says.
async fn play<D: Dialect>(dialect: D, body: &[u8]) -> Response<Script> {
    let asked = Asked::read(body);
    let plan = asked.plan;
    tokio::time::sleep(plan.hold).await;
    if let Some(status) = plan.error {
        return whole(status, &dialect.error(status));
    }
    if asked.stream {
        let faults = Faults { cut: plan.cut.map(|chunk| chunk + 1), stall: plan.stall.map(|chunk| chunk + 1) };
        let chunks = plan.chunks;
        let script = Script::new(plan.delay, faults, move |step| match step {
            0 => Some(dialect.opening(&asked)),
            step if step <= chunks => Some(dialect.piece(&asked, step - 1)),
            step if step == chunks + 1 => Some(dialect.closing(&asked)),
            _ => None,
        });
        return typed(Response::new(script), "text/event-stream; charset=utf-8");
    }
    tokio::time::sleep(plan.delay * u32::try_from(plan.chunks).unwrap_or(u32::MAX)).await;
    if plan.stall.is_some() {
        pending::<()>().await;
    }
    let answer = dialect.whole(&asked).to_string();
    let length = HeaderValue::from(answer.len());
    // A cut answer is announced in full and sent by half.
    let faults = Faults { cut: plan.cut.map(|_| 1), stall: None };
    let sent = if plan.cut.is_some() { answer.len() / 2 } else { answer.len() };
    let script = Script::new(Duration::ZERO, faults, move |step| (step == 0).then(|| answer[..sent].to_owned()));
    let mut response = typed(Response::new(script), "application/json");
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn whole(status: StatusCode, value: &Value) -> Response<Script> {
    let text = value.to_string();
    let length = HeaderValue::from(text.len());
    let script = Script::new(Duration::ZERO, Faults::default(), move |step| (step == 0).then(|| text.clone()));
    let mut response = typed(Response::new(script), "application/json");
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_LENGTH, length);
    response
}

fn typed(mut response: Response<Script>, content_type: &'static str) -> Response<Script> {
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
