//! The answer of each route.

use std::sync::Arc;

#[cfg(feature = "prometheus")]
use http::HeaderValue;
use http::{HeaderMap, Response, StatusCode, header};
use serde::Serialize;
use tokio::runtime::Handle;

#[cfg(feature = "prometheus")]
use super::respond::respond;
use super::{
    body::ResponseBody,
    coding::ContentCoding,
    error::Error,
    event_id::read_delta_id,
    feed::Feed,
    format::Format,
    query::Query,
    respond::{json, json_bytes, json_for},
    route::Route,
    row_json,
    snapshot::Snapshots,
};
#[cfg(feature = "prometheus")]
use crate::metrics::{self, FleetHealth, TextFormat};
use crate::{
    config::MonitorConfig,
    http::is_held,
    sse::{self, Event},
    tracker::{Cancellation, Entry, RequestId, RequestTracker, Row, RunningTotals, Series, TotalsFilter},
    usage::ProviderUsage,
};

/// A tracker, and what is needed to show it.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) tracker: RequestTracker,
    pub(super) config: Arc<MonitorConfig>,
    snapshots: Snapshots,
    feed: Feed,
    /// Held by the one whose metrics are being written.
    #[cfg(feature = "prometheus")]
    pub(super) metrics_turn: Arc<tokio::sync::Mutex<()>>,
}

/// The client of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer<'a> {
    pub(super) headers: &'a HeaderMap,
    /// Whether it has the right to cancel requests.
    pub(super) can_cancel: bool,
}

/// The JSON of an answer that shows nothing because of a setting.
#[derive(Clone, Copy, Debug, Serialize)]
struct Disabled {
    disabled: bool,
    message: &'static str,
    suggestion: &'static str,
}

const NOT_TRACKING: Disabled = Disabled {
    disabled: true,
    message: "Request metrics logging is disabled",
    suggestion: "Set LOG_REQUEST_METRICS=true to enable tracking",
};

const NOT_STREAMING: Disabled = Disabled {
    disabled: true,
    message: "SSE for active requests is disabled",
    suggestion: "Set VDM_ACTIVE_REQUESTS_SSE_ENABLED=true to enable",
};

impl Endpoints {
    pub(super) fn new(tracker: RequestTracker, config: MonitorConfig) -> Self {
        let config = Arc::new(config);
        let feed = Feed::new(tracker.clone(), Arc::clone(&config));
        Self {
            tracker,
            config,
            snapshots: Snapshots::new(),
            feed,
            #[cfg(feature = "prometheus")]
            metrics_turn: Arc::default(),
        }
    }

    /// Answers `GET`; with `head`, `HEAD`, whose body the caller removes.
    pub(super) fn get(
        &self,
        route: Route<'_>,
        query: &Query<'_>,
        viewer: Viewer<'_>,
        head: bool,
    ) -> Result<Response<ResponseBody>, Error> {
        match route {
            Route::Snapshot => Ok(self.snapshot(viewer)),
            Route::Stream => self.stream(query.format()?, viewer, head),
            Route::Request(id) => self.request(id),
            Route::Totals => self.totals(query),
            Route::Logs => self.logs(query),
            Route::Series => self.series(query, viewer),
            // The service answers it, which knows the fleet.
            #[cfg(feature = "prometheus")]
            Route::Metrics => Err(Error::no_route()),
            Route::Fleet => Err(Error::no_fleet()),
        }
    }

    fn snapshot(&self, viewer: Viewer<'_>) -> Response<ResponseBody> {
        if !self.tracker.is_enabled() {
            #[derive(Serialize)]
            struct DisabledSnapshot {
                disabled: bool,
                active_requests: [(); 0],
                message: &'static str,
                suggestion: &'static str,
            }
            let Disabled { disabled, message, suggestion } = NOT_TRACKING;
            return json(&DisabledSnapshot { disabled, active_requests: [], message, suggestion });
        }
        let snapshot = self.snapshots.get(&self.tracker);
        let headers = viewer.headers;
        let payload = snapshot.payload.clone().for_viewer(viewer.can_cancel);
        let (coding, bytes) = ContentCoding::accepted(headers).encode_whole(&payload);
        let mut response = json_bytes(bytes);
        coding.set_headers(response.headers_mut());
        if let Some(etag) = snapshot.etag(self.tracker.epoch(), viewer.can_cancel) {
            if is_held(headers, &etag) {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                *response.body_mut() = ResponseBody::default();
                response.headers_mut().remove(header::CONTENT_TYPE);
                response.headers_mut().remove(header::CONTENT_ENCODING);
            }
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }

    fn stream(&self, format: Format, viewer: Viewer<'_>, head: bool) -> Result<Response<ResponseBody>, Error> {
        if let Some(response) = self.no_stream()? {
            return Ok(response);
        }
        let coding = ContentCoding::accepted(viewer.headers);
        let body = if head { ResponseBody::default() } else { self.subscribe(format, coding, viewer)? };
        let mut response = sse::response(body);
        coding.set_headers(response.headers_mut());
        Ok(response)
    }

    /// The answer to who asks for a stream while there is none; `None` while there is.
    pub(super) fn no_stream(&self) -> Result<Option<Response<ResponseBody>>, Error> {
        if !self.tracker.is_enabled() {
            let event = Event::new().event("disabled").write_line(|out| _ = row_json::json(out, &NOT_TRACKING));
            return Ok(Some(sse::response(ResponseBody::whole(event))));
        }
        if !self.config.stream_enabled {
            let mut response = json(&NOT_STREAMING);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Ok(Some(response));
        }
        if self.tracker.is_shut_down() {
            return Err(Error::shutting_down());
        }
        Ok(None)
    }

    fn subscribe(&self, format: Format, coding: ContentCoding, viewer: Viewer<'_>) -> Result<ResponseBody, Error> {
        let runtime = Handle::try_current().map_err(|_| Error::no_runtime())?;
        let last_event_id = viewer.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let seen = last_event_id.and_then(|id| read_delta_id(id, self.tracker.epoch()));
        let subscription = self.feed.subscribe(&runtime, format, seen, viewer.can_cancel);
        let too_many = |error| Error::too_many_subscribers(error, self.config.max_subscribers);
        Ok(ResponseBody::stream(subscription.map_err(too_many)?, coding))
    }

    fn request(&self, id: &str) -> Result<Response<ResponseBody>, Error> {
        #[derive(Serialize)]
        struct RowWithUsage {
            #[serde(flatten)]
            row: Row,
            provider_usage: ProviderUsage,
        }
        let row = self.find(id)?;
        let provider_usage = row.provider_usage;
        Ok(json(&RowWithUsage { row, provider_usage }))
    }

    fn find(&self, id: &str) -> Result<Row, Error> {
        id.parse::<RequestId>().ok().and_then(|id| self.tracker.get(id)).ok_or_else(|| Error::no_request(id))
    }

    /// Answers `DELETE` to somebody with the right to operate: cancels a request. The answer has its row as it was before.
    pub(super) fn cancel(&self, id: &str) -> Result<Response<ResponseBody>, Error> {
        let row = self.find(id)?;
        match self.tracker.cancel(row.request_id) {
            Cancellation::Cancelled => {
                let mut response = json(&row);
                *response.status_mut() = StatusCode::ACCEPTED;
                Ok(response)
            }
            Cancellation::NotCancellable => Err(Error::not_cancellable()),
            Cancellation::Gone => Err(Error::no_request(id)),
        }
    }

    fn totals(&self, query: &Query<'_>) -> Result<Response<ResponseBody>, Error> {
        let filter = TotalsFilter {
            provider: query.pattern("provider")?,
            model: query.pattern("model")?,
            include_active: query.boolean("include_active", true)?,
        };
        if self.tracker.is_enabled() {
            return Ok(json(&self.tracker.running_totals(&filter)));
        }
        #[derive(Serialize)]
        struct DisabledTotals {
            #[serde(flatten)]
            disabled: Disabled,
            #[serde(flatten)]
            totals: RunningTotals,
        }
        Ok(json(&DisabledTotals { disabled: NOT_TRACKING, totals: RunningTotals::default() }))
    }

    fn series(&self, query: &Query<'_>, viewer: Viewer<'_>) -> Result<Response<ResponseBody>, Error> {
        #[derive(Serialize)]
        struct MaybeDisabledSeries {
            #[serde(flatten)]
            disabled: Option<Disabled>,
            #[serde(flatten)]
            series: Series,
        }
        let from = query.number("from", 0..=usize::MAX, 0)?;
        let mut series = self.tracker.series();
        series.points.retain(|point| point.t >= from as u64);
        let disabled = (!self.tracker.is_enabled()).then_some(NOT_TRACKING);
        Ok(json_for(viewer.headers, &MaybeDisabledSeries { disabled, series }))
    }

    /// Answers with the metrics, which takes a while where there are many models.
    #[cfg(feature = "prometheus")]
    pub(super) fn metrics(&self, client: &HeaderMap, fleet: Option<FleetHealth>) -> Response<ResponseBody> {
        let format = TextFormat::accepted(client);
        let text = metrics::exposition(&self.tracker, self.feed.health(), fleet, format);
        let mut response = respond(client, format.content_type(), text);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        response
    }

    fn logs(&self, query: &Query<'_>) -> Result<Response<ResponseBody>, Error> {
        #[derive(Serialize)]
        struct Logs {
            errors: Vec<Entry>,
            traces: Vec<Entry>,
            refusals: Vec<Entry>,
        }
        let errors = query.number("limit_errors", 1..=1000, 100)?;
        let traces = query.number("limit_traces", 1..=2000, 200)?;
        Ok(json(&Logs {
            errors: self.tracker.recent_errors(errors),
            traces: self.tracker.recent_traces(traces),
            refusals: self.tracker.recent_refusals(usize::MAX),
        }))
    }
}
