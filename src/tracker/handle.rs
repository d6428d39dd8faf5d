//! The handle that writes to a request's row.

use super::{
    error_info::ErrorInfo,
    id::{RequestId, SlotRef},
    info::RequestInfo,
    outcome::ErrorType,
    row::Row,
    shard::Shard,
    shared::TrackerShared,
    texts::TextField,
};
use crate::{
    config::{BodyPath, Secret},
    sync::Arc,
    usage::Usage,
};

/// Writes to a request's row. Cheap to clone; once the request has ended, what is written goes nowhere.
///
/// [`ActiveRequestsLayer`](crate::track::ActiveRequestsLayer) puts one into the extensions of every request, tracked or not, so
/// that a handler may rely on it. Where two trackers have the request on their lists, it writes to both.
///
/// A service that runs a model itself reports its tokens through it:
///
/// ```
/// use active_requests::{
///     tracker::{RequestHandle, RequestInfo, RequestTracker},
///     usage::{Usage, UsageSource},
/// };
///
/// fn generate(handle: &RequestHandle) {
///     handle.describe(&RequestInfo::new().provider("local").model("tiny-llm"));
///     for text in ["Hello", ", ", "world"] {
///         handle.add_text(text); // the row shows an estimate of the tokens
///     }
///     handle.set_usage(Usage::new().input_tokens(12).output_tokens(3)); // the final numbers
///     handle.set_finish_reason("stop");
/// }
///
/// let tracker = RequestTracker::default();
/// let request = tracker.start(&http::Method::POST, "/generate", &RequestInfo::new());
/// generate(&request.as_ref().map(|request| request.handle()).unwrap_or_default());
/// let row = tracker.snapshot().remove(0);
/// assert_eq!((row.input_tokens, row.output_tokens, row.usage_source), (12, 3, UsageSource::Reported));
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestHandle {
    row: Option<RowRef>,
    /// The handle of a tracker further out, which has the request on its list too.
    outer: Option<std::sync::Arc<RequestHandle>>,
}

/// A row of a tracker.
#[derive(Clone, Debug)]
pub(super) struct RowRef {
    pub(super) shard: Arc<Shard>,
    pub(super) slot_ref: SlotRef,
}

impl RequestHandle {
    pub(crate) fn new(shard: Arc<Shard>, slot_ref: SlotRef) -> Self {
        Self { row: Some(RowRef { shard, slot_ref }), outer: None }
    }

    /// A handle that writes nowhere: for a request that is not tracked, and for tests of handlers.
    pub fn disabled() -> Self {
        Self::default()
    }

    /// This handle, writing to the rows of `outer` too.
    pub(crate) fn inside(self, outer: Self) -> Self {
        Self { outer: Some(std::sync::Arc::new(outer)), ..self }
    }

    /// The rows that it writes to, innermost first.
    pub(super) fn rows(&self) -> impl Iterator<Item = &RowRef> {
        std::iter::successors(Some(self), |handle| handle.outer.as_deref()).filter_map(|handle| handle.row.as_ref())
    }

    pub(super) fn write(&self, write: impl Fn(&Shard, SlotRef)) {
        self.rows().for_each(|row| write(&row.shard, row.slot_ref));
    }

    /// Whether the request is in flight on the list of a tracker, so that what is written is seen.
    pub fn is_tracked(&self) -> bool {
        self.rows().any(|row| row.shard.is_live(row.slot_ref))
    }

    /// Whether it writes nowhere, and never did.
    pub(crate) fn is_disabled(&self) -> bool {
        self.rows().next().is_none()
    }

    /// Whether the request is in flight on the list of this tracker.
    pub(crate) fn is_tracked_by(&self, tracker: &Arc<TrackerShared>) -> bool {
        self.rows().any(|row| Arc::ptr_eq(&row.shard.shared, tracker) && row.shard.is_live(row.slot_ref))
    }

    /// The request's identifier, also after its end; `None` for a request that is not tracked. Of two trackers, the inner one's.
    pub fn id(&self) -> Option<RequestId> {
        self.rows().next().map(|row| RequestId::new(row.shard.shared.epoch, row.slot_ref))
    }

    /// Says what the request asks for.
    pub fn describe(&self, info: &RequestInfo<'_>) {
        self.write(|shard, slot_ref| shard.describe(slot_ref, info));
    }

    /// Says which provider it goes to.
    pub fn set_provider(&self, provider: &str) {
        self.describe(&RequestInfo::new().provider(provider));
    }

    /// Says which model is asked for, as the client wrote it.
    pub fn set_model(&self, model: &str) {
        self.describe(&RequestInfo::new().model(model));
    }

    /// Says which model an alias resolved to.
    pub fn set_resolved_model(&self, model: &str) {
        self.describe(&RequestInfo::new().resolved_model(model));
    }

    /// Says who asks; cut at 64 bytes. No secret belongs here: it is shown.
    pub fn set_caller(&self, caller: &str) {
        self.describe(&RequestInfo::new().caller(caller));
    }

    /// Sets a label, such as a session or a team. A request has at most eight; name and value are cut at 64 bytes.
    pub fn set_label(&self, name: &str, value: &str) {
        self.write(|shard, slot_ref| shard.label(slot_ref, std::iter::once((name, value))));
    }

    /// Hides a secret of this request, such as the client's own API key, in all that is told of it from now on: `***` is shown in its place.
    /// Secrets of the service itself belong in [`TrackerConfig::secrets`](crate::config::TrackerConfig::secrets).
    pub fn hide(&self, secret: &Secret) {
        self.write(|shard, slot_ref| shard.hide(slot_ref, secret));
    }

    /// Sets several labels.
    pub(crate) fn set_labels<'a>(&self, labels: impl Iterator<Item = (&'a str, &'a str)> + Clone) {
        self.write(|shard, slot_ref| shard.label(slot_ref, labels.clone()));
    }

    /// The values of the request's body that are to be labels, by the settings of the tracker; of two trackers, the inner one's.
    pub(crate) fn body_labels(&self) -> Option<&std::sync::Arc<[BodyPath]>> {
        self.rows().next().map(|row| row.shard.shared.config.labels.shared_body())
    }

    /// Says what is being done, in a short word; `""`: nothing in particular.
    pub fn set_stage(&self, stage: &str) {
        self.write(|shard, slot_ref| shard.note(slot_ref, TextField::Stage, stage));
    }

    /// Says in words what went wrong. It is shown if the request ends with an error.
    pub fn set_error(&self, error: &str) {
        self.write(|shard, slot_ref| shard.note(slot_ref, TextField::Error, error));
    }

    /// Says what type of error it is, where the outcome alone would tell less.
    pub fn set_error_type(&self, error_type: ErrorType) {
        self.write(|shard, slot_ref| shard.error_type(slot_ref, error_type));
    }

    /// Says that the request is turned away before any work is done for it, as one without a key is. It ends as
    /// [`Outcome::Refused`](super::Outcome::Refused), is counted apart from all others in
    /// [`refused_requests`](super::RunningTotals::refused_requests), and is remembered in a ring of its own
    /// ([`recent_refusals`](super::RequestTracker::recent_refusals)): whoever tries many keys does not flush the errors and traces.
    ///
    /// Say it before the response is made. Authentication that stands inside
    /// [`ActiveRequestsLayer`](crate::track::ActiveRequestsLayer) finds the handle in the request's extensions.
    pub fn set_refused(&self) {
        self.write(|shard, slot_ref| shard.refused(slot_ref));
    }

    /// Says what went wrong, and its type if that is known.
    pub(crate) fn set_error_info(&self, info: &ErrorInfo) {
        self.set_error(&info.message);
        if let Some(error_type) = info.error_type {
            self.set_error_type(error_type);
        }
    }

    /// Says how many bytes of the request body have passed.
    pub fn set_request_size(&self, bytes: u64) {
        self.write(|shard, slot_ref| shard.request_bytes(slot_ref, bytes));
    }

    /// Says whether the client is waited for to send more of the request body.
    pub(crate) fn set_upload_pending(&self, yes: bool) {
        self.write(|shard, slot_ref| shard.upload_pending(slot_ref, yes));
    }

    /// Reports the tokens of the request: the final numbers, or those so far, each report replacing the one before. They count
    /// instead of what is read from the response body, and `usage_source` is `reported`.
    pub fn set_usage(&self, usage: Usage) {
        self.write(|shard, slot_ref| shard.own_usage(slot_ref, usage));
    }

    /// Tells of text that the response consists of, as it is made: it makes the row `streaming`, sets the time to the first token,
    /// and is what tokens are estimated from until [`set_usage`](Self::set_usage) reports them. It counts instead of the text that is
    /// read from the response body.
    ///
    /// Takes a lock each time; for single letters, collect some.
    pub fn add_text(&self, text: &str) {
        self.add_text_bytes(text.len() as u64);
    }

    /// As [`add_text`](Self::add_text), for text of which only the length is known, in bytes of UTF-8.
    pub fn add_text_bytes(&self, bytes: u64) {
        self.write(|shard, slot_ref| shard.own_text(slot_ref, bytes));
    }

    /// Reports how many calls of tools the response has, instead of what is read from the response body.
    pub fn set_tool_calls(&self, calls: u64) {
        self.write(|shard, slot_ref| shard.own_tool_calls(slot_ref, calls));
    }

    /// Reports why the answer is over, such as `stop` or `length`, instead of what is read from the response body.
    pub fn set_finish_reason(&self, reason: &str) {
        self.write(|shard, slot_ref| shard.own_finish_reason(slot_ref, reason));
    }

    /// The row as it stands, of the innermost tracker; `None` if the request is not tracked or has ended.
    pub fn row(&self) -> Option<Row> {
        self.rows().find_map(|row| row.shard.row(row.slot_ref))
    }
}
