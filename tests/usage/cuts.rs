//! Where a body is cut into pieces tells nothing.

use crate::support::Body;
use proptest::{collection::vec, prelude::*, sample::select};

#[test]
fn byte_by_byte_is_like_whole() {
    for body in Body::fixtures() {
        assert_eq!(body.read(|| 1), body.read_whole(), "{}", body.name);
    }
}

proptest! {
    #[test]
    fn any_cuts_are_like_none(body in select(names()), sizes in vec(1..200_usize, 1..40)) {
        let body = Body::fixture(&body);
        let mut next = sizes.iter().cycle();
        prop_assert_eq!(body.read(|| *next.next().unwrap()), body.read_whole());
    }

    #[test]
    fn damage_is_read_alike_however_it_is_cut(
        body in select(names()),
        at in any::<prop::sample::Index>(),
        bytes in vec(any::<u8>(), 0..8),
        sizes in vec(1..200_usize, 1..40),
    ) {
        let mut body = Body::fixture(&body);
        damage(&mut body.bytes, at, bytes);
        let mut next = sizes.iter().cycle();
        prop_assert_eq!(body.read(|| *next.next().unwrap()), body.read_whole());
    }

    #[test]
    fn damage_of_an_encoded_body_is_read_alike_however_it_is_cut(
        body in select(names()),
        coding in select(vec!["gzip", "deflate", "zstd"]),
        at in any::<prop::sample::Index>(),
        bytes in vec(any::<u8>(), 0..8),
        sizes in vec(1..200_usize, 1..40),
    ) {
        let mut body = Body::fixture(&body).encoded(coding);
        damage(&mut body.bytes, at, bytes);
        let mut next = sizes.iter().cycle();
        prop_assert_eq!(body.read(|| *next.next().unwrap()), body.read_whole());
    }
}

/// Writes `bytes` over those at `at`.
fn damage(body: &mut Vec<u8>, at: prop::sample::Index, bytes: Vec<u8>) {
    let at = at.index(body.len());
    let end = body.len().min(at + bytes.len());
    body.splice(at..end, bytes);
}

fn names() -> Vec<String> {
    Body::fixtures().into_iter().map(|body| body.name).collect()
}
