//! The part of a replica that tells others of its own requests: rows and sums while somebody holds a lease, and answers to who has missed something.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    common::Common,
    lease::Leases,
    packed::Packed,
    publishing::{News, Publishing, all_rows},
    sums::SumsText,
    want::Want,
    wire::{Content, Run, Sender, TableMark},
};
use crate::{config::MonitorConfig, monitor::Feed};

/// Silence after which a replica says that there is nothing new.
const BEAT: Duration = Duration::from_secs(1);
/// The time from one message of sums to the next.
const SUMS: Duration = Duration::from_secs(2);
/// The time for which sums are sent again rather than summed up anew, when many ask one after the other.
const SUMS_AGE: Duration = Duration::from_millis(100);
/// Watchers that wait for all rows, at most; who is left out asks again.
const MAX_ASKERS: usize = 64;

/// See the [module](self).
pub(super) struct Broadcast {
    common: Arc<Common>,
    leases: Leases,
    /// The feed that is sent to others.
    feed: Arc<Feed>,
    publishing: Option<Publishing>,
    /// When rows were last sent to watchers.
    told: Instant,
    askers: Vec<u32>,
    whole: Option<AllRows>,
    /// The number of the next text of all rows.
    wholes: u64,
    /// The newest sums, and when they were summed up.
    sums: Option<(Instant, OwnSums)>,
    /// When sums are due.
    sums_at: Option<Instant>,
}

/// The text of all rows, in work.
type AllRows = Pin<Box<dyn Future<Output = Option<(u64, Packed)>> + Send>>;

/// News of this replica's rows, for a watcher within it.
#[derive(Debug)]
pub(super) enum OwnNews {
    /// All rows, after delta `seq`.
    All { seq: u64, rows: Packed },
    /// Deltas.
    Run(Run),
}

/// The sums of this replica.
#[derive(Clone, Debug)]
pub(super) struct OwnSums {
    pub(super) seq: u64,
    rows: u64,
    pub(super) body: Packed,
}

/// The needs of the watchers within this replica.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnNeeds {
    /// They show its rows.
    pub(super) rows: bool,
    /// They have none of its rows yet.
    pub(super) all_rows: bool,
    /// They show its sums.
    pub(super) sums: bool,
    /// They have none of its sums yet.
    pub(super) first_sums: bool,
}

impl Broadcast {
    pub(super) fn new(common: Arc<Common>) -> Self {
        let feed_config = MonitorConfig::default()
            .delta_interval(common.config.interval)
            .heartbeat(Duration::MAX)
            .max_subscribers(usize::MAX);
        let feed = Arc::new(Feed::new(common.tracker.clone(), Arc::new(feed_config)));
        Self {
            common,
            leases: Leases::default(),
            feed,
            publishing: None,
            told: Instant::now(),
            askers: Vec::new(),
            whole: None,
            wholes: 0,
            sums: None,
            sums_at: None,
        }
    }

    /// Does what is due. Returns the sums, if they are.
    pub(super) fn turn(&mut self, needs: OwnNeeds, now: Instant) -> Option<OwnSums> {
        let me = self.common.me.epoch;
        let leased = self.leases.any(now, |want| want.is_for_rows_of(me));
        if leased || needs.rows {
            if self.publishing.is_none() {
                self.publishing = Publishing::start(&self.feed);
            } else if needs.all_rows && self.mark().is_some() && !self.askers.contains(&me) {
                // The own table begins with a snapshot, as that of any other replica does.
                self.askers.push(me);
            }
        } else {
            self.publishing = None;
        }
        if leased && now.duration_since(self.told) >= BEAT {
            self.beat(now);
        }
        if self.whole.is_none() && !self.askers.is_empty() {
            self.whole = Some(Box::pin(all_rows(Arc::clone(&self.feed))));
        }
        self.turn_sums(needs, now)
    }

    fn turn_sums(&mut self, needs: OwnNeeds, now: Instant) -> Option<OwnSums> {
        let leased = self.leases.any(now, |want| want == Want::Sums);
        if !leased && !needs.sums {
            self.sums_at = None;
            return None;
        }
        let is_due = self.sums_at.is_none_or(|at| at <= now);
        if !is_due && !needs.first_sums {
            return None;
        }
        let sums = self.sum_up(now);
        if is_due {
            self.sums_at = Some(now + SUMS);
            if leased {
                let topic = self.common.topics.sums(self.common.me.epoch);
                self.common.send_to(topic, self.sums_message(&sums));
            }
        }
        Some(sums)
    }

    fn sum_up(&mut self, now: Instant) -> OwnSums {
        if let Some((_, sums)) = self.sums.as_ref().filter(|(at, _)| now.duration_since(*at) < SUMS_AGE) {
            return sums.clone();
        }
        let load = self.common.tracker.load();
        let seq = self.sums.as_ref().map_or(1, |(_, sums)| sums.seq + 1);
        let sums = OwnSums { seq, rows: load.rows, body: Packed::new(&SumsText::of(&load).object()) };
        self.sums = Some((now, sums.clone()));
        sums
    }

    fn sums_message(&self, OwnSums { seq, rows, body }: &OwnSums) -> Content {
        Content::Sums { about: self.common.about.clone(), seq: *seq, rows: *rows, body: body.clone() }
    }

    /// How far the rows have been told, once they have.
    fn mark(&self) -> Option<TableMark> {
        self.publishing.as_ref().map(Publishing::mark).filter(|mark| mark.seq > 0)
    }

    /// Tells watchers of this replica's rows.
    fn publish(&mut self, content: Content, now: Instant) {
        self.common.send_to(self.common.topics.rows(self.common.me.epoch), content);
        self.told = now;
    }

    fn beat(&mut self, now: Instant) {
        if let Some(mark) = self.mark() {
            self.publish(Content::Beat(self.common.about.clone(), mark), now);
        }
    }

    /// Takes or renews a lease. A new watcher is told at once that this replica is there, and how many rows it has.
    pub(super) fn lease(&mut self, watcher: u32, want: Want, ttl: Duration, now: Instant) {
        let is_for_rows = want.is_for_rows_of(self.common.me.epoch);
        if !(is_for_rows || want == Want::Sums) || !self.leases.renew(watcher, want, ttl, now) {
            return;
        }
        let content = if is_for_rows {
            let rows = self.common.tracker.active() as u64;
            let unknown = TableMark { rows, ..TableMark::default() };
            Content::Beat(self.common.about.clone(), self.mark().unwrap_or(unknown))
        } else {
            let sums = self.sum_up(now);
            self.sums_message(&sums)
        };
        // To it alone: it may not be listening to the rest yet.
        self.common.send(Some(watcher), content);
    }

    /// Ends a lease of a watcher, or all of them.
    pub(super) fn end_lease(&mut self, watcher: u32, want: Option<Want>) {
        self.leases.end(watcher, want);
    }

    /// Answers a watcher that has missed something, or needs all.
    pub(super) fn answer(&mut self, from: Sender, seq: u64, nonce: u64) {
        let missed = self
            .publishing
            .as_ref()
            .filter(|_| nonce == self.common.me.nonce && seq > 0)
            .and_then(|publishing| publishing.missed(&self.feed, seq));
        match missed {
            Some(run) => self.common.send(Some(from.epoch), Content::Missed(run)),
            None if self.askers.len() < MAX_ASKERS && !self.askers.contains(&from.epoch) => {
                self.askers.push(from.epoch)
            }
            None => {}
        }
    }

    /// Waits for news of this replica's rows, tells the watchers elsewhere, and returns them for those here. Cancel safe.
    pub(super) async fn next(&mut self) -> OwnNews {
        loop {
            let news = tokio::select! {
                biased;
                news = next_news(&mut self.publishing) => self.tell(news),
                whole = next_whole(&mut self.whole) => self.answer_askers(whole),
            };
            if let Some(news) = news {
                return news;
            }
        }
    }

    fn tell(&mut self, news: Option<News>) -> Option<OwnNews> {
        let now = Instant::now();
        let leased = self.leases.any(now, |want| want.is_for_rows_of(self.common.me.epoch));
        match news {
            None => {
                self.publishing = None;
                None
            }
            Some(News::Whole { seq, update }) => {
                if leased {
                    self.beat(now);
                }
                Some(OwnNews::All { seq, rows: Packed { bytes: update, is_deflated: false } })
            }
            Some(News::Run(run)) => {
                if leased {
                    let Run { prev, mark, deltas } = &run;
                    let packed = Run { prev: *prev, mark: *mark, deltas: Packed::new(&deltas.bytes) };
                    self.publish(Content::Deltas(packed), now);
                }
                Some(OwnNews::Run(run))
            }
        }
    }

    fn answer_askers(&mut self, whole: Option<(u64, Packed)>) -> Option<OwnNews> {
        self.whole = None;
        let askers = std::mem::take(&mut self.askers);
        let (seq, packed) = whole?;
        self.wholes += 1;
        let me = self.common.me.epoch;
        for asker in askers.iter().filter(|asker| **asker != me) {
            for slice in packed.slices() {
                let about = self.common.about.clone();
                self.common.send(Some(*asker), Content::Whole { about, seq, number: self.wholes, slice });
            }
        }
        askers.contains(&me).then_some(OwnNews::All { seq, rows: packed })
    }
}

/// The next news; never any while nothing is published.
async fn next_news(publishing: &mut Option<Publishing>) -> Option<News> {
    match publishing {
        Some(publishing) => publishing.next().await,
        None => std::future::pending().await,
    }
}

async fn next_whole(whole: &mut Option<AllRows>) -> Option<(u64, Packed)> {
    match whole {
        Some(whole) => whole.await,
        None => std::future::pending().await,
    }
}
