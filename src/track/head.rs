//! The user's functions that read a request's head.

use std::{borrow::Cow, sync::Arc};

use http::request::Parts;

use crate::tracker::{ActiveRequest, RequestInfo};

type Filter = dyn Fn(&Parts) -> bool + Send + Sync;
type Caller = dyn for<'a> Fn(&'a Parts) -> Option<Cow<'a, str>> + Send + Sync;
type Labels = dyn for<'a> Fn(&'a Parts) -> Vec<(Cow<'a, str>, Cow<'a, str>)> + Send + Sync;
type Describe = dyn for<'a> Fn(&'a Parts) -> RequestInfo<'a> + Send + Sync;

/// The functions that were given to the layer.
#[derive(Clone, Default)]
pub(super) struct HeadReaders {
    pub(super) filter: Option<Arc<Filter>>,
    pub(super) caller: Option<Arc<Caller>>,
    pub(super) labels: Option<Arc<Labels>>,
    pub(super) describe: Option<Arc<Describe>>,
}

impl HeadReaders {
    /// Whether the head has to be looked at as a whole.
    pub(super) fn read_head(&self) -> bool {
        self.filter.is_some() || self.describe.is_some() || self.caller.is_some() || self.labels.is_some()
    }

    /// Whether the layer itself names the caller.
    pub(super) fn name_caller(&self) -> bool {
        self.caller.is_some()
    }

    /// Describes a request by its head; `None`: it is not tracked.
    pub(super) fn info<'a>(&self, head: &'a Parts) -> Option<RequestInfo<'a>> {
        if self.filter.as_ref().is_some_and(|filter| !filter(head)) {
            return None;
        }
        let mut info = self.describe.as_ref().map_or_else(RequestInfo::default, |describe| describe(head));
        if let Some(caller) = &self.caller {
            info.caller = caller(head);
        }
        Some(info)
    }

    /// Labels a request by its head.
    pub(super) fn label(&self, request: &ActiveRequest, head: &Parts) {
        if let Some(labels) = &self.labels {
            request.label(labels(head).iter().map(|(name, value)| (&**name, &**value)));
        }
    }
}
