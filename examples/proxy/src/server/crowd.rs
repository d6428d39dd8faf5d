//! The memory that a crowd of connections leaves behind.
//!
//! The allocator gives freed memory back to the system some time after, at one of its next ten thousand slow allocations. A process at rest
//! makes none, and would keep the memory of all who were there at once.

use std::hint::black_box;

/// Connections that are a crowd.
const CROWD: usize = 256;

/// The seconds in which memory is given back after a crowd has gone. The allocator waits for one.
const SECONDS: u8 = 3;

/// Allocations after which the allocator looks what it can give back, and a size that is not served from its fast lists.
const ALLOCATIONS: usize = 10_000;
const SIZE: usize = 4096;

/// Watches how many connections there are.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// The most connections since a crowd has gone.
    most: usize,
    /// Seconds in which memory is still to be given back.
    left: u8,
}

impl Crowd {
    /// Notes how many connections are open, each second, and gives memory back when most of a crowd has gone.
    pub(super) fn note(&mut self, open: usize) {
        if self.has_gone(open) {
            // About a millisecond.
            (0..ALLOCATIONS).for_each(|_| drop(black_box(Vec::<u8>::with_capacity(SIZE))));
        }
    }

    fn has_gone(&mut self, open: usize) -> bool {
        self.most = self.most.max(open);
        if self.most >= CROWD && open <= self.most / 2 {
            *self = Self { most: open, left: SECONDS };
        }
        let has_gone = self.left > 0;
        self.left = self.left.saturating_sub(1);
        has_gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_for_a_few_seconds_after_most_of_a_crowd_has_gone() {
        let mut crowd = Crowd::default();
        let open = [0, 200, 10, 300, 1_000, 600, 400, 400, 400, 400, 210, 0, 0, 0, 0, 0];
        let gone: Vec<_> = open.into_iter().filter(|open| crowd.has_gone(*open)).collect();
        assert_eq!(gone, [400, 400, 400, 0, 0, 0]);
    }
}
