//! A client of the proxy: documents, cancellations and requests that stay in flight.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::timeout};

use crate::{Failure, process::PATIENCE};

/// The key that may read and cancel.
pub(crate) const OPERATOR: &str = "operator";

/// A client of one proxy.
#[derive(Clone, Debug)]
pub(crate) struct ProxyClient {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl ProxyClient {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request to `path`; gives the answer once its head is there.
    pub(crate) async fn send(&self, method: &str, path: &str, body: String) -> Result<Response<Incoming>, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("x-api-key", OPERATOR)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let sent = timeout(PATIENCE, self.client.request(request)).await;
        Ok(sent.map_err(|_| format!("{method} {path}: no answer"))??)
    }

    /// The document at `path`, with its status.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Result<(StatusCode, Value), Failure> {
        let response = self.send(method, path, String::new()).await?;
        let status = response.status();
        let body =
            timeout(PATIENCE, response.into_body().collect()).await.map_err(|_| format!("{path}: no body"))??;
        Ok((status, serde_json::from_slice(&body.to_bytes())?))
    }

    /// The document at `path` below the monitor, which must be there.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let path = format!("/metrics{path}");
        match self.ask("GET", &path).await? {
            (StatusCode::OK, document) => Ok(document),
            (status, document) => Err(format!("GET {path}: {status} {document}").into()),
        }
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<(StatusCode, Value), Failure> {
        self.ask("DELETE", &format!("/metrics/active-requests/{id}")).await
    }

    /// Sends a request that is answered as `script` says, and waits for the head of the answer.
    pub(crate) async fn begin(&self, script: &str) -> Result<Exchange, Failure> {
        let body = json!({"model": format!("sim:{script}"), "stream": true, "messages": [{"role": "user", "content": "hello"}]});
        let response = self.send("POST", "/v1/chat/completions", body.to_string()).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("a request was answered with {}", response.status()).into());
        }
        let id = response.headers().get("x-request-id").ok_or("the answer has no id")?.to_str()?.to_owned();
        let mut body = response.into_body();
        let reading = tokio::spawn(async move {
            while let Some(frame) = body.frame().await {
                frame?;
            }
            Ok(())
        });
        Ok(Exchange { id, reading })
    }
}

/// A request in flight, whose client leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) id: String,
    reading: JoinHandle<Result<(), hyper::Error>>,
}

impl Exchange {
    /// Reads to the end, which must be a good one.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        let ended = timeout(PATIENCE, &mut self.reading).await.map_err(|_| "an answer does not end")?;
        Ok(ended??)
    }

    /// Whether the answer has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.reading.is_finished()
    }

    /// Waits until the answer has ended, however that may be.
    pub(crate) async fn ended(&mut self) -> Result<(), Failure> {
        timeout(PATIENCE, &mut self.reading).await.map_err(|_| "an answer does not end")?.map(drop).map_err(Into::into)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.reading.abort();
    }
}
