//! The layer and its settings.

use super::service::ActiveRequests;
use crate::{
    tracker::{RequestInfo, RequestTracker},
    usage::{CustomDialect, Dialects},
};
use http::request::Parts;
use std::{fmt, sync::Arc};
use tower_layer::Layer;

type Filter = dyn Fn(&Parts) -> bool + Send + Sync;
type Describe = dyn for<'a> Fn(&'a Parts) -> RequestInfo<'a> + Send + Sync;

/// Puts requests on a tracker's list for as long as they are in flight. See the [module](super).
///
/// On a request that is on a list already, by a layer further out, it does nothing.
#[derive(Clone)]
pub struct ActiveRequestsLayer {
    pub(super) tracker: RequestTracker,
    filter: Option<Arc<Filter>>,
    describe: Option<Arc<Describe>>,
    pub(super) dialects: Dialects,
}

impl ActiveRequestsLayer {
    /// Tracks every request with `tracker`.
    pub fn new(tracker: RequestTracker) -> Self {
        Self { tracker, filter: None, describe: None, dialects: Dialects::new() }
    }

    /// Tracks only the requests for whose head `filter` returns true.
    #[must_use]
    pub fn filter(mut self, filter: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Names provider, model and the like from the head alone.
    #[must_use]
    pub fn describe(mut self, describe: impl for<'a> Fn(&'a Parts) -> RequestInfo<'a> + Send + Sync + 'static) -> Self {
        self.describe = Some(Arc::new(describe));
        self
    }

    /// Reads the tokens of responses that are written in a dialect of one's own, too. May be called several times.
    #[must_use]
    pub fn dialect(mut self, dialect: impl CustomDialect) -> Self {
        self.dialects = self.dialects.with(dialect);
        self
    }

    /// Whether the head has to be looked at as a whole.
    pub(super) fn reads_head(&self) -> bool {
        self.filter.is_some() || self.describe.is_some()
    }

    /// What the head says; `None`: not to be tracked.
    pub(super) fn read_head<'a>(&self, head: &'a Parts) -> Option<RequestInfo<'a>> {
        if self.filter.as_ref().is_some_and(|filter| !filter(head)) {
            return None;
        }
        Some(self.describe.as_ref().map_or_else(RequestInfo::default, |describe| describe(head)))
    }
}

impl fmt::Debug for ActiveRequestsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveRequestsLayer").field("tracker", &self.tracker).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for ActiveRequestsLayer {
    type Service = ActiveRequests<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ActiveRequests { inner, layer: self.clone() }
    }
}
