//! The readers: what they make of a body does not depend on its cuts.

use std::io::Read;

use active_requests::{inspect::ModelLocator, sse::Decoder, usage::Meter};
use flate2::{
    Compression,
    read::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed},
};

use crate::{
    corpus::{Seed, answers, requests},
    damage::{Cuts, cuts, damage},
};

/// As many inputs as `FUZZ_CASES` says, from the seed `FUZZ_SEED`.
fn config() -> Config {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse().unwrap());
    Config {
        cases: u32::try_from(number("FUZZ_CASES").unwrap_or(2000)).unwrap(),
        rng_seed: RngSeed::Fixed(number("FUZZ_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..Config::default()
    }
}

/// The whole reading of a meter, in words.
fn metered<'a>(content_type: &str, coding: Option<&str>, pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut head = http::Response::builder().header("content-type", content_type);
    if let Some(coding) = coding {
        head = head.header("content-encoding", coding);
    }
    let mut meter = Meter::for_response(&head.body(()).unwrap().into_parts().0);
    pieces.for_each(|piece| meter.observe(piece));
    meter.finish();
    format!("{:?}", meter.reading())
}

/// The events of a stream, each in words.
fn decoded<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new();
    pieces.for_each(|piece| decoder.feed(piece, |event| events.push(format!("{event:?}"))));
    decoder.finish(|event| events.push(format!("{event:?}")));
    events
}

fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
    let (mut bytes, level) = (Vec::new(), Compression::fast());
    match coding {
        "gzip" => _ = GzEncoder::new(plain, level).read_to_end(&mut bytes).unwrap(),
        "deflate" if plain.len().is_multiple_of(2) => {
            _ = ZlibEncoder::new(plain, level).read_to_end(&mut bytes).unwrap()
        }
        "deflate" => _ = DeflateEncoder::new(plain, level).read_to_end(&mut bytes).unwrap(),
        _ => bytes = zstd::encode_all(plain, 1).unwrap(),
    }
    bytes
}

/// The model of a request, the reason why there is none, and whether the reader has given up.
fn located<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Option<(String, std::ops::Range<usize>)>, String) {
    let mut locator = ModelLocator::new();
    pieces.for_each(|piece| _ = locator.push(piece));
    let (fault, repeated, over) = (locator.fault(), locator.is_repeated(), locator.is_over());
    let model = locator.push(b"").map(|model| (model.name.clone(), model.range.clone()));
    (model, format!("{fault:?}, {repeated}, {over}"))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_meter_reads_the_same_however_an_answer_is_cut(seed in select(answers()), damage in damage(), cuts in cuts()) {
        let Seed { content_type, bytes } = seed;
        let body = damage.to(&bytes);
        prop_assert_eq!(metered(content_type, None, cuts.of(&body)), metered(content_type, None, [&body[..]].into_iter()));
    }

    #[test]
    fn a_meter_reads_the_same_however_an_encoded_answer_is_cut(
        seed in select(answers()),
        coding in select(vec!["gzip", "deflate", "zstd"]),
        inner in damage(),
        outer in damage(),
        cuts in cuts(),
    ) {
        let Seed { content_type, bytes } = seed;
        let body = outer.to(&encoded(coding, &inner.to(&bytes)));
        let whole = metered(content_type, Some(coding), [&body[..]].into_iter());
        prop_assert_eq!(metered(content_type, Some(coding), cuts.of(&body)), whole);
    }

    #[test]
    fn events_are_the_same_however_a_stream_is_cut(seed in select(answers()), damage in damage(), cuts in cuts()) {
        let body = damage.to(&seed.bytes);
        prop_assert_eq!(decoded(cuts.of(&body)), decoded([&body[..]].into_iter()));
    }

    #[test]
    fn a_model_is_found_in_the_same_place_however_a_request_is_cut(
        seed in select(requests()),
        damage in damage(),
        cuts in cuts(),
    ) {
        let body = damage.to(&seed.bytes);
        let (model, rest) = located([&body[..]].into_iter());
        let in_pieces: &Cuts = &cuts;
        prop_assert_eq!(located(in_pieces.of(&body)), (model.clone(), rest));
        if let Some((name, range)) = model {
            // Control characters are no JSON, and pass all the same.
            if let Ok(text) = serde_json::from_slice::<String>(&body[range.clone()]) {
                prop_assert_eq!(&text, &name);
            }
            prop_assert!(body[range.start] == b'"' && body[range.end - 1] == b'"');
        }
    }
}
