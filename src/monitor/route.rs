//! The routes of the monitor.

/// A route, by its path relative to the mount.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route<'a> {
    Snapshot,
    Stream,
    /// One request, by its id.
    Request(&'a str),
    Totals,
    Logs,
}

impl<'a> Route<'a> {
    pub(super) fn of(path: &'a str) -> Option<Self> {
        match path {
            "/active-requests" => Some(Self::Snapshot),
            "/active-requests/stream" => Some(Self::Stream),
            "/running-totals" => Some(Self::Totals),
            "/logs" => Some(Self::Logs),
            _ => path
                .strip_prefix("/active-requests/")
                .filter(|id| !id.is_empty() && !id.contains('/'))
                .map(Self::Request),
        }
    }

    /// The methods that the route allows, as in the `allow` header. `may_cancel`: whether the settings allow to cancel requests.
    pub(super) fn allow(self, may_cancel: bool) -> &'static str {
        match self {
            Self::Request(_) if may_cancel => "GET, HEAD, OPTIONS, DELETE",
            _ => "GET, HEAD, OPTIONS",
        }
    }
}
