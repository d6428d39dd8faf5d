//! The spans of requests in flight.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use active_requests::tracker::{Entry, RequestHandle, RequestId, RequestTracker};
use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{Span as _, SpanContext, SpanKind, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span},
};
use rustls::RootCertStore;

use crate::{
    config::description::SettingsError,
    telemetry::{
        attributes,
        export::{CollectorClient, CountedExporter, CountedProcessor, SpanCounts},
        trace_context,
        variables::{self, SpanSettings},
    },
};

/// How long the last spans may take on their way.
const LONGEST_FLUSH: Duration = Duration::from_secs(5);

/// Makes a span of each request.
#[derive(Clone)]
pub struct Telemetry(Arc<Recorder>);

struct Recorder {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    counts: Arc<SpanCounts>,
    propagates: bool,
    /// The spans of requests in flight, as far as they are sampled.
    open: Mutex<HashMap<RequestId, OpenSpan>>,
}

struct OpenSpan {
    span: Span,
    start: SystemTime,
}

/// The span of one request, for its upstream.
#[derive(Debug)]
pub struct RequestTrace {
    span: SpanContext,
    has_parent: bool,
}

impl Telemetry {
    /// Starts the exporter, if the environment asks for spans. `variable` reads it for the check; the SDK reads the process's own.
    /// To be called outside of a runtime.
    ///
    /// # Errors
    /// A variable of OpenTelemetry has a value that cannot be, or the exporter cannot be started.
    pub fn from_env(
        variable: impl Fn(&str) -> Option<String>,
        authorities: RootCertStore,
    ) -> Result<Option<Self>, SettingsError> {
        let Some(settings) = variables::read(variable)? else { return Ok(None) };
        let SpanSettings { timeout, queue, propagates, is_nameless } = settings;
        let failed = |error: &dyn fmt::Display| SettingsError::new(format!("the exporter of spans: {error}"));
        let client = CollectorClient::new(authorities, timeout).map_err(|error| failed(&error))?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .build()
            .map_err(|error| failed(&error))?;
        let counts = Arc::new(SpanCounts::new(queue));
        let exporter = CountedExporter { inner: exporter, counts: Arc::clone(&counts) };
        let processor = BatchSpanProcessor::builder(exporter).build();
        let mut resource = Resource::builder();
        if is_nameless {
            resource = resource.with_service_name(env!("CARGO_PKG_NAME"));
        }
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.build())
            .with_span_processor(CountedProcessor { inner: processor, counts: Arc::clone(&counts) })
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        Ok(Some(Self(Arc::new(Recorder { provider, tracer, counts, propagates, open: Mutex::default() }))))
    }

    /// Ends the spans of the requests of `tracker`.
    pub fn watch(&self, tracker: &RequestTracker) {
        if !tracker.is_enabled() {
            tracing::warn!("there are no spans while LOG_REQUEST_METRICS=false");
        }
        let recorder = Arc::clone(&self.0);
        tracker.on_end(move |entry| recorder.end(entry));
    }

    /// Begins the span of a request, as a child of the one that its headers name. `None`: the request is not tracked.
    pub fn begin(&self, row: &RequestHandle, headers: &HeaderMap) -> Option<RequestTrace> {
        let recorder = &*self.0;
        let (id, start) = (row.id()?, row.row()?.start_time);
        let parent = recorder.propagates.then(|| trace_context::parent(headers)).flatten();
        let has_parent = parent.is_some();
        let parent = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let builder = recorder.tracer.span_builder("request").with_kind(SpanKind::Server).with_start_time(start);
        let span = builder.start_with_context(&recorder.tracer, &parent);
        let trace = RequestTrace { span: span.span_context().clone(), has_parent };
        if span.is_recording() {
            recorder.open().insert(id, OpenSpan { span, start });
            // Ended before it was there to be found.
            if !row.is_tracked() {
                recorder.open().remove(&id);
            }
        }
        recorder.propagates.then_some(trace)
    }

    /// Sends what is left, within a limit, and tells how many spans were lost.
    pub fn finish(self) {
        let _ = self.0.provider.shutdown_with_timeout(LONGEST_FLUSH);
        let lost = self.0.counts.lost_at_end();
        if lost > 0 {
            tracing::warn!(lost, "spans were lost");
        }
    }
}

impl Recorder {
    fn end(&self, entry: &Entry) {
        let Some(OpenSpan { mut span, start }) = self.open().remove(&entry.request_id) else { return };
        span.update_name(attributes::name(entry));
        span.set_attributes(attributes::attributes(entry));
        if let Some(time) = attributes::first_token(entry, start) {
            span.add_event_with_timestamp(attributes::FIRST_TOKEN, time, Vec::new());
        }
        span.set_status(attributes::status(entry));
        span.end_with_timestamp(entry.ts);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<RequestId, OpenSpan>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The exporter's own would show its headers.
        f.debug_struct("Telemetry").field("counts", &self.0.counts).finish_non_exhaustive()
    }
}

impl RequestTrace {
    /// Tells the upstream, in the headers of the request to it, that this span is the parent of what it does.
    pub fn tell(&self, headers: &mut HeaderMap) {
        trace_context::name_parent(headers, &self.span, self.has_parent);
    }
}
