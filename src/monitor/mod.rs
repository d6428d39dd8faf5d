//! The monitor: the requests in flight, over HTTP.
//!
//! [`MonitorService`] answers, relative to where it is mounted:
//!
//! | route | answer |
//! |---|---|
//! | `GET /` | with the feature `prometheus`: metrics as OpenMetrics text, for the mount itself |
//! | `GET /active-requests` | the snapshot as JSON; `304` for a client that holds it |
//! | `GET /active-requests/stream` | snapshots as Server-Sent Events; with `format=delta` a snapshot, then the changes |
//! | `GET /active-requests/{request_id}` | one row, with the token counts as the provider reported them |
//! | `DELETE /active-requests/{request_id}` | cancels it, as [`cancel`](crate::cancel) says; `202` with the row as it was |
//! | `GET /running-totals` | sums by provider and model |
//! | `GET /logs` | the newest errors and traces |
//! | `GET /fleet` | the replicas of the fleet, where there is one |
//! | `GET /series` | the last hour by steps of ten seconds: starts, ends by outcome, tokens, latencies |
//!
//! With `?scope=fleet` the lists, the stream, totals, logs and series are those of all replicas, where `MonitorService::with_fleet` (feature `fleet`)
//! has told the fleet. Answers then have the header `active-requests-scopes: local, fleet`.
//!
//! ```
//! use active_requests::{config::MonitorConfig, monitor::MonitorService, tracker::RequestTracker};
//!
//! let tracker = RequestTracker::default();
//! let monitor = MonitorService::new(tracker.clone(), MonitorConfig::default());
//! let app: axum::Router = axum::Router::new().nest_service("/metrics", monitor);
//! # let _ = app;
//! ```
//!
//! [`MonitorService::mounted_at`] sets the path to strip where no router strips it, as under plain hyper. An application that has a route
//! of its own at `/metrics` mounts the monitor elsewhere: axum refuses a `nest_service` beside a route of the same path.
//!
//! By default everybody who can connect can read it; [`MonitorService`] says how to close it.
//!
//! # What a subscriber costs
//!
//! One task per service samples the rows when they change, encodes each event once, and all subscribers share the bytes. It runs only
//! while there are subscribers. A slow subscriber holds a position, not a queue: a large snapshot is sent in slices of 64 KiB, and one that falls
//! asleep over it, while many others do over other snapshots, finds its stream ended when it wakes, and connects again. All streams end when
//! [`RequestTracker::shutdown`](crate::tracker::RequestTracker::shutdown) is called, so that no graceful shutdown waits for them.

mod access;
mod body;
mod coding;
mod delta;
mod delta_ring;
mod endpoints;
mod error;
mod event_id;
mod feed;
mod fleet_scope;
mod format;
mod future;
#[cfg(feature = "compress")]
mod gzip;
mod hub;
mod operator;
mod payload;
mod publisher;
mod query;
mod respond;
mod route;
mod row_copies;
mod row_json;
mod sample;
mod scope;
mod service;
mod shelf;
mod slices;
mod snapshot;
mod subscription;
mod table;
mod table_row;
mod ticker;

pub use self::{body::ResponseBody, future::ResponseFuture, service::MonitorService};
#[cfg(feature = "fleet")]
pub(crate) use self::{
    coding::ContentCoding,
    error::Error,
    feed::Feed,
    fleet_scope::{FleetAnswer, FleetRequest, FleetScope},
    format::Format,
    hub::{Demand, Hub, Publication, Update},
    operator::log_cancellation,
    payload::Payload,
    query::Query,
    respond::json_bytes,
    route::Route,
    row_json::{PROGRESS_COLUMNS, json, number},
    sample::RowChange,
    scope::Scope,
    subscription::Subscription,
    ticker::{Ticker, later},
};
