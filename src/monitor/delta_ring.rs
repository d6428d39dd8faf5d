//! The newest deltas, kept for subscribers that are late.

use std::collections::VecDeque;

use super::payload::Payload;

/// Deltas that are kept, at most.
const MAX_KEPT: usize = 256;
/// Bytes of the deltas that are kept, at most, the newest aside: to send more than that takes longer than a fresh snapshot.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// The newest deltas of a run, and a snapshot to begin with.
#[derive(Debug, Default)]
pub(super) struct DeltaRing {
    running: bool,
    /// The number of the newest delta.
    seq: u64,
    /// A snapshot, and the `seq` of the delta after which it was taken.
    base: Option<(u64, Payload)>,
    kept: VecDeque<Payload>,
    kept_bytes: usize,
}

impl DeltaRing {
    /// The number of the newest delta.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Begins a run. Returns the `seq` that its first delta follows.
    pub(super) fn start(&mut self) -> u64 {
        self.running = true;
        self.seq += 1;
        self.seq
    }

    /// Ends the run and drops its deltas, since the next run does not follow from them.
    pub(super) fn stop(&mut self) {
        *self = Self { seq: self.seq, ..Self::default() };
    }

    pub(super) fn push(&mut self, delta: Payload) {
        self.seq += 1;
        self.kept_bytes += delta.len();
        self.kept.push_back(delta);
        while self.kept.len() > MAX_KEPT || (self.kept_bytes > MAX_KEPT_BYTES && self.kept.len() > 1) {
            self.kept_bytes -= self.kept.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    /// Keeps a snapshot taken after the newest delta, or none.
    pub(super) fn set_base(&mut self, base: Option<Payload>) {
        self.base = base.map(|base| (self.seq, base));
    }

    /// The snapshot, with the `seq` of the delta after which it was taken, if the deltas after that are kept.
    pub(super) fn base(&self) -> Option<(u64, Payload)> {
        self.base.clone().filter(|&(seq, _)| self.reaches(seq))
    }

    /// The delta that follows `seq`, if it is kept.
    pub(super) fn after(&self, seq: u64) -> Option<&Payload> {
        let back = usize::try_from(self.seq.checked_sub(seq)?).ok()?;
        self.kept.get(self.kept.len().checked_sub(back)?)
    }

    /// Whether all deltas after `seq` are kept.
    pub(super) fn reaches(&self, seq: u64) -> bool {
        self.running && (seq == self.seq || self.after(seq).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deltas: usize, size: usize) -> (DeltaRing, u64) {
        let mut ring = DeltaRing::default();
        let first = ring.start();
        (0..deltas).for_each(|_| ring.push(Payload::new(vec![0; size])));
        (ring, first)
    }

    #[test]
    fn as_many_deltas_as_are_kept_can_be_missed() {
        for (deltas, size, kept) in
            [(0, 1, 0), (10, 1, 10), (256, 1, 256), (300, 1, 256), (20, 1 << 20, 16), (3, 17 << 20, 1)]
        {
            let (ring, first) = run(deltas, size);
            let newest = first + deltas as u64;
            assert_eq!(ring.seq(), newest);
            assert!(ring.reaches(newest - kept), "{deltas} of {size}");
            assert!(!ring.reaches(newest - kept - 1) && !ring.reaches(newest + 1), "{deltas} of {size}");
            assert_eq!(ring.after(newest).map(Payload::len), None);
        }
    }

    #[test]
    fn a_run_does_not_go_on_from_the_one_before() {
        let (mut ring, _) = run(3, 1);
        let last = ring.seq();
        ring.stop();
        assert!(!ring.reaches(last));
        assert_eq!(ring.start(), last + 1);
        assert!(!ring.reaches(last) && ring.reaches(last + 1));
    }
}
