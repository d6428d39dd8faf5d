//! The routes of the monitor.

use http::Method;

use crate::config::Right;

/// Returns the right that a request needs. Where there is no route, only those who may read are told so.
pub(super) fn needed_right(method: &Method, path: &str, route: Option<Route<'_>>) -> Right {
    match route {
        Some(Route::Request(_)) if method == Method::DELETE => Right::Operate,
        #[cfg(feature = "prometheus")]
        Some(Route::Metrics) => Right::Scrape,
        None if path.trim_matches('/').is_empty() => Right::Scrape,
        _ => Right::View,
    }
}

/// A route, by its path relative to the mount.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route<'a> {
    Snapshot,
    Stream,
    /// One request, by its id.
    Request(&'a str),
    Totals,
    Logs,
    Series,
    /// The mount itself.
    #[cfg(feature = "prometheus")]
    Metrics,
    /// The list of replicas.
    Fleet,
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        match path {
            "/active-requests" => Some(Self::Snapshot),
            "/active-requests/stream" => Some(Self::Stream),
            "/running-totals" => Some(Self::Totals),
            "/logs" => Some(Self::Logs),
            "/series" => Some(Self::Series),
            #[cfg(feature = "prometheus")]
            "" | "/" => Some(Self::Metrics),
            "/fleet" => Some(Self::Fleet),
            _ => path
                .strip_prefix("/active-requests/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Self::Request),
        }
    }

    /// The methods that the route allows, as in the `allow` header. `can_operate`: whether somebody can have the right to cancel.
    pub(super) fn allow(self, can_operate: bool) -> &'static str {
        match self {
            Self::Request(_) if can_operate => "GET, HEAD, OPTIONS, DELETE",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}
