//! Every encoding, however it is cut, damaged or abused.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, HeaderValue, header};
use proptest::prelude::*;

use super::{ALLOWANCE, CHUNK, ContentEncoding, Decompressor, Undecodable};

const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

fn decompressor(coding: &str) -> Box<Decompressor> {
    let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_str(coding).unwrap())]);
    match ContentEncoding::of(&headers) {
        ContentEncoding::Known(decompressor) => decompressor,
        other => panic!("{coding} is {other:?}"),
    }
}

fn decode(coding: &str, encoded: &[u8], size: usize) -> Result<Vec<u8>, Undecodable> {
    let (decoded, result) = decode_as_far_as_possible(coding, encoded, size);
    result.map(|()| decoded)
}

fn decode_as_far_as_possible(coding: &str, encoded: &[u8], size: usize) -> (Vec<u8>, Result<(), Undecodable>) {
    let mut decompressor = decompressor(coding);
    let mut decoded = Vec::new();
    let mut pieces = encoded.chunks(size);
    let result = pieces.try_for_each(|piece| decompressor.feed(piece, |bytes| decoded.extend_from_slice(bytes)));
    (decoded, result)
}

/// An encoder that flushes after each piece, as servers do with events; gives what each piece is encoded as, and the end.
fn encode(coding: &str, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>) {
    fn flushing<W: Write>(mut encoder: W, pieces: &[&[u8]], take: impl Fn(&mut W) -> Vec<u8>) -> (Vec<Vec<u8>>, W) {
        let encoded = pieces.iter().map(|piece| {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            take(&mut encoder)
        });
        (encoded.collect(), encoder)
    }
    let level = Compression::default();
    match coding {
        "gzip" => {
            let (pieces, encoder) =
                flushing(GzEncoder::new(Vec::new(), level), pieces, |gz| std::mem::take(gz.get_mut()));
            (pieces, encoder.finish().unwrap())
        }
        "deflate" => {
            let (pieces, encoder) =
                flushing(ZlibEncoder::new(Vec::new(), level), pieces, |zlib| std::mem::take(zlib.get_mut()));
            (pieces, encoder.finish().unwrap())
        }
        "raw" => {
            let (pieces, encoder) =
                flushing(DeflateEncoder::new(Vec::new(), level), pieces, |raw| std::mem::take(raw.get_mut()));
            (pieces, encoder.finish().unwrap())
        }
        "zstd" => {
            let encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            let (pieces, encoder) = flushing(encoder, pieces, |zstd| std::mem::take(zstd.get_mut()));
            (pieces, encoder.finish().unwrap())
        }
        "br" => {
            let stored = pieces.iter().enumerate().map(|(index, piece)| brotli_stored(piece, index == 0));
            (stored.collect(), vec![0b11])
        }
        other => panic!("no encoder for {other}"),
    }
}

/// A brotli meta-block that holds `bytes` as they are; the first one begins with the size of the window.
fn brotli_stored(bytes: &[u8], is_first: bool) -> Vec<u8> {
    // From the lowest bit: window (one 0: 64 KiB), not the last, length in 4 nibbles, the length less 1, stored.
    let block = (u32::try_from(bytes.len()).unwrap() - 1) << 3 | 1 << 19;
    let header = if is_first { block << 1 } else { block };
    let mut encoded = header.to_le_bytes()[..3].to_vec();
    encoded.extend_from_slice(bytes);
    encoded
}

fn whole(coding: &str, text: &[u8]) -> Vec<u8> {
    let (mut pieces, end) = encode(coding, &[text]);
    pieces.push(end);
    pieces.concat()
}

fn text() -> Vec<u8> {
    (0..2000).flat_map(|n| format!("data: {{\"n\":{n},\"delta\":\"token {}\"}}\n\n", n % 17).into_bytes()).collect()
}

#[test]
fn every_encoding_is_decoded_whatever_the_cuts() {
    let text = text();
    for coding in CODINGS {
        let pieces: Vec<&[u8]> = text.chunks(20_000).collect();
        let (mut encoded, end) = encode(coding, &pieces);
        encoded.push(end);
        let encoded = encoded.concat();
        for size in [1, 2, 3, 7, 64, 1000, encoded.len()] {
            assert!(decode(coding, &encoded, size).unwrap() == text, "{coding} in pieces of {size}");
        }
    }
}

#[test]
fn what_has_been_flushed_is_readable_at_once() {
    let events: Vec<Vec<u8>> = (0..50).map(|n| format!("data: {{\"event\":{n}}}\n\n").into_bytes()).collect();
    let events: Vec<&[u8]> = events.iter().map(Vec::as_slice).collect();
    for coding in CODINGS {
        let mut decompressor = decompressor(coding);
        for (event, encoded) in events.iter().zip(encode(coding, &events).0) {
            let mut decoded = Vec::new();
            decompressor.feed(&encoded, |bytes| decoded.extend_from_slice(bytes)).unwrap();
            assert_eq!(decoded, *event, "{coding}");
        }
    }
}

#[test]
fn deflate_may_be_bare_or_in_the_format_of_zlib() {
    let text = text();
    for format in ["deflate", "raw"] {
        let encoded = whole(format, &text);
        for size in [1, 2, encoded.len()] {
            assert!(decode("deflate", &encoded, size).unwrap() == text, "{format} in pieces of {size}");
        }
    }
}

#[test]
fn gzip_members_follow_one_another_with_all_that_a_header_may_hold() {
    let member = |text: &str| {
        let builder = flate2::GzBuilder::new().extra(vec![7; 300]).filename("name").comment("comment");
        let mut encoder = builder.write(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let mut with_checksum = member("three");
    with_checksum[3] |= 1 << 1;
    let data = 10 + 2 + 300 + "name\0comment\0".len();
    with_checksum.splice(data..data, [1, 2]);
    let encoded = [member("one "), member("two "), with_checksum, vec![0; 512]].concat();
    for size in [1, 2, 5, encoded.len()] {
        assert_eq!(decode("gzip", &encoded, size).unwrap(), b"one two three", "in pieces of {size}");
    }
}

#[test]
fn zstd_frames_follow_one_another() {
    let encoded = [whole("zstd", b"one "), whole("zstd", b"two")].concat();
    for size in [1, encoded.len()] {
        assert_eq!(decode("zstd", &encoded, size).unwrap(), b"one two");
    }
}

#[test]
fn what_follows_the_end_is_not_part_of_the_body() {
    for coding in ["deflate", "br"] {
        let encoded = [whole(coding, b"text"), b"\x78\x9c and more".to_vec()].concat();
        for size in [1, encoded.len()] {
            assert_eq!(decode(coding, &encoded, size).unwrap(), b"text", "{coding}");
        }
    }
}

#[test]
fn pieces_without_a_byte_change_nothing() {
    for coding in CODINGS {
        let encoded = whole(coding, b"text");
        let (first, second) = encoded.split_at(encoded.len() / 2);
        let mut decompressor = decompressor(coding);
        let mut decoded = Vec::new();
        for piece in [first, second] {
            for _ in 0..100 {
                decompressor.feed(b"", |_| panic!("nothing comes of nothing")).unwrap();
            }
            decompressor.feed(piece, |bytes| decoded.extend_from_slice(bytes)).unwrap();
        }
        assert_eq!(decoded, b"text", "{coding}");
    }
}

#[test]
fn what_expands_beyond_measure_is_given_up() {
    for coding in ["gzip", "deflate", "zstd"] {
        let bomb = whole(coding, &vec![0; 64 * 1024 * 1024]);
        for size in [1, 4096, bomb.len()] {
            let mut decompressor = decompressor(coding);
            let mut seen = 0;
            let end = bomb.chunks(size).try_for_each(|piece| {
                decompressor.feed(piece, |bytes| {
                    assert!(bytes.len() <= CHUNK);
                    seen += bytes.len() as u64;
                })
            });
            assert_eq!(end, Err(Undecodable), "{coding} in pieces of {size}");
            assert!(seen <= 4 * ALLOWANCE, "{coding} in pieces of {size}: {seen} bytes");
        }
    }
}

#[test]
fn windows_that_no_browser_would_grant_are_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(b"text").unwrap();
    encoder.flush().unwrap();
    assert_eq!(decode("zstd", &encoder.finish().unwrap(), 100), Err(Undecodable));
    // The first byte of a brotli stream with a large window.
    assert_eq!(decode("br", &[0x11, 30, 0, 0, 0], 5), Err(Undecodable));
}

#[test]
fn damage_is_noticed_or_decoded_but_never_fatal() {
    for coding in ["gzip", "deflate", "zstd", "br"] {
        assert_eq!(decode(coding, b"data: {\"plain\":\"text\"}\n\n\n\n\n\n\n\n\n", 5), Err(Undecodable), "{coding}");
    }
}

proptest! {
    #[test]
    fn damaged_bodies_are_the_same_at_every_cut(
        coding in prop::sample::select(CODINGS.to_vec()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        size in 1..50_usize,
    ) {
        // In blocks, as a stream has them: damage of one leaves those before it.
        let text = text();
        let (mut pieces, end) = encode(coding, &text[..9000].chunks(1000).collect::<Vec<_>>());
        pieces.push(end);
        let mut encoded = pieces.concat();
        for (at, byte) in damage {
            let at = at.index(encoded.len());
            encoded[at] = byte;
        }
        let whole = decode_as_far_as_possible(coding, &encoded, encoded.len());
        prop_assert_eq!(decode_as_far_as_possible(coding, &encoded, size), whole);
    }

    #[test]
    fn any_bytes_are_survived(
        coding in prop::sample::select(CODINGS.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        size in 1..20_usize,
    ) {
        let _ = decode(coding, &bytes, size);
    }
}

#[test]
fn one_known_encoding_is_decoded_several_or_unknown_ones_are_not() {
    let encoding = |values: &[&'static str]| {
        let values = values.iter().map(|value| (header::CONTENT_ENCODING, HeaderValue::from_static(value)));
        let mut headers = HeaderMap::new();
        headers.extend(values);
        match ContentEncoding::of(&headers) {
            ContentEncoding::Identity => "identity".to_owned(),
            ContentEncoding::Known(decompressor) => format!("{:?}", decompressor.codec),
            ContentEncoding::Other => "other".to_owned(),
        }
    };
    for (values, expected) in [
        (&[][..], "identity"),
        (&["identity"], "identity"),
        (&[""], "identity"),
        (&["GZip"], "Gzip"),
        (&["x-gzip"], "Gzip"),
        (&["deflate"], "Deflate"),
        (&[" br "], "Brotli"),
        (&["zstd"], "Zstd"),
        (&["identity, gzip"], "Gzip"),
        (&["identity", "zstd"], "Zstd"),
        (&["gzip, br"], "other"),
        (&["gzip", "gzip"], "other"),
        (&["compress"], "other"),
    ] {
        assert_eq!(encoding(values), expected, "{values:?}");
    }
}
