//! Uses the file that uses it.

use super::{super::json::depth, SIZE};

type Slot = [u8; SIZE];

pub const WIDTH: usize = 8;

mod inner {
    pub struct Slot(crate::tracker::ring::Ring);
}
