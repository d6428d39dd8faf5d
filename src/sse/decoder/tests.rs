//! Memory stays bounded whatever the peer sends, and none is taken until it is needed.

use super::data::{KEPT, TAIL};
use super::*;

const MIB: usize = 1024 * 1024;

/// Bytes of heap that the decoder holds.
fn held(decoder: &Decoder) -> usize {
    let Decoder { label, name, data, next_id, id, .. } = decoder;
    let labels = [label, name, next_id, id].map(Vec::capacity);
    labels.iter().sum::<usize>() + data.capacity()
}

/// Feeds `total` bytes of `y` between `start` and `end`; tells the most that was held meanwhile and the event.
fn feed_long(
    decoder: &mut Decoder,
    start: &str,
    total: usize,
    end: &str,
    chunk: usize,
) -> (usize, Option<(usize, u64)>) {
    let mut event = None;
    let mut peak = 0;
    let ys = vec![b'y'; chunk];
    let chunks = std::iter::repeat_n(&ys[..], total / chunk);
    for bytes in std::iter::once(start.as_bytes()).chain(chunks).chain([end.as_bytes()]) {
        decoder.feed(bytes, |raw| event = Some((raw.data.len(), raw.skipped)));
        peak = peak.max(held(decoder));
    }
    (peak, event)
}

#[test]
fn an_empty_decoder_is_small_and_holds_nothing() {
    assert!(size_of::<Decoder>() <= 200, "{}", size_of::<Decoder>());
    assert_eq!(held(&Decoder::new()), 0);
}

#[test]
fn events_whole_in_their_piece_take_no_memory() {
    let mut decoder = Decoder::new();
    let mut events = 0;
    decoder.feed(b"data: a\n\nevent: x\r\ndata: b\r\n\r\n: ping\n\ndata: c\r\r", |_| events += 1);
    assert_eq!((events, held(&decoder)), (3, 0));
}

#[test]
fn a_line_of_100_mb_is_reduced_to_its_tail() {
    for chunk in [1400, 16 * 1024, 100_000] {
        let total = 100_000_000 / chunk * chunk;
        let mut decoder = Decoder::new();
        let (peak, event) = feed_long(&mut decoder, "data: {", total, "}\n\n", chunk);
        assert_eq!(event, Some((TAIL, (total + 2 - TAIL) as u64)), "chunks of {chunk}");
        assert!(peak <= MIB + 1024, "{peak} bytes held, chunks of {chunk}");
        assert!(held(&decoder) <= KEPT, "{} bytes kept", held(&decoder));
    }
}

#[test]
fn an_event_of_endless_lines_is_reduced_to_its_tail() {
    let mut decoder = Decoder::new();
    let lines = "data: 0123456789\n".repeat(1000);
    let mut event = None;
    for _ in 0..1000 {
        decoder.feed(lines.as_bytes(), |_| unreachable!());
        assert!(held(&decoder) <= MIB, "{} bytes held", held(&decoder));
    }
    decoder.feed(b"\n", |raw| event = Some((raw.data.len(), raw.skipped)));
    assert_eq!(event, Some((TAIL, (11_000_000 - 1 - TAIL) as u64)));
}

#[test]
fn the_decoder_reads_on_after_an_event_over_the_limit() {
    let mut decoder = Decoder::new().with_max_event_bytes(MIB);
    feed_long(&mut decoder, "data: ", 3 * MIB, "\n\n", MIB);
    let mut seen = Vec::new();
    decoder.feed(b"data: next\n\n", |raw| seen.push((raw.data.to_vec(), raw.skipped)));
    assert_eq!(seen, [(b"next".to_vec(), 0)]);
}

#[test]
fn an_event_at_the_limit_is_whole() {
    let mut decoder = Decoder::new().with_max_event_bytes(MIB);
    let (peak, event) = feed_long(&mut decoder, "data: ", MIB, "\n\n", 1024);
    assert_eq!(event, Some((MIB, 0)));
    assert!(peak <= MIB + 1024, "{peak} bytes held");
}

#[test]
fn over_long_names_ids_and_comments_are_left_out_and_told() {
    for (field, told) in [("event: ", 1), ("id: ", 1), ("retry: ", 1), ("nonsense", 1), (": ", 0)] {
        let long = format!("{field}{}\n", "7".repeat(TAIL + 1));
        for chunk in [1, 1000, usize::MAX] {
            let mut decoder = Decoder::new();
            for bytes in long.as_bytes().chunks(chunk) {
                decoder.feed(bytes, |_| unreachable!());
                assert!(held(&decoder) <= 2 * LABEL_LIMIT, "{field}: {} bytes held", held(&decoder));
            }
            let mut events = 0;
            decoder.feed(b"data: x\n\n", |raw| {
                events += 1;
                assert_eq!((raw.name, raw.data, raw.id), (&b""[..], &b"x"[..], &b""[..]));
            });
            assert_eq!(events, 1);
            assert_eq!(decoder.overlong_lines(), told, "{field} in chunks of {chunk}");
            assert_eq!(decoder.retry(), None);
        }
    }
}

#[test]
fn a_name_at_the_limit_is_read() {
    for (name, told) in [("n".repeat(LABEL_LIMIT - "event:".len()), 0), ("n".repeat(LABEL_LIMIT), 1)] {
        let event = format!("event:{name}\ndata: x\n\n");
        for chunk in [1000, usize::MAX] {
            let mut decoder = Decoder::new();
            let mut names = Vec::new();
            for bytes in event.as_bytes().chunks(chunk) {
                decoder.feed(bytes, |raw| names.push(raw.name.len()));
            }
            assert_eq!(names, [if told == 0 { name.len() } else { 0 }]);
            assert_eq!(decoder.overlong_lines(), told);
        }
    }
}

#[test]
fn endless_small_lines_take_no_memory() {
    let mut decoder = Decoder::new();
    let lines = ": ping\n\nid: 7\nretry: 1\nevent: x\nnonsense\n".repeat(100);
    for _ in 0..1000 {
        decoder.feed(lines.as_bytes(), |_| unreachable!());
        assert!(held(&decoder) <= 64, "{} bytes held", held(&decoder));
    }
}
