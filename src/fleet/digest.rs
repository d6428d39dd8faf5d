//! A digest of which requests are in a table, by which a table that has gone wrong is found out.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::tracker::RequestId;

/// Mixes a request's number into 64 bits that are as good as random (the finaliser of SplitMix64). The digest of a table is the exclusive
/// or over its requests, so that it can be kept up to date one by one.
pub(super) fn mixed(id: RequestId) -> u64 {
    let mut bits = id.number().wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The requests in a table, without their rows.
#[derive(Debug, Default)]
pub(super) struct LiveIds {
    ids: HashSet<RequestId, RandomState>,
    digest: u64,
}

impl LiveIds {
    pub(super) fn insert(&mut self, id: RequestId) {
        if self.ids.insert(id) {
            self.digest ^= mixed(id);
        }
    }

    pub(super) fn remove(&mut self, id: RequestId) {
        if self.ids.remove(&id) {
            self.digest ^= mixed(id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.ids.clear();
        self.digest = 0;
    }

    pub(super) fn len(&self) -> u64 {
        self.ids.len() as u64
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> RequestId {
        format!("req_0000002a-{number:x}").parse().unwrap()
    }

    #[test]
    fn equal_sets_have_equal_digests_whatever_their_history() {
        let (mut one, mut other) = (LiveIds::default(), LiveIds::default());
        (0..100).for_each(|number| one.insert(id(number)));
        (50..200).rev().for_each(|number| other.insert(id(number)));
        (100..200).for_each(|number| other.remove(id(number)));
        (0..60).for_each(|number| other.insert(id(number)));
        other.remove(id(1000));
        assert_eq!((one.len(), one.digest()), (other.len(), other.digest()));
        other.remove(id(7));
        other.insert(id(107));
        assert_eq!(one.len(), other.len());
        assert_ne!(one.digest(), other.digest());
        other.clear();
        assert_eq!((other.len(), other.digest()), (0, 0));
    }
}
