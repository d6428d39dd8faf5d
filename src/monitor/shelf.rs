//! The shelf of payloads that subscribers are in the middle of.
//!
//! A payload of several slices is kept here for as long as somebody is still to fetch some of them. A subscriber itself keeps no payload,
//! so that however many of them fall asleep, each over a snapshot of its own, what they hold together is bounded.

use std::collections::VecDeque;

use super::payload::Payload;

/// Bytes of the payloads on the shelf, at most, the one fetched from last aside.
const MAX_BYTES: usize = 32 << 20;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// In the order in which they were last fetched from.
    payloads: VecDeque<Payload>,
    bytes: usize,
}

impl Shelf {
    /// Keeps `payload`, from which a subscriber is about to fetch a slice that is not the last. Those that nobody has fetched from for the longest make
    /// room: whoever is in the middle of one has fallen asleep over it.
    pub(super) fn keep(&mut self, payload: &Payload) {
        match self.payloads.iter().rposition(|kept| kept.is(payload)) {
            Some(at) if at + 1 == self.payloads.len() => return,
            Some(at) => _ = self.payloads.remove(at),
            None => self.bytes += payload.len(),
        }
        self.payloads.push_back(payload.clone());
        while self.bytes > MAX_BYTES && self.payloads.len() > 1 {
            self.bytes -= self.payloads.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    /// Gives up the payloads that nobody is in the middle of.
    pub(super) fn tidy(&mut self) {
        self.payloads.retain(Payload::is_referred_to);
        self.bytes = self.payloads.iter().map(Payload::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(len: usize) -> Payload {
        Payload::new(vec![b'x'; len])
    }

    #[test]
    fn what_nobody_has_fetched_from_for_the_longest_makes_room() {
        let mut shelf = Shelf::default();
        let payloads: Vec<_> = (0..3).map(|_| payload(15 << 20)).collect();
        let readers: Vec<_> = payloads.iter().map(Payload::downgrade).collect();
        for index in [0, 1, 0, 2] {
            shelf.keep(&payloads[index]);
        }
        drop(payloads);
        let kept = || readers.iter().map(|reader| reader.upgrade().is_some()).collect::<Vec<_>>();
        assert_eq!(kept(), [true, false, true]);
        let large = payload(40 << 20);
        let reader = large.downgrade();
        shelf.keep(&large);
        drop(large);
        assert_eq!(
            (kept(), reader.upgrade().is_some()),
            (vec![false; 3], true),
            "the newest is kept whatever its size"
        );
    }

    #[test]
    fn what_nobody_is_in_the_middle_of_is_given_up() {
        let mut shelf = Shelf::default();
        let payload = payload(100);
        let reader = payload.downgrade();
        shelf.keep(&payload);
        drop(payload);
        shelf.tidy();
        assert!(reader.upgrade().is_some());
        drop(reader);
        shelf.tidy();
        assert_eq!((shelf.payloads.len(), shelf.bytes), (0, 0));
    }
}
