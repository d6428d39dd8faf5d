//! The registry of requests in flight.
//!
//! A request is put on the list by [`RequestTracker::start`], which returns its guard, an [`ActiveRequest`]; it ends when the guard
//! is [finished](ActiveRequest::finish) or dropped. A [`RequestHandle`] writes to its row from elsewhere. When it ends, it is added to the totals and to the traces in the same step, so that a request is
//! counted while it is active or when it has ended, never both.
//!
//! ```
//! use active_requests::tracker::{Outcome, RequestInfo, RequestTracker};
//!
//! let tracker = RequestTracker::default();
//! let request = tracker.start(&http::Method::POST, "/v1/messages", &RequestInfo::new().model("openai:gpt-4o"));
//! assert_eq!(tracker.snapshot()[0].model, "gpt-4o");
//! request.unwrap().finish(Outcome::Completed);
//! assert!(tracker.snapshot().is_empty());
//! assert_eq!(tracker.recent_traces(10)[0].provider, "openai");
//! ```
//!
//! Inside, the registry is cut into shards, each behind a lock of its own; a thread keeps to one of them. A slot, its texts and
//! its counters are used again by the next request, so that nothing is allocated once warm.

mod bytes_per_token;
mod caller;
mod cancel;
mod canceller;
mod change;
mod clock;
mod counters;
mod end_hooks;
mod entry;
mod error_info;
#[cfg(feature = "monitor")]
mod figures;
mod guard;
mod handle;
mod held;
mod history;
mod id;
mod info;
mod keys;
mod latency;
mod live;
#[cfg(feature = "fleet")]
mod load;
#[cfg(feature = "tracing")]
mod log;
mod names;
mod outcome;
mod price_book;
mod redaction;
mod row;
mod shard;
mod shard_state;
mod shared;
mod slot;
mod texts;
mod totals;
#[cfg(feature = "monitor")]
mod watch;

use std::{
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, Method};
use tokio::time::Instant;

#[cfg(feature = "prometheus")]
pub(crate) use self::figures::{
    Bounds, ClassFigures, DURATION, FIRST_TOKEN, Histogram, KeyReading, Kind, MetricsReading, OUTPUT_TOKEN, TOKENS,
};
#[cfg(feature = "monitor")]
pub use self::figures::{Series, SeriesBounds, SeriesPoint};
pub(crate) use self::{caller::CallerName, canceller::Canceller};
pub use self::{
    canceller::Cancellation,
    counters::BodyProgress,
    end_hooks::EndHookId,
    entry::Entry,
    error_info::ErrorInfo,
    guard::ActiveRequest,
    handle::RequestHandle,
    held::Held,
    id::{InvalidRequestId, RequestId},
    info::RequestInfo,
    latency::Latency,
    outcome::{ErrorType, Outcome},
    row::{Phase, Row, WaitingOn},
    totals::{LastAccessed, ModelTotals, ProviderTotals, RunningTotals, SplitTotals, Totals, TotalsFilter},
};
#[cfg(feature = "monitor")]
pub(crate) use self::{
    change::Listener,
    clock::{millis, nanos},
    counters::CounterValues,
    history::Ended,
    live::LiveRow,
    slot::RequestData,
    texts::TextField,
    watch::{EndedReader, ShardItem},
};
use self::{
    history::{EndedRequest, History},
    id::MAX_SHARDS,
    shard::Shard,
    shard_state::ShardState,
    shared::TrackerShared,
    totals::Report,
};
#[cfg(feature = "fleet")]
pub(crate) use self::{
    live::token_rate,
    load::{Load, LoadSums, ModelLoad},
};
use crate::{
    config::{TrackerConfig, header_text},
    cost::Prices,
    sync::Arc,
};

/// Knows which requests are in flight. Cheap to clone; all clones are one registry.
#[derive(Clone, Debug)]
pub struct RequestTracker {
    shards: std::sync::Arc<[Arc<Shard>]>,
    shared: Arc<TrackerShared>,
}

/// A change counter. Two equal versions mean equal lists, live counters aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u64);

impl Default for RequestTracker {
    fn default() -> Self {
        Self::new(TrackerConfig::default())
    }
}

impl RequestTracker {
    /// A tracker with nothing on its list.
    pub fn new(config: TrackerConfig) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = (4 * cores).next_power_of_two().min(MAX_SHARDS / 4);
        // A fresh `RandomState` is the standard library's own source of random numbers.
        let random = std::hash::RandomState::new().build_hasher().finish();
        let shared = Arc::new(TrackerShared::new((random >> 32) as u32, config));
        let shards = (0..count as u32).map(|number| Arc::new(Shard::new(Arc::clone(&shared), number))).collect();
        Self { shards, shared }
    }

    /// Whether requests are tracked at all.
    pub fn is_enabled(&self) -> bool {
        self.shared.config.enabled
    }

    /// The settings it was made with.
    pub fn config(&self) -> &TrackerConfig {
        &self.shared.config
    }

    /// Eight hex digits drawn when the tracker was made: another process, or another tracker, has another epoch.
    pub fn epoch(&self) -> u32 {
        self.shared.epoch
    }

    /// Puts a request on the list, for as long as the guard lives. `path` is without its query. `None` when tracking is
    /// switched off, or when more than 16 million requests are in flight on one thread.
    pub fn start(&self, method: &Method, path: &str, info: &RequestInfo<'_>) -> Option<ActiveRequest> {
        if !self.is_enabled() {
            return None;
        }
        let shard = &self.shards[shard_of_thread() & (self.shards.len() - 1)];
        let registered = shard.register(method, path, info)?;
        Some(ActiveRequest::new(Arc::clone(shard), registered))
    }

    /// Returns who asks by these headers, as the settings say.
    #[inline]
    pub(crate) fn caller<'a>(&self, headers: &'a HeaderMap) -> Option<CallerName<'a>> {
        self.shared.callers.name(headers)
    }

    /// Gives a request the labels that its headers hold, as the settings say.
    #[inline]
    pub(crate) fn label(&self, request: &ActiveRequest, headers: &HeaderMap) {
        let names = self.shared.config.labels.headers();
        if !names.is_empty() {
            let value = |name: &'_ HeaderName| headers.get(name).and_then(header_text);
            request.label(names.iter().filter_map(|name| Some((name.as_str(), value(name)?))));
        }
    }

    /// One request; `None` if it is not in flight.
    pub fn get(&self, id: RequestId) -> Option<Row> {
        let slot_ref = id.slot_ref();
        self.shards.get(slot_ref.shard as usize).filter(|_| id.epoch() == self.shared.epoch)?.row(slot_ref)
    }

    /// The handle of a request; `None` if it is not in flight.
    pub fn handle(&self, id: RequestId) -> Option<RequestHandle> {
        let slot_ref = id.slot_ref();
        let shard = self.shards.get(slot_ref.shard as usize).filter(|_| id.epoch() == self.shared.epoch)?;
        shard.is_live(slot_ref).then(|| RequestHandle::new(Arc::clone(shard), slot_ref))
    }

    /// Cancels a request: what runs it is dropped, its row ends as [`Outcome::Killed`], and its client is told.
    /// [`cancel`](crate::cancel) says how.
    pub fn cancel(&self, id: RequestId) -> Cancellation {
        self.handle(id).map_or(Cancellation::Gone, |handle| handle.cancel())
    }

    /// All requests in flight, newest first.
    pub fn snapshot(&self) -> Vec<Row> {
        let now = Instant::now();
        let shared = &*self.shared;
        let mut rows = Vec::new();
        for shard in &*self.shards {
            shard.with_state(|state| state.for_each(shared, |row, _| rows.push(shared.to_row(&row, now))));
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.start_time));
        rows
    }

    /// How many requests are in flight.
    pub fn active(&self) -> usize {
        self.shards.iter().map(|shard| shard.with_state(|state| state.live())).sum()
    }

    /// Counts the changes of the list.
    pub fn version(&self) -> Version {
        Version(self.shards.iter().map(|shard| shard.version()).sum())
    }

    /// Waits until the list is no longer as it was at `since`: a request has started or ended, a response head or a first
    /// token has come, or the names of one have changed. Counters that move on are no change. Returns the version now, which
    /// is `since` when nothing has changed for `timeout` or the tracker has been shut down.
    ///
    /// Cancel safe: a change that comes while nobody waits is found by the next call.
    pub async fn wait_for_change(&self, since: Version, timeout: Duration) -> Version {
        let changed = async {
            let listener = self.shared.listeners.listen();
            loop {
                let open = listener.arm();
                let version = self.version();
                if version != since || !open {
                    return version;
                }
                listener.wait().await;
            }
        };
        tokio::time::timeout(timeout, changed).await.unwrap_or(since)
    }

    /// The last errors, newest first.
    pub fn recent_errors(&self, limit: usize) -> Vec<Entry> {
        self.recent(limit.min(self.shared.config.max_errors), ShardState::errors)
    }

    /// The last requests that ended, newest first.
    pub fn recent_traces(&self, limit: usize) -> Vec<Entry> {
        self.recent(limit.min(self.shared.config.max_traces), ShardState::traces)
    }

    /// The last requests that were [refused](RequestHandle::set_refused), newest first. They are neither among the errors nor among the traces.
    pub fn recent_refusals(&self, limit: usize) -> Vec<Entry> {
        self.recent(limit.min(self.shared.config.max_refusals), ShardState::refusals)
    }

    /// Each shard keeps as many as are shown, so the newest of all are among them.
    fn recent(&self, limit: usize, history: impl Fn(&ShardState) -> &History) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for shard in &*self.shards {
            let to_entry = |request: &EndedRequest| request.to_entry(&self.shared.clock, &self.shared.keys);
            shard.with_state(|state| entries.extend(history(state).iter().map(to_entry)));
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
        entries.truncate(limit);
        entries
    }

    /// Sums over all requests since the tracker was made, except those that were [refused](RequestHandle::set_refused), of which there is
    /// only a number.
    pub fn running_totals(&self, filter: &TotalsFilter) -> RunningTotals {
        let shared = &*self.shared;
        let mut by_key: Vec<totals::KeyTotals> = Vec::new();
        for shard in &*self.shards {
            // What has ended and what is active are read under one lock: each request is in one of them.
            shard.with_state(|state| {
                for (index, totals) in state.totals().iter().enumerate() {
                    get_or_grow(&mut by_key, index).add(totals);
                }
                state.for_each(shared, |row, key| {
                    if row.data.facts.is_refused {
                        return;
                    }
                    get_or_grow(&mut by_key, key.index()).add_active(
                        &row.data.facts,
                        row.usage,
                        row.cost,
                        filter.include_active,
                    );
                });
            });
        }
        let mut report = Report::default();
        shared.keys.for_each(|key, provider, model| {
            if let Some(totals) = by_key.get(key.index()) {
                report.add(provider, model, totals, filter);
            }
        });
        report.finish(&shared.clock, shared.refused())
    }

    /// When the latest request started; `None` before the first.
    pub fn last_accessed(&self) -> Option<SystemTime> {
        let latest = self.shards.iter().filter_map(|shard| shard.with_state(|state| state.last_accessed())).max();
        latest.map(|latest| self.shared.clock.system_time(latest))
    }

    /// Calls `hook` for every request that ends from now on: once each, none left out, until the hook is
    /// [removed](Self::remove_on_end). This is the way to a database, to metrics or to a log of one's own.
    ///
    /// It runs on the thread that ended the request, often that of a connection, after the request has left the list and no lock is
    /// held. So it must be quick: hand the entry on if there is more to do. A panic in it is caught.
    ///
    /// ```
    /// use active_requests::tracker::{Outcome, RequestInfo, RequestTracker};
    /// use std::sync::mpsc;
    ///
    /// let tracker = RequestTracker::default();
    /// let (sender, ended) = mpsc::channel();
    /// tracker.on_end(move |entry| drop(sender.send(entry.clone())));
    /// tracker.start(&http::Method::GET, "/", &RequestInfo::new()).unwrap().finish(Outcome::Completed);
    /// assert_eq!(ended.recv().unwrap().path, "/");
    /// ```
    pub fn on_end(&self, hook: impl Fn(&Entry) + Send + Sync + 'static) -> EndHookId {
        self.shared.end_hooks.add(std::sync::Arc::new(hook))
    }

    /// Calls a hook no longer; a call that has begun is not waited for. Returns whether there was a hook of this id.
    pub fn remove_on_end(&self, id: EndHookId) -> bool {
        self.shared.end_hooks.remove(id)
    }

    /// Whether the request of this handle is in flight on this list.
    pub(crate) fn tracks(&self, handle: &RequestHandle) -> bool {
        handle.is_tracked_by(&self.shared)
    }

    /// Says that a model was asked for at `when`, as a request's start would. An earlier time than the last changes nothing.
    pub fn update_last_accessed(&self, provider: &str, model: &str, when: SystemTime) {
        let Some(when) = self.shared.clock.instant(when) else { return };
        let key = self.shared.keys.key(provider, model);
        self.shards[0].with_state(|state| state.totals_mut(key).accessed(when));
    }

    /// Bills requests by `prices`, in place of those set before: what has ended keeps its cost, what is in flight shows its cost by the new
    /// prices. Until prices are set, `cost_usd` is `null` everywhere.
    ///
    /// ```
    /// use active_requests::{cost::Prices, tracker::RequestTracker};
    ///
    /// let prices = r#"{"gpt-4o": {"input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5, "mode": "chat"}}"#;
    /// let tracker = RequestTracker::default();
    /// tracker.set_prices(Prices::from_litellm(prices)?);
    /// # Ok::<(), active_requests::cost::PricesError>(())
    /// ```
    pub fn set_prices(&self, prices: Prices) {
        self.shared.prices.set(prices);
    }

    /// Says that a graceful shutdown has begun: from now on snapshots, updates and deltas carry `"draining": true`, so that whoever watches
    /// sees what the shutdown waits for. Nothing ends by it; [`shutdown`](Self::shutdown) comes when all requests have ended.
    ///
    /// ```
    /// let tracker = active_requests::RequestTracker::default();
    /// tracker.drain();
    /// assert!(tracker.is_draining() && !tracker.is_shut_down());
    /// ```
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        // The shard's lock orders the two for whoever samples.
        self.shards[0].with_state(|state| state.changed());
        self.shared.listeners.changed();
    }

    /// Whether [`drain`](Self::drain) has been called.
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Relaxed)
    }

    /// Says that the service ends now, whatever still runs: requests that are dropped from now on end as [`Outcome::Shutdown`], since it
    /// was not their clients who left.
    ///
    /// ```
    /// use active_requests::tracker::{Outcome, RequestInfo, RequestTracker};
    ///
    /// let tracker = RequestTracker::default();
    /// let running = tracker.start(&http::Method::GET, "/", &RequestInfo::new());
    /// tracker.drain();
    /// // ... and once the time that requests are given is over:
    /// tracker.cut_off();
    /// drop(running);
    /// assert_eq!(tracker.recent_traces(1)[0].outcome, Outcome::Shutdown);
    /// ```
    pub fn cut_off(&self) {
        self.shared.cut_off.store(true, Ordering::Relaxed);
    }

    /// Ends the streams of all viewers and everybody's waiting, so that a graceful shutdown does not hang on them. Requests
    /// are tracked on.
    pub fn shutdown(&self) {
        self.shared.listeners.close();
    }

    /// Whether [`shutdown`](Self::shutdown) has been called.
    pub fn is_shut_down(&self) -> bool {
        self.shared.listeners.is_closed()
    }
}

/// The element at `index`, made if there is none yet.
pub(crate) fn get_or_grow<T: Default>(list: &mut Vec<T>, index: usize) -> &mut T {
    if list.len() <= index {
        list.resize_with(index + 1, T::default);
    }
    &mut list[index]
}

/// A number that a thread keeps, so that it keeps to a shard.
fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // While a thread is being torn down any shard will do.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}
