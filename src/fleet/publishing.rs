//! The news of this replica's own rows: a snapshot to begin with, then runs of deltas.

use std::{future::poll_fn, time::Duration};

use bytes::Bytes;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use super::{
    digest::LiveIds,
    packed::Packed,
    text::{DeltaText, UpdateText, event_data},
    wire::{Run, TableMark},
};
use crate::monitor::{Feed, Format, Subscription};

/// The least time between two runs.
const PACE: Duration = Duration::from_millis(250);

/// A subscription to this replica's own feed. The feed runs while there is one.
#[derive(Debug)]
pub(super) struct Publishing {
    subscription: Subscription,
    /// The requests that who has read all of it has in its table.
    ids: LiveIds,
    /// The number of the newest delta that was read; 0 before the first snapshot.
    seq: u64,
    rests_until: Instant,
}

/// News of this replica's rows.
#[derive(Debug)]
pub(super) enum News {
    /// All rows, after delta `seq`.
    Whole { seq: u64, update: Bytes },
    /// Deltas.
    Run(Run),
}

impl Publishing {
    /// `None` where there is nobody to publish: the tracker has been shut down.
    pub(super) fn start(feed: &Feed) -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        let subscription = feed.subscribe(&runtime, Format::Delta, None, false).ok()?;
        Some(Self { subscription, ids: LiveIds::default(), seq: 0, rests_until: Instant::now() })
    }

    /// How far the rows have been told.
    pub(super) fn mark(&self) -> TableMark {
        TableMark { seq: self.seq, rows: self.ids.len(), digest: self.ids.digest() }
    }

    /// Waits for news, and for as long as news must be apart. `None` when the feed has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<News> {
        sleep_until(self.rests_until).await;
        loop {
            let first = poll_fn(|cx| self.subscription.poll_next(cx)).await?;
            // From here on nothing waits, so that nothing that was taken is lost.
            self.rests_until = Instant::now() + PACE;
            let mut run = PendingRun { prev: self.seq, text: Vec::new() };
            let mut event = Some(first);
            while let Some(payload) = event {
                if let Some(news) = self.read(&payload.text(), &mut run) {
                    return Some(news);
                }
                event = next_at_hand(&mut self.subscription);
            }
            if !run.text.is_empty() {
                let deltas = Packed { bytes: run.text.into(), is_deflated: false };
                return Some(News::Run(Run { prev: run.prev, mark: self.mark(), deltas }));
            }
        }
    }

    /// Reads an event. A delta goes into `run`; a snapshot, which takes the place of all before it, is returned.
    fn read(&mut self, event: &Bytes, run: &mut PendingRun) -> Option<News> {
        let (is_delta, data) = event_data(event)?;
        if is_delta {
            let delta: DeltaText<'_> = serde_json::from_slice(data).ok()?;
            delta.started.iter().for_each(|row| self.ids.insert(row.id));
            delta.ended.iter().for_each(|entry| self.ids.remove(entry.id));
            self.seq = delta.seq;
            run.text.extend_from_slice(data);
            run.text.push(b'\n');
            return None;
        }
        let update: UpdateText<'_> = serde_json::from_slice(data).ok()?;
        self.ids.clear();
        update.active_requests.iter().for_each(|row| self.ids.insert(row.id));
        self.seq = update.seq;
        Some(News::Whole { seq: update.seq, update: event.slice_ref(data) })
    }

    /// The deltas from after `seq` to the newest that was told; `None` where they are not kept any more.
    pub(super) fn missed(&self, feed: &Feed, seq: u64) -> Option<Run> {
        let runtime = Handle::try_current().ok()?;
        let mut subscription = feed.subscribe(&runtime, Format::Delta, Some(seq), false).ok()?;
        if !subscription.is_resumed() || seq > self.seq {
            return None;
        }
        let mut text = Vec::new();
        for _ in seq..self.seq {
            let payload = next_at_hand(&mut subscription)?;
            let event = payload.text();
            let (true, data) = event_data(&event)? else { return None };
            text.extend_from_slice(data);
            text.push(b'\n');
        }
        Some(Run { prev: seq, mark: self.mark(), deltas: Packed::new(&text) })
    }
}

/// The deltas that are being put together.
struct PendingRun {
    prev: u64,
    text: Vec<u8>,
}

fn next_at_hand(subscription: &mut Subscription) -> Option<crate::monitor::Payload> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match subscription.poll_next(&mut cx) {
        std::task::Poll::Ready(payload) => payload,
        std::task::Poll::Pending => None,
    }
}

/// All rows as they are now, with the number of the delta after which they are: the answer to who asks for all.
pub(super) async fn all_rows(feed: std::sync::Arc<Feed>) -> Option<(u64, Packed)> {
    let runtime = Handle::try_current().ok()?;
    let mut subscription = feed.subscribe(&runtime, Format::Delta, None, false).ok()?;
    let payload = poll_fn(|cx| subscription.poll_next(cx)).await?;
    let text = payload.text();
    let (_, data) = event_data(&text)?;
    let UpdateText { seq, .. } = serde_json::from_slice(data).ok()?;
    Some((seq, Packed::new(data)))
}
