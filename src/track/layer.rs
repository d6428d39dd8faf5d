//! The layer and its settings.

use std::{borrow::Cow, fmt, sync::Arc};

use http::request::Parts;
use tower_layer::Layer;

use super::{
    classify::Classifier,
    head::HeadReaders,
    hook::{Hook, NoHook},
    service::ActiveRequests,
};
use crate::{
    tracker::{ErrorInfo, RequestInfo, RequestTracker},
    usage::{CustomDialect, Dialects},
};

/// Puts requests on a tracker's list for as long as they are in flight. See the [module](super).
///
/// On a request that is on the same list already, by a layer further out, it does nothing. Two layers with trackers of their own
/// both have the request on their lists.
///
/// The type parameters are those of [`on_error`](Self::on_error) and [`on_body_error`](Self::on_body_error).
#[derive(Clone)]
pub struct ActiveRequestsLayer<OnError = NoHook, OnBodyError = NoHook> {
    pub(super) tracker: RequestTracker,
    pub(super) readers: HeadReaders,
    pub(super) dialects: Dialects,
    pub(super) classifier: Classifier,
    pub(super) on_error: OnError,
    pub(super) on_body_error: OnBodyError,
}

impl ActiveRequestsLayer {
    /// Tracks every request with `tracker`.
    pub fn new(tracker: RequestTracker) -> Self {
        Self {
            tracker,
            readers: HeadReaders::default(),
            dialects: Dialects::new(),
            classifier: Classifier::default(),
            on_error: NoHook,
            on_body_error: NoHook,
        }
    }
}

impl<OnError, OnBodyError> ActiveRequestsLayer<OnError, OnBodyError> {
    /// Tracks only the requests for whose head `filter` returns true.
    #[must_use]
    pub fn filter(mut self, filter: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.readers.filter = Some(Arc::new(filter));
        self
    }

    /// Names provider, model and the like from the head alone. Write the closure in place: bound to a variable first, it is taken
    /// for one of a single lifetime.
    #[must_use]
    pub fn describe(mut self, describe: impl for<'a> Fn(&'a Parts) -> RequestInfo<'a> + Send + Sync + 'static) -> Self {
        self.readers.describe = Some(Arc::new(describe));
        self
    }

    /// Reads the tokens of responses that are written in a dialect of one's own, too. May be called several times.
    #[must_use]
    pub fn dialect(mut self, dialect: impl CustomDialect) -> Self {
        self.dialects = self.dialects.with(dialect);
        self
    }

    /// Names who asks, by the head, in place of what the tracker's setting [`caller`](crate::config::TrackerConfig::caller) says. `None`:
    /// nobody known. The name is shown, so it must be no secret; it is cut at 64 bytes.
    ///
    /// ```
    /// use active_requests::{track::ActiveRequestsLayer, tracker::RequestTracker};
    ///
    /// let layer = ActiveRequestsLayer::new(RequestTracker::default())
    ///     .caller(|parts| Some(parts.headers.get("x-team")?.to_str().ok()?.into()));
    /// ```
    #[must_use]
    pub fn caller(
        mut self,
        caller: impl for<'a> Fn(&'a Parts) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.readers.caller = Some(Arc::new(caller));
        self
    }

    /// Labels a request by its head, beside what the tracker's setting [`labels`](crate::config::TrackerConfig::labels) says: by name and value, eight in
    /// all, each cut at 64 bytes. They are shown, so no secret belongs here.
    ///
    /// ```
    /// use active_requests::{track::ActiveRequestsLayer, tracker::RequestTracker};
    ///
    /// let layer = ActiveRequestsLayer::new(RequestTracker::default()).labels(|parts| {
    ///     let version = parts.uri.path().split('/').nth(1).unwrap_or_default();
    ///     vec![("version".into(), version.into())]
    /// });
    /// ```
    #[must_use]
    pub fn labels(
        mut self,
        labels: impl for<'a> Fn(&'a Parts) -> Vec<(Cow<'a, str>, Cow<'a, str>)> + Send + Sync + 'static,
    ) -> Self {
        self.readers.labels = Some(Arc::new(labels));
        self
    }

    /// Chooses which responses count as errors; by default those with a status from 400 on.
    #[must_use]
    pub fn classify(mut self, classifier: Classifier) -> Self {
        self.classifier = classifier;
        self
    }

    /// Puts errors of the inner service into words, and says of what type they are. Without it a request that ends so has no words
    /// and the type [`UnexpectedError`](crate::tracker::ErrorType::UnexpectedError).
    ///
    /// [`ErrorInfo::from_error`] does for errors that implement [`Error`](std::error::Error); it knows the timeouts of tokio and
    /// of I/O. For tower's `Timeout`, look for its own error:
    ///
    /// ```
    /// use active_requests::{track::ActiveRequestsLayer, tracker::{ErrorInfo, ErrorType, RequestTracker}};
    /// use tower::{BoxError, timeout::error::Elapsed};
    ///
    /// let layer = ActiveRequestsLayer::new(RequestTracker::default()).on_error(|error: &BoxError| {
    ///     let info = ErrorInfo::from_error(&**error);
    ///     if error.is::<Elapsed>() { info.error_type(ErrorType::Timeout) } else { info }
    /// });
    /// ```
    #[must_use]
    pub fn on_error<E, F: Fn(&E) -> ErrorInfo>(self, describe: F) -> ActiveRequestsLayer<Hook<F>, OnBodyError> {
        let Self { tracker, readers, dialects, classifier, on_body_error, .. } = self;
        let on_error = Hook::new(describe);
        ActiveRequestsLayer { tracker, readers, dialects, classifier, on_error, on_body_error }
    }

    /// Puts errors of the response body into words, and says of what type they are. Without it they have no words and the type
    /// [`StreamingError`](crate::tracker::ErrorType::StreamingError).
    ///
    /// ```
    /// use active_requests::{track::ActiveRequestsLayer, tracker::{ErrorInfo, RequestTracker}};
    ///
    /// let layer = ActiveRequestsLayer::new(RequestTracker::default())
    ///     .on_body_error(|error: &std::io::Error| ErrorInfo::from_error(error));
    /// ```
    #[must_use]
    pub fn on_body_error<E, F: Fn(&E) -> ErrorInfo>(self, describe: F) -> ActiveRequestsLayer<OnError, Hook<F>> {
        let Self { tracker, readers, dialects, classifier, on_error, .. } = self;
        let on_body_error = Hook::new(describe);
        ActiveRequestsLayer { tracker, readers, dialects, classifier, on_error, on_body_error }
    }
}

impl<OnError, OnBodyError> fmt::Debug for ActiveRequestsLayer<OnError, OnBodyError> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveRequestsLayer")
            .field("tracker", &self.tracker)
            .field("classifier", &self.classifier)
            .finish_non_exhaustive()
    }
}

impl<S, OnError: Clone, OnBodyError: Clone> Layer<S> for ActiveRequestsLayer<OnError, OnBodyError> {
    type Service = ActiveRequests<S, OnError, OnBodyError>;

    fn layer(&self, inner: S) -> Self::Service {
        ActiveRequests { inner, layer: self.clone() }
    }
}
