//! The way of spans to the collector: from a thread of their own, which no request waits for, with a count of those that are lost.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry::Context;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use rustls::RootCertStore;
use tokio::runtime::Runtime;

use crate::upstream::https_connector;

/// The spans that wait, and those that are lost.
#[derive(Debug)]
pub(super) struct SpanCounts {
    most_waiting: usize,
    waiting: AtomicUsize,
    lost: AtomicU64,
    is_losing: AtomicBool,
}

impl SpanCounts {
    pub(super) fn new(most_waiting: usize) -> Self {
        Self { most_waiting, waiting: AtomicUsize::new(0), lost: AtomicU64::new(0), is_losing: AtomicBool::new(false) }
    }

    /// Lets a span in, or loses it for want of room.
    fn admit(&self) -> bool {
        let has_room = self.waiting.fetch_add(1, Relaxed) < self.most_waiting;
        if !has_room {
            self.waiting.fetch_sub(1, Relaxed);
            self.lose(1, "too many wait for the collector");
        }
        has_room
    }

    /// Counts spans that no longer wait.
    fn sent(&self, count: usize, result: &OTelSdkResult) {
        self.waiting.fetch_sub(count, Relaxed);
        match result {
            Ok(()) => {
                if self.is_losing.swap(false, Relaxed) {
                    let lost = self.lost.load(Relaxed);
                    tracing::info!(lost, "the collector takes spans again");
                }
            }
            Err(error) => self.lose(count, &error.to_string()),
        }
    }

    /// Says so once, until spans are taken again.
    fn lose(&self, count: usize, why: &str) {
        self.lost.fetch_add(count as u64, Relaxed);
        if !self.is_losing.swap(true, Relaxed) {
            tracing::warn!("spans are being lost: {why}");
        }
    }

    /// The number of spans that are lost when no more are sent.
    pub(super) fn lost_at_end(&self) -> u64 {
        self.lost.load(Relaxed) + self.waiting.load(Relaxed) as u64
    }
}

/// Lets no more spans wait than there is room for.
#[derive(Debug)]
pub(super) struct CountedProcessor<P> {
    pub(super) inner: P,
    pub(super) counts: Arc<SpanCounts>,
}

impl<P: SpanProcessor> SpanProcessor for CountedProcessor<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.counts.admit() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what leaves.
#[derive(Debug)]
pub(super) struct CountedExporter<E> {
    pub(super) inner: E,
    pub(super) counts: Arc<SpanCounts>,
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        let count = batch.len();
        async move {
            let result = self.inner.export(batch).await;
            self.counts.sent(count, &result);
            result
        }
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// The most bytes of a collector's answer.
const LONGEST_ANSWER: usize = 4 << 20;

/// Speaks to the collector, on the thread that calls.
#[derive(Debug)]
pub(super) struct CollectorClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Runtime,
    timeout: Duration,
}

impl CollectorClient {
    pub(super) fn new(authorities: RootCertStore, timeout: Duration) -> io::Result<Self> {
        // Between two batches nobody drives a connection, or would see that it is closed: there is one for each.
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(https_connector(authorities, timeout));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { client, runtime, timeout })
    }
}

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The thread of the exporter is nobody else's, and has no runtime.
        self.runtime.block_on(async {
            let answer = async {
                let (head, body) = self.client.request(request.map(Full::from)).await?.into_parts();
                let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
                Ok(Response::from_parts(head, body))
            };
            tokio::time::timeout(self.timeout, answer).await?
        })
    }
}
