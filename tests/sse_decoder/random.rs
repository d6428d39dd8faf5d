//! Any bytes, any cuts.

use crate::{Seen, decode, decode_with, oracle};
use active_requests::sse::Decoder;
use proptest::prelude::*;

/// Bytes with the marks of the format in them, so that lines, fields and events do come about.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let mark = prop::sample::select(vec![
        "\n",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\r\r",
        ":",
        ": ",
        " ",
        "data",
        "data:",
        "data: ",
        "event: ",
        "event",
        "id:",
        "id: ",
        "id",
        "retry: ",
        "retry:12",
        ": ping",
        "0",
        "\0",
        "x",
        "é",
        "\u{FEFF}",
        "datum",
        "{\"a\":1}",
    ]);
    let token = prop_oneof![
        12 => mark.prop_map(|mark| mark.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => (0..40_usize).prop_map(|n| vec![b'y'; n]),
    ];
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

fn chunks<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(body.len());
    let mut start = 0;
    ends.iter().map(|&end| &body[std::mem::replace(&mut start, end)..end]).collect()
}

/// The rest of an event under a limit, computed from the whole one.
fn limited(event: Seen, max: usize) -> Seen {
    let skipped = if event.data.len() > max { event.data.len() - max } else { 0 };
    Seen { data: event.data[skipped..].to_vec(), skipped: skipped as u64, ..event }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_give_what_the_standards_algorithm_gives(
        body in body(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let expected = oracle::decode(&body);
        prop_assert_eq!(&decode([&body[..]]), &expected);
        prop_assert_eq!(&decode(chunks(&body, &cuts)), &expected);
    }

    #[test]
    fn a_limit_leaves_the_same_tail_whatever_the_cuts(
        body in body(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        max in 0..40_usize,
    ) {
        let mut expected = oracle::decode(&body);
        expected.events = expected.events.into_iter().map(|event| limited(event, max)).collect();
        let decoder = || Decoder::new().with_max_event_bytes(max);
        prop_assert_eq!(&decode_with(decoder(), [&body[..]]), &expected);
        prop_assert_eq!(&decode_with(decoder(), chunks(&body, &cuts)), &expected);
    }
}
