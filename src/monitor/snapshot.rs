//! The snapshot for those who ask for it once: encoded once for all who ask at about the same time, and named by what it shows.

use super::{frame::Frame, table::Table};
use crate::{sync::Mutex, tracker::RequestTracker};
use http::{HeaderMap, HeaderValue, header};
use std::time::Duration;
use tokio::time::Instant;

/// How old the times of a snapshot may be: duration, idle time and timestamp.
const MAX_AGE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Snapshots {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    table: Table,
    last: Option<(u64, Instant, Frame)>,
}

impl Snapshots {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { table: Table::new(0), last: None }) }
    }

    /// The snapshot as it is now, and its version.
    pub(super) fn get(&self, tracker: &RequestTracker) -> (u64, Frame) {
        let mut state = self.state.lock();
        let State { table, last } = &mut *state;
        let now = Instant::now();
        table.look(tracker, None, now);
        let version = table.version();
        if let Some((_, _, frame)) =
            last.as_ref().filter(|(of, at, _)| *of == version && now.duration_since(*at) < MAX_AGE)
        {
            return (version, frame.clone());
        }
        let room = last.take().map_or(0, |(_, _, frame)| frame.len());
        let mut out = Vec::with_capacity(room + room / 8 + 256);
        table.write_snapshot(&mut out, None, tracker, now);
        let frame = Frame::new(out);
        *last = Some((version, now, frame.clone()));
        (version, frame)
    }
}

/// The tag of a snapshot: weak, since its times move on under it.
pub(super) fn etag(epoch: u32, version: u64) -> String {
    format!("W/\"{epoch:08x}-{version}\"")
}

/// Whether the client has what `etag` names.
pub(super) fn is_held(headers: &HeaderMap<HeaderValue>, etag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|held| held.trim() == "*" || weak(held) == weak(etag))
}
