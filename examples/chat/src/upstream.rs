//! The model: any server that speaks OpenAI's chat completions, as a stream.

use std::{collections::VecDeque, error::Error as StdError, time::Duration};

use active_requests::{config::Secret, sse::Decoder};
use active_requests_demo_provider as demo;
use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{pipeline::Failure, session::Message};

const CONNECT: Duration = Duration::from_secs(10);
/// The longest wait for the response head, and between two chunks of the answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most bytes that are read of an error.
const MAX_ERROR: usize = 64 * 1024;

/// A model at a server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    /// How the server is called in the live list and in errors.
    name: String,
    model: String,
    key: Option<Secret>,
}

impl Upstream {
    /// `base` is what OpenAI's SDKs take: with the version, without `/chat/completions`.
    pub fn new(base: &str, model: Option<String>, key: Option<Secret>) -> Result<Self, String> {
        let url: Uri = format!("{}/chat/completions", base.trim_end_matches('/'))
            .parse()
            .map_err(|error| format!("{base} is no URL: {error}"))?;
        let Some(host) = url.host().filter(|_| matches!(url.scheme_str(), Some("http" | "https"))) else {
            return Err(format!("{base} is no URL of the form https://host/v1"));
        };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let https =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
        Ok(Self { client, name: host.to_owned(), model: model.unwrap_or_default(), key, url })
    }

    /// The simulated provider, started on a free port. A model's name says how it behaves; without one it quotes the passages
    /// it is given.
    pub async fn simulated(model: Option<&str>) -> Result<Self, String> {
        let at = demo::start().await.map_err(|error| format!("the simulated provider: {error}"))?;
        let model = model.unwrap_or("demo-q2-d30").to_owned();
        Ok(Self { name: "demo".to_owned(), ..Self::new(&format!("http://{at}/v1"), Some(model), None)? })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    /// For the person who started the program.
    pub fn describe(&self) -> String {
        if self.name == "demo" {
            return format!("{}, simulated; CHAT_UPSTREAM and CHAT_MODEL connect a real one", self.model);
        }
        format!("{} at {}", self.model, self.name)
    }

    /// Asks for an answer. Dropping it ends the upstream's work.
    pub async fn ask(&self, messages: &[Message]) -> Result<ModelAnswer, Failure> {
        let body = json!({
            "model": self.model, "messages": messages, "stream": true, "stream_options": {"include_usage": true}
        });
        let mut request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", key.expose().trim()));
        }
        let request = request
            .body(Full::from(body.to_string()))
            .map_err(|error| Failure(format!("The request to {} cannot be written: {error}.", self.name)))?;
        let response = match timeout(PATIENCE, self.client.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Failure(format!("{} cannot be reached: {}.", self.name, root(&error)))),
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            let status = response.status();
            let said = timeout(PATIENCE, Limited::new(response.into_body(), MAX_ERROR).collect()).await;
            let said = said.ok().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
            let why = serde_json::from_slice(&said).ok().and_then(|value| error_in(&value)).unwrap_or_default();
            return Err(self.refused(&format!("{status} {why}")));
        }
        Ok(ModelAnswer {
            upstream: self.clone(),
            body: response.into_body(),
            decoder: Decoder::new(),
            read: AnswerContent::default(),
        })
    }

    fn silent(&self) -> Failure {
        Failure(format!("{} was silent for {} s.", self.name, PATIENCE.as_secs()))
    }

    fn refused(&self, why: &str) -> Failure {
        // Some servers repeat the key they do not know.
        let why = self.key.as_ref().map_or(why.to_owned(), |key| why.replace(key.expose().trim(), "[key]"));
        Failure(format!("{} refused: {}", self.name, why.trim()))
    }
}

/// An answer on its way.
#[derive(Debug)]
pub struct ModelAnswer {
    upstream: Upstream,
    body: Incoming,
    decoder: Decoder,
    read: AnswerContent,
}

/// The content of an answer, as far as it has been read.
#[derive(Debug, Default)]
struct AnswerContent {
    tokens: VecDeque<String>,
    usage: Value,
    error: Option<String>,
    /// The model has said that it has finished.
    finished: bool,
}

impl ModelAnswer {
    /// The next parts of the text; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<VecDeque<String>>, Failure> {
        let Self { upstream, body, decoder, read } = self;
        loop {
            if !read.tokens.is_empty() {
                return Ok(Some(std::mem::take(&mut read.tokens)));
            }
            if let Some(error) = &read.error {
                return Err(upstream.refused(error));
            }
            match timeout(PATIENCE, body.frame()).await {
                Err(_) => return Err(upstream.silent()),
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        decoder.feed(&bytes, |event| read.event(event.data));
                    }
                }
                Ok(Some(Err(_))) => return Err(upstream.cut()),
                Ok(None) => {
                    decoder.finish(|event| read.event(event.data));
                    if read.tokens.is_empty() && read.error.is_none() {
                        return if read.finished { Ok(None) } else { Err(upstream.cut()) };
                    }
                }
            }
        }
    }

    /// The usage as the upstream reports it; null if it reports none.
    pub fn usage(&self) -> Value {
        self.read.usage.clone()
    }
}

impl Upstream {
    fn cut(&self) -> Failure {
        Failure(format!("{} broke off in the middle of its answer.", self.name))
    }
}

impl AnswerContent {
    fn event(&mut self, data: &[u8]) {
        if data == b"[DONE]" {
            self.finished = true;
            return;
        }
        let Ok(mut chunk) = serde_json::from_slice::<Value>(data) else { return };
        self.error = self.error.take().or_else(|| error_in(&chunk));
        if chunk["usage"].is_object() {
            self.usage = chunk["usage"].take();
        }
        // The chunk with the usage has no choices.
        let Some(choice) = chunk.pointer_mut("/choices/0") else { return };
        self.finished |= choice["finish_reason"].is_string();
        if let Some(Value::String(token)) = choice.pointer_mut("/delta/content").map(Value::take)
            && !token.is_empty()
        {
            self.tokens.push_back(token);
        }
    }
}

fn error_in(value: &Value) -> Option<String> {
    let error = &value["error"];
    if error.is_null() {
        return None;
    }
    Some(error["message"].as_str().or(error.as_str()).map_or_else(|| error.to_string(), str::to_owned))
}

/// The last cause is the plainest: "connection refused".
fn root(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |&error| error.source()).last().map(ToString::to_string).unwrap_or_default()
}
