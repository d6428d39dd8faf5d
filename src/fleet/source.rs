//! One replica as a watcher knows it: a state machine without input or output of its own.
//!
//! It is told the replica's messages and the time, and says what to ask the replica. A table is built from a whole text and kept up to date by
//! runs of deltas; a run that does not follow makes a gap, which asking repairs. Count and digest in each message show a table that has gone
//! wrong all the same.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{
    clock_offset::ClockOffset,
    packed::{Assembly, Packed, Slice},
    source_rows::SourceRows,
    sums::SumsText,
    text::{DeltaText, UpdateText, is_one_line},
    wire::{About, Run, TableMark},
};

/// The time that a late message is waited for before its replica is asked.
const LATE: Duration = Duration::from_millis(100);
/// The time from one question to the next, at first and at most.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// Questions for what was missed, before all rows are asked for.
const ASKS_FOR_MISSED: u32 = 3;
/// Runs that are kept while they do not follow, at most, and their bytes.
const MAX_KEPT: (usize, usize) = (64, 4 << 20);

/// How far a watcher is with a replica's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// All rows are needed.
    Learning,
    /// Some deltas are missing.
    Gap,
    /// Nothing is missing, as far as is known.
    Live,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct ReplicaSource {
    epoch: u32,
    pub(super) nonce: u64,
    pub(super) about: About,
    /// The number of its rows that it last told.
    pub(super) told: u64,
    pub(super) rows: SourceRows,
    pub(super) sums: Option<SourceSums>,
    pub(super) clock_offset: ClockOffset,
    standing: Standing,
    /// The number of the newest delta in `rows`.
    seq: u64,
    /// The greatest number that the replica has spoken of.
    newest: u64,
    kept: VecDeque<Run>,
    kept_bytes: usize,
    assembly: Assembly,
    /// When to ask next, and how often it has been asked since all was well.
    ask_at: Instant,
    asked: u32,
    /// When anything was last heard of it.
    pub(super) heard: Instant,
    /// When another process of its epoch was last heard of.
    pub(super) conflict: Option<Instant>,
    pub(super) faults: Faults,
}

/// The sums of a replica.
#[derive(Debug)]
pub(super) struct SourceSums {
    /// The number that they were sent with.
    seq: u64,
    pub(super) text: SumsText,
    /// Viewers have not been told of them.
    pub(super) is_news: bool,
}

/// Counts of what has gone wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Runs that did not follow.
    pub(super) gaps: u64,
    /// Tables whose count or digest was not the replica's.
    pub(super) mismatches: u64,
    /// Bodies that could not be read.
    pub(super) malformed: u64,
    /// Times that all rows were taken anew in the place of others.
    pub(super) resyncs: u64,
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, Self { gaps, mismatches, malformed, resyncs }: Self) {
        self.gaps += gaps;
        self.mismatches += mismatches;
        self.malformed += malformed;
        self.resyncs += resyncs;
    }
}

/// A body that cannot be read.
struct Malformed;

impl ReplicaSource {
    pub(super) fn new(epoch: u32, nonce: u64, now: Instant) -> Self {
        Self {
            epoch,
            nonce,
            about: About::default(),
            told: 0,
            rows: SourceRows::default(),
            sums: None,
            clock_offset: ClockOffset::default(),
            standing: Standing::Learning,
            seq: 0,
            newest: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            assembly: Assembly::default(),
            ask_at: now,
            asked: 0,
            heard: now,
            conflict: None,
            faults: Faults::default(),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// The question that is due: the number of the delta from which on to tell, 0 for all rows.
    pub(super) fn question(&self, now: Instant) -> Option<u64> {
        let due = self.standing != Standing::Live && self.ask_at <= now;
        let missed_only = self.standing == Standing::Gap && self.asked < ASKS_FOR_MISSED;
        due.then_some(if missed_only { self.seq } else { 0 })
    }

    /// Whether an answer is awaited.
    pub(super) fn is_asked(&self, now: Instant) -> bool {
        self.standing != Standing::Live && self.asked > 0 && self.ask_at > now
    }

    /// Notes that the replica has been asked. `spread`, from 0 to 1, keeps many watchers from asking at one moment.
    pub(super) fn note_asked(&mut self, now: Instant, spread: f64) {
        let (first, most) = ASK_AGAIN;
        let after = (0..self.asked.min(8)).fold(first, |after, _| after.mul_f64(1.5)).min(most);
        self.ask_at = now + after.mul_f64(0.8 + 0.4 * spread);
        self.asked = self.asked.saturating_add(1);
    }

    /// Takes word that there is nothing new after `mark`.
    pub(super) fn beat(&mut self, mark: TableMark, now: Instant) {
        if self.standing == Standing::Live && mark.seq > self.seq {
            self.newest = mark.seq;
            self.miss(now);
        } else {
            self.check(mark, now);
        }
    }

    /// Takes deltas, in their turn or missed.
    pub(super) fn run(&mut self, run: Run, now: Instant, wall: Duration) {
        self.newest = self.newest.max(run.mark.seq);
        if self.standing == Standing::Learning || run.prev > self.seq {
            self.keep(run);
            if self.standing == Standing::Live {
                self.miss(now);
            }
            return;
        }
        if run.mark.seq > self.seq {
            self.apply(&run, now, wall);
            self.catch_up(now, wall);
        }
    }

    /// Takes a part of text number `number`, which shows all rows after delta `seq`.
    pub(super) fn whole(&mut self, seq: u64, number: u64, slice: Slice, now: Instant, wall: Duration) {
        let is_needed = self.standing != Standing::Live && seq >= self.seq;
        if !is_needed {
            return;
        }
        // More parts are on their way.
        self.ask_at = self.ask_at.max(now + ASK_AGAIN.0);
        if let Some(body) = self.assembly.take((seq, number), slice) {
            self.replace_all(seq, &body, now, wall);
        }
    }

    /// Takes all rows after delta `seq`, unless the table is as new.
    pub(super) fn replace_all(&mut self, seq: u64, body: &Packed, now: Instant, wall: Duration) {
        if self.standing == Standing::Live && seq <= self.seq {
            return;
        }
        if self.replace(body, seq, now, wall).is_err() {
            self.faults.malformed += 1;
            return;
        }
        self.faults.resyncs += u64::from(self.seq > 0);
        self.seq = seq;
        self.standing = Standing::Gap;
        self.catch_up(now, wall);
    }

    fn replace(&mut self, body: &Packed, seq: u64, now: Instant, wall: Duration) -> Result<(), Malformed> {
        let text = body.unpack().ok().filter(|text| is_one_line(text)).ok_or(Malformed)?;
        let update: UpdateText<'_> = serde_json::from_slice(&text).map_err(|_| Malformed)?;
        if update.seq != seq {
            return Err(Malformed);
        }
        self.rows.replace(self.epoch, &update, now).map_err(|_| Malformed)?;
        self.clock_offset.note(update.timestamp, wall);
        Ok(())
    }

    /// Applies kept runs as far as they follow.
    fn catch_up(&mut self, now: Instant, wall: Duration) {
        while let Some(at) = self.kept.iter().position(|run| run.prev <= self.seq) {
            let Some(run) = self.kept.remove(at) else { break };
            self.kept_bytes -= run.deltas.bytes.len();
            if run.mark.seq > self.seq {
                self.apply(&run, now, wall);
            }
            if self.standing == Standing::Learning {
                return;
            }
        }
        if self.standing == Standing::Gap && self.seq >= self.newest {
            (self.standing, self.asked) = (Standing::Live, 0);
        }
    }

    /// Applies the part of a run that is new.
    fn apply(&mut self, run: &Run, now: Instant, wall: Duration) {
        match self.try_apply(run, now, wall) {
            Ok(()) => {
                self.seq = run.mark.seq;
                self.check(run.mark, now);
            }
            Err(Malformed) => {
                self.faults.malformed += 1;
                self.learn_again(now);
            }
        }
    }

    fn try_apply(&mut self, run: &Run, now: Instant, wall: Duration) -> Result<(), Malformed> {
        let text = run.deltas.unpack().map_err(|_| Malformed)?;
        if text.contains(&b'\r') {
            return Err(Malformed);
        }
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let deltas: Result<Vec<DeltaText<'_>>, _> = lines.map(serde_json::from_slice).collect();
        let mut deltas = deltas.map_err(|_| Malformed)?;
        deltas.retain(|delta| delta.seq > self.seq);
        let follows = deltas.iter().zip(self.seq + 1..).all(|(delta, seq)| delta.seq == seq);
        if !follows || deltas.last().is_none_or(|last| last.seq != run.mark.seq) {
            return Err(Malformed);
        }
        self.rows.apply(self.epoch, &deltas, now).map_err(|_| Malformed)?;
        if let Some(last) = deltas.last() {
            self.clock_offset.note(last.timestamp, wall);
        }
        Ok(())
    }

    /// Compares the table with what the replica says of its own.
    fn check(&mut self, mark: TableMark, now: Instant) {
        let same = mark.rows == self.rows.len() && mark.digest == self.rows.digest();
        if self.standing != Standing::Learning && mark.seq == self.seq && !same {
            self.faults.mismatches += 1;
            self.learn_again(now);
        }
    }

    /// Takes sums number `seq`, unless newer ones have come.
    pub(super) fn take_sums(&mut self, seq: u64, body: &Packed) {
        if self.sums.as_ref().is_some_and(|sums| sums.seq >= seq) {
            return;
        }
        match body.unpack().ok().filter(|text| is_one_line(text)).map(|text| SumsText::read(&text)) {
            Some(Ok(text)) => self.sums = Some(SourceSums { seq, text, is_news: true }),
            _ => self.faults.malformed += 1,
        }
    }

    /// Forgets rows and sums, and what viewers were told of them: the watcher wants something else from now on.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        self.rows = SourceRows::default();
        self.sums = None;
        (self.seq, self.newest, self.kept_bytes) = (0, 0, 0);
        self.kept.clear();
        self.assembly = Assembly::default();
        self.learn_again(now);
    }

    /// Whether viewers have anything to be told.
    pub(super) fn has_news(&self) -> bool {
        self.rows.has_news() || self.sums.as_ref().is_some_and(|sums| sums.is_news)
    }

    /// Forgets what viewers have not been told yet.
    pub(super) fn forget_news(&mut self) {
        self.rows.forget_news();
        if let Some(sums) = &mut self.sums {
            sums.is_news = false;
        }
    }

    fn miss(&mut self, now: Instant) {
        self.faults.gaps += 1;
        (self.standing, self.asked, self.ask_at) = (Standing::Gap, 0, now + LATE);
    }

    fn learn_again(&mut self, now: Instant) {
        (self.standing, self.asked, self.ask_at) = (Standing::Learning, 0, now);
    }

    /// Keeps a run until those before it have come. The oldest makes room.
    fn keep(&mut self, run: Run) {
        let (most, most_bytes) = MAX_KEPT;
        self.kept_bytes += run.deltas.bytes.len();
        self.kept.push_back(run);
        while self.kept.len() > most || self.kept_bytes > most_bytes {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.deltas.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &str) -> Packed {
        Packed::new(text.as_bytes())
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_end_in_what_another_sends_does_not_get_into_a_viewers_event() {
        let now = Instant::now();
        let row = |blank: &str| format!(r#"{{"request_id":"req_0000002a-1",{blank}"x":1}}"#);
        let whole = |blank| packed(&format!(r#"{{"seq":5,"active_requests":[{}],"timestamp":1}}"#, row(blank)));
        let delta = |blank| packed(&format!(r#"{{"seq":6,"changed":[{}],"timestamp":1}}"#, row(blank)));
        let sums = |blank| packed(&format!(r#"{{"models":[["p",{blank}1]],"callers":[]}}"#));
        for (blank, refused) in [(" ", 0), ("\n", 1), ("\r", 1)] {
            let mut source = ReplicaSource::new(0x2a, 1, now);
            source.replace_all(5, &whole(blank), now, Duration::ZERO);
            assert_eq!((source.faults.malformed, source.rows.len()), (refused, 1 - refused), "{blank:?}");
            source.replace_all(5, &whole(" "), now, Duration::ZERO);
            let mark = TableMark { seq: 6, rows: 1, digest: source.rows.digest() };
            source.run(Run { prev: 5, mark, deltas: delta(blank) }, now, Duration::ZERO);
            assert_eq!(source.faults.malformed, 2 * refused, "{blank:?}");
            source.take_sums(1, &sums(blank));
            assert_eq!((source.faults.malformed, source.sums.is_some()), (3 * refused, refused == 0), "{blank:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn sums_that_were_overtaken_are_left_out() {
        let mut source = ReplicaSource::new(0x2a, 1, Instant::now());
        let sums = |model| packed(&format!(r#"{{"models":[["{model}"]],"callers":[]}}"#));
        for (seq, model) in [(1, "a"), (3, "c"), (2, "b"), (3, "d")] {
            source.take_sums(seq, &sums(model));
        }
        assert_eq!(source.sums.unwrap().text.members(), r#""models":[["c"]],"callers":[]"#);
    }
}
