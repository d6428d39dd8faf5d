//! The last deltas, for those who are late.

use super::frame::Frame;
use std::collections::VecDeque;

/// Deltas kept, at most.
const MAX_KEPT: usize = 256;
/// Their bytes, at most, but for the newest: beyond that a fresh snapshot is the shorter way.
const MAX_KEPT_BYTES: usize = 16 << 20;

/// A run of deltas as far as it is kept, and the snapshot to begin it with.
#[derive(Debug, Default)]
pub(super) struct Ring {
    running: bool,
    /// Of the newest delta.
    seq: u64,
    /// What a subscriber begins with, and the delta it stands at.
    base: Option<(u64, Frame)>,
    kept: VecDeque<Frame>,
    kept_bytes: usize,
}

impl Ring {
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Begins a run, numbered from what is returned.
    pub(super) fn start(&mut self) -> u64 {
        self.running = true;
        self.seq += 1;
        self.seq
    }

    /// Ends the run: its deltas do not lead on to the next.
    pub(super) fn stop(&mut self) {
        *self = Self { seq: self.seq, ..Self::default() };
    }

    pub(super) fn push(&mut self, delta: Frame) {
        self.seq += 1;
        self.kept_bytes += delta.len();
        self.kept.push_back(delta);
        while self.kept.len() > MAX_KEPT || (self.kept_bytes > MAX_KEPT_BYTES && self.kept.len() > 1) {
            self.kept_bytes -= self.kept.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    /// Keeps the snapshot after the newest delta, or none any longer.
    pub(super) fn set_base(&mut self, base: Option<Frame>) {
        self.base = base.map(|base| (self.seq, base));
    }

    /// The snapshot kept, with the delta it stands at, if one can go on from there.
    pub(super) fn base(&self) -> Option<(u64, Frame)> {
        self.base.clone().filter(|&(seq, _)| self.reaches(seq))
    }

    /// The delta that follows `seq`, if it is kept.
    pub(super) fn after(&self, seq: u64) -> Option<&Frame> {
        let back = usize::try_from(self.seq.checked_sub(seq)?).ok()?;
        self.kept.get(self.kept.len().checked_sub(back)?)
    }

    /// Whether a subscriber that stands at `seq` can go on from there.
    pub(super) fn reaches(&self, seq: u64) -> bool {
        self.running && (seq == self.seq || self.after(seq).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(deltas: usize, size: usize) -> (Ring, u64) {
        let mut ring = Ring::default();
        let first = ring.start();
        (0..deltas).for_each(|_| ring.push(Frame::new(vec![0; size])));
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
            assert_eq!(ring.after(newest).map(Frame::len), None);
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
