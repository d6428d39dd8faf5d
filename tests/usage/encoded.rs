//! Encoded bodies: read on a side copy, or not at all.

use std::io::Write;

use active_requests::usage::{Meter, Observation, Reading, UsageSource};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::{Response, header};

fn read(coding: &str, body: &[u8], size: usize) -> Reading {
    let head =
        Response::builder().header(header::CONTENT_TYPE, "application/json").header(header::CONTENT_ENCODING, coding);
    let mut meter = Meter::for_response(&head.body(()).unwrap().into_parts().0);
    body.chunks(size).for_each(|chunk| meter.observe(chunk));
    meter.finish();
    meter.reading().clone()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_encoded_answer_is_read_like_any_other() {
    let answer =
        br#"{"model":"m","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":8}}"#;
    let zstd = zstd::encode_all(&answer[..], 3).unwrap();
    for (coding, body) in [("gzip", gzip(answer)), ("deflate", deflate(answer)), ("zstd", zstd)] {
        let reading = read(coding, &body, 10);
        assert_eq!((reading.usage.output_tokens, reading.source), (8, UsageSource::Reported), "{coding}");
        assert_eq!(reading.observation, Observation::Full, "{coding}");
    }
}

#[test]
fn an_answer_that_cannot_be_decoded_is_not_observed() {
    for (coding, body) in [("gzip", &b"{\"usage\":{}}"[..]), ("compress", b"x"), ("gzip, br", b"x")] {
        let reading = read(coding, body, 100);
        assert_eq!((reading.observation, reading.source), (Observation::None, UsageSource::None), "{coding}");
    }
}
