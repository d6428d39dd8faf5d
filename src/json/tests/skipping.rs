//! The blocks of a skipped value against its bytes, one by one.

use proptest::prelude::*;

use super::{cut, document, with_all_vectors};
use crate::json::skip::Skipper;

/// Bytes that are rich in what matters to skipping, in runs long enough to fill blocks.
fn skippable() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        8 => prop::sample::select(b"\\\\\"\"\"{}[]{}[],:0 x\xe9".to_vec()).prop_map(|byte| vec![byte]),
        1 => (prop::sample::select(b"x1\\ ".to_vec()), 1..200_usize).prop_map(|(byte, count)| vec![byte; count]),
        1 => (prop::sample::select(vec!["words \\\"", "line\\n", "a\\\\\\\"b"]), 1..40_usize).prop_map(|(text, count)| text.repeat(count).into_bytes()),
        2 => document().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// The state behind `chunks`, and how many bytes have been skipped if `floor` was reached.
fn skip(chunks: &[&[u8]], first: u8, floor: u64, by_bytes: bool) -> (Skipper, Option<usize>) {
    let mut skipper = Skipper::inside(first, 4);
    let mut before = 0;
    for chunk in chunks {
        let end = if by_bytes { skipper.skip_bytes(chunk, 0, floor) } else { skipper.skip(chunk, 0, floor) };
        if let Some(end) = end {
            return (Skipper { string_len: 0, ..skipper }, Some(before + end));
        }
        before += chunk.len();
    }
    (Skipper { string_len: 0, ..skipper }, None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn skipping_blocks_is_skipping_bytes_whatever_the_text_and_the_cuts(
        bytes in skippable(),
        first in prop::sample::select(b"{[".to_vec()),
        floor in 0..4_u64,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let expected = skip(&[&bytes], first, floor, true);
        with_all_vectors(|| {
            prop_assert_eq!(skip(&[&bytes], first, floor, false), expected);
            prop_assert_eq!(skip(&cut(&bytes, &cuts), first, floor, false), expected);
            Ok(())
        })?;
    }
}
