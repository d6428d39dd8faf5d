//! The readers: what they make of a body does not depend on its cuts.

use std::{convert::Infallible, io::Read, sync::Mutex};

use active_requests::{
    ActiveRequestsLayer, InspectRequestLayer,
    inspect::ModelLocator,
    sse::Decoder,
    tracker::{RequestHandle, RequestTracker},
    usage::Meter,
};
use bytes::Bytes;
use flate2::{
    Compression,
    read::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use futures_util::{FutureExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, StreamBody, combinators::UnsyncBoxBody};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed},
};

use tower::{ServiceBuilder, ServiceExt};

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

/// The facts in the row of a request once its body has passed: the model that was asked for, and the others in words.
fn shown<'a>(coding: Option<&str>, pieces: impl Iterator<Item = &'a [u8]>) -> (String, String) {
    let frames: Vec<_> = pieces.map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let body = UnsyncBoxBody::<Bytes, Infallible>::new(StreamBody::new(stream::iter(frames)));
    let mut request = Request::post("/v1/chat/completions").header("content-type", "application/json");
    if let Some(coding) = coding {
        request = request.header("content-encoding", coding);
    }
    let row = Mutex::new(None);
    let service = ServiceBuilder::new()
        .layer(ActiveRequestsLayer::new(RequestTracker::default()))
        .layer(InspectRequestLayer::new())
        .service_fn(|request: Request<_>| async {
            let (head, body) = request.into_parts();
            let _ = BodyExt::collect(body).await;
            *row.lock().unwrap() = head.extensions.get::<RequestHandle>().and_then(RequestHandle::row);
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
    let _ = service.oneshot(request.body(body).unwrap()).now_or_never().unwrap();
    let row = row.into_inner().unwrap().unwrap();
    let counts = (row.is_streaming, row.message_count, row.tool_uses, row.tool_results, row.request_size);
    (row.requested_model, format!("{counts:?}"))
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

    #[test]
    fn a_row_says_the_same_of_a_request_however_it_is_cut_and_names_no_other_model_than_is_routed_by(
        seed in select(requests()),
        damage in damage(),
        cuts in cuts(),
    ) {
        let body = damage.to(&seed.bytes);
        let whole = shown(None, [&body[..]].into_iter());
        prop_assert_eq!(shown(None, cuts.of(&body)), whole.clone());
        let (model, rest) = located([&body[..]].into_iter());
        let (name, _) = model.unwrap_or_default();
        // Rows have no more room, and show of what is no name what can be shown. Of what is no JSON they look at more, so that they give up sooner.
        let fits = name == whole.0 || (name.len() > 256 && name.starts_with(&whole.0));
        prop_assert!(fits || whole.0.is_empty() || !rest.starts_with("None"), "{:?} is routed by {name:?}", whole.0);
    }

    #[test]
    fn a_row_says_the_same_of_an_encoded_request_however_it_is_cut(
        seed in select(requests()),
        coding in select(vec!["gzip", "deflate", "zstd"]),
        inner in damage(),
        outer in damage(),
        cuts in cuts(),
    ) {
        let body = outer.to(&encoded(coding, &inner.to(&seed.bytes)));
        prop_assert_eq!(shown(Some(coding), cuts.of(&body)), shown(Some(coding), [&body[..]].into_iter()));
    }
}
