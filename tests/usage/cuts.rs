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
    fn no_damage_does_harm(body in select(names()), at in any::<prop::sample::Index>(), bytes in vec(any::<u8>(), 0..8)) {
        let mut body = Body::fixture(&body);
        let at = at.index(body.bytes.len());
        let end = body.bytes.len().min(at + bytes.len());
        body.bytes.splice(at..end, bytes);
        prop_assert_eq!(body.read(|| 5), body.read_whole());
    }
}

fn names() -> Vec<String> {
    Body::fixtures().into_iter().map(|body| body.name).collect()
}
