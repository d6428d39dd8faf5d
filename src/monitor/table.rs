//! The rows as they were at the last look, newest first, with what is still to be told of each.

use super::{
    encode::{Encoded, json},
    sample::{News, Raw, Sample},
};
use crate::tracker::{Ended, EndedReader, LiveRow, RequestData, RequestId, RequestTracker, ShardItem};
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct TableRow {
    id: RequestId,
    /// In nanoseconds since the tracker was made.
    started: u64,
    sample: Sample,
    encoded: Encoded,
    /// Something has moved since it was written.
    stale: bool,
    /// What a delta has still to tell of it.
    news: News,
    /// The look that last came upon it.
    seen: u64,
}

impl TableRow {
    /// Appends it as it is at `now`, in nanoseconds since the tracker was made.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, now: u64) {
        if std::mem::take(&mut self.stale) {
            self.encoded.moving(&self.sample);
        }
        let since_start = now.saturating_sub(self.started);
        self.encoded.write_row(out, since_start, since_start.saturating_sub(self.sample.last_sign()));
    }

    pub(super) fn write_progress(&self, out: &mut Vec<u8>) {
        self.encoded.write_progress(out, &self.sample);
    }

    /// Provider, model and path, quoted.
    pub(super) fn names(&self) -> [&[u8]; 3] {
        self.encoded.names()
    }

    /// Takes what is still to be told, if it is at least `least`.
    pub(super) fn take_news(&mut self, least: News) -> Option<News> {
        (self.news >= least).then(|| std::mem::replace(&mut self.news, News::Nothing))
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Table {
    /// Moves on whenever a look finds anything but the time to differ.
    version: u64,
    looks: u64,
    /// By shard and slot.
    rows: Vec<Vec<Option<TableRow>>>,
    /// Oldest first, so that what starts goes to the end.
    order: Vec<(Instant, RequestId)>,
    /// What has ended and not been told, with the row if it was in the table.
    ended: Vec<(Ended, Option<TableRow>)>,
    /// What the rows of a shard whose revision moved on have to say, copied under the shard's lock to be written outside it.
    copied: Vec<(usize, RequestData)>,
    /// Buffers of rows that have gone.
    spare: Vec<Encoded>,
}

/// What a look has found to differ.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// A start, an end, or a new revision.
    structure: bool,
    started: bool,
    gone: bool,
    anything: bool,
}

impl Table {
    /// An empty table whose versions follow `version`.
    pub(super) fn new(version: u64) -> Self {
        Self {
            version,
            looks: 0,
            rows: Vec::new(),
            order: Vec::new(),
            ended: Vec::new(),
            copied: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Looks at every row. With `ends`, what has ended is kept to be told. Returns whether anything has started, ended, or got a
    /// head, a first token or new names.
    pub(super) fn look(&mut self, tracker: &RequestTracker, ends: Option<&EndedReader>, now: Instant) -> bool {
        self.looks += 1;
        let mut found = Found::default();
        self.rows.resize_with(tracker.shard_count(), Vec::new);
        for shard in 0..self.rows.len() {
            let mut copies = 0;
            tracker.visit_shard(shard, ends, |seen| match seen {
                ShardItem::Ended(ended) => {
                    let row = place(&mut self.rows[shard], ended.id).take_if(|row| row.id == ended.id);
                    self.ended.push((ended, row));
                    (found.structure, found.gone) = (true, true);
                }
                ShardItem::Row(row) => copies += usize::from(self.see(&row, tracker, now, copies, &mut found)),
            });
            self.write(shard, copies, tracker);
            self.forget_gone(shard, &mut found);
        }
        if found.gone {
            self.order.retain(|&(_, id)| find(&mut self.rows, id).is_some());
            self.give_back();
        }
        if found.started {
            // Nearly in order already, which this sort makes use of.
            self.order.sort_by_key(|&(started, _)| started);
        }
        if found.structure || found.anything {
            self.version += 1;
        }
        found.structure
    }

    /// Takes down a row, under its shard's lock. Returns whether its data has been copied, as number `copies`.
    fn see(
        &mut self,
        row: &LiveRow<'_>,
        tracker: &RequestTracker,
        now: Instant,
        copies: usize,
        found: &mut Found,
    ) -> bool {
        let at = row.id.slot_ref();
        let raw = Raw::of(row);
        let place = place(&mut self.rows[at.shard as usize], row.id);
        let known = place.as_mut().filter(|known| known.id == row.id);
        let rewritten = match known {
            Some(known) => {
                known.seen = self.looks;
                if known.sample.still_holds(&raw, now) {
                    return false;
                }
                let sample = Sample::of(row, raw, now, tracker.config().stall_after);
                let news = sample.news_since(&known.sample);
                let rewritten = raw.revision != known.sample.raw.revision;
                found.structure |= rewritten;
                found.anything |= news != News::Nothing;
                known.sample = sample;
                known.stale = true;
                known.news = known.news.max(news);
                rewritten
            }
            None => {
                (found.structure, found.started) = (true, true);
                found.gone |= place.is_some();
                *place = Some(TableRow {
                    id: row.id,
                    started: tracker.age(row.data.facts.started),
                    sample: Sample::of(row, raw, now, tracker.config().stall_after),
                    encoded: self.spare.pop().unwrap_or_default(),
                    stale: true,
                    news: News::Started,
                    seen: self.looks,
                });
                self.order.push((row.data.facts.started, row.id));
                true
            }
        };
        if rewritten {
            let slot = at.slot as usize;
            match self.copied.get_mut(copies) {
                Some((copied, data)) => {
                    *copied = slot;
                    data.clone_from(row.data);
                }
                None => self.copied.push((slot, row.data.clone())),
            }
        }
        rewritten
    }

    /// Writes what the first `copies` rows copied have to say.
    fn write(&mut self, shard: usize, copies: usize, tracker: &RequestTracker) {
        for (slot, data) in &self.copied[..copies] {
            if let Some(row) = &mut self.rows[shard][*slot] {
                row.encoded.seldom(row.id, data, tracker);
                row.stale = true;
            }
        }
    }

    /// Clears the places of rows that the look has not come upon.
    fn forget_gone(&mut self, shard: usize, found: &mut Found) {
        let rows = &mut self.rows[shard];
        for place in rows.iter_mut() {
            if let Some(row) = place.take_if(|row| row.seen != self.looks) {
                self.spare.push(row.encoded);
                (found.structure, found.gone) = (true, true);
            }
        }
        while rows.last().is_some_and(Option::is_none) {
            rows.pop();
        }
    }

    /// Gives memory back after a burst.
    fn give_back(&mut self) {
        const KEPT: usize = 64;
        let kept = KEPT.max(self.order.len());
        self.spare.truncate(kept);
        self.copied.truncate(kept);
        for rows in &mut self.rows {
            if rows.capacity() > 4 * rows.len().max(KEPT) {
                rows.shrink_to_fit();
            }
        }
        if self.order.capacity() > 4 * kept {
            self.order.shrink_to_fit();
        }
    }

    /// The rows, newest first.
    pub(super) fn for_each(&mut self, mut f: impl FnMut(&mut TableRow)) {
        for &(_, id) in self.order.iter().rev() {
            if let Some(row) = find(&mut self.rows, id) {
                f(row);
            }
        }
    }

    /// Appends `"active_requests":[...]`.
    fn write_rows(&mut self, out: &mut Vec<u8>, now: u64) {
        out.extend_from_slice(br#""active_requests":["#);
        let start = out.len();
        self.for_each(|row| {
            if out.len() > start {
                out.push(b',');
            }
            row.write(out, now);
        });
        out.push(b']');
    }

    /// The whole snapshot; with `seq`, as a delta feed begins with it.
    pub(super) fn write_snapshot(
        &mut self,
        out: &mut Vec<u8>,
        seq: Option<u64>,
        tracker: &RequestTracker,
        now: Instant,
    ) {
        out.push(b'{');
        if let Some(seq) = seq {
            out.extend_from_slice(br#""seq":"#);
            json(out, &seq);
            out.push(b',');
        }
        out.extend_from_slice(br#""disabled":false,"#);
        self.write_rows(out, tracker.age(now));
        out.extend_from_slice(br#","timestamp":"#);
        json(out, &tracker.wall(now).as_secs_f64());
        out.push(b'}');
    }

    /// Everything has been told, by other means.
    pub(super) fn forget_news(&mut self) {
        self.for_each(|row| row.news = News::Nothing);
        self.ended.clear();
    }

    /// What has ended since this was last asked, with the row if it was in the table.
    pub(super) fn take_ended(&mut self) -> Vec<(Ended, Option<TableRow>)> {
        std::mem::take(&mut self.ended)
    }
}

/// The place of a request among its shard's.
fn place(rows: &mut Vec<Option<TableRow>>, id: RequestId) -> &mut Option<TableRow> {
    let slot = id.slot_ref().slot as usize;
    if rows.len() <= slot {
        rows.resize_with(slot + 1, || None);
    }
    &mut rows[slot]
}

fn find(rows: &mut [Vec<Option<TableRow>>], id: RequestId) -> Option<&mut TableRow> {
    let place = id.slot_ref();
    rows.get_mut(place.shard as usize)?.get_mut(place.slot as usize)?.as_mut().filter(|row| row.id == id)
}
