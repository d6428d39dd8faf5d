//! The cutting of large texts.

use bytes::Bytes;

/// The longest slice, in bytes, but for the last. A server takes some 400 KB before it waits for the client.
pub(super) const MAX_SLICE: usize = 64 * 1024;

/// Cuts a large text into slices, each with memory of its own. The last one is long enough to hold the last member of a snapshot.
pub(super) fn slices(whole: Bytes) -> Vec<Bytes> {
    const SHORTEST: usize = 1024;
    if whole.len() <= MAX_SLICE + SHORTEST {
        return vec![whole];
    }
    let mut slices = Vec::with_capacity(whole.len() / MAX_SLICE + 1);
    let mut rest = &whole[..];
    while rest.len() > MAX_SLICE + SHORTEST {
        let (slice, after) = rest.split_at(MAX_SLICE);
        slices.push(Bytes::copy_from_slice(slice));
        rest = after;
    }
    slices.push(Bytes::copy_from_slice(rest));
    slices
}
