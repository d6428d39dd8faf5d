//! The ids of events, which name the process by its epoch and the state they lead to.

/// The id of a delta, and of the update with which a delta feed begins: `<epoch>-<seq>`.
pub(super) fn delta_id(epoch: u32, seq: u64) -> String {
    format!("{epoch:08x}-{seq}")
}

/// The id of an update in `format=update`: `<epoch>-u<version>`.
pub(super) fn update_id(epoch: u32, version: u64) -> String {
    format!("{epoch:08x}-u{version}")
}

/// The `seq` of a delta's id; `None` if the id is not one of this epoch.
pub(super) fn read_delta_id(id: &str, epoch: u32) -> Option<u64> {
    let seq = id.strip_prefix(&format!("{epoch:08x}-"))?;
    seq.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deltas_id_of_the_same_epoch_is_read() {
        assert_eq!(read_delta_id(&delta_id(0x2a, 18), 0x2a), Some(18));
        assert_eq!(read_delta_id(&delta_id(0x2a, 18), 0x2b), None);
        assert_eq!(read_delta_id(&update_id(0x2a, 18), 0x2a), None);
        for other in ["", "0000002a", "0000002a-", "0000002a-x", "2a-18"] {
            assert_eq!(read_delta_id(other, 0x2a), None, "{other}");
        }
    }
}
