//! What goes round.

use super::Slot;

pin_project! {
    pub struct Ring {
        slot: Slot,
    }
}
