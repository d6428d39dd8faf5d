//! Frames of a WebSocket, read as they pass.

use active_requests_proxy::tunnel::frames::{FramePart, FrameReader, Sender};
use proptest::{collection::vec, prelude::*};

const FINAL: u8 = 0x80;
const ENCODED: u8 = 0x40;

/// The bytes of a frame; `first`: its opcode and flags.
fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        len @ ..126 => bytes.push(masked | u8::try_from(len).unwrap()),
        len @ 126..65536 => {
            bytes.push(masked | 126);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(masked | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The messages that a reader finds, `None` for one that cannot be read, and whether a close frame has passed.
fn read(sender: Sender, bytes: &[u8], mut sizes: impl Iterator<Item = usize>) -> (Vec<Option<Vec<u8>>>, bool) {
    let mut reader = FrameReader::new(sender);
    let (mut messages, mut message) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(sizes.next().unwrap_or(rest.len()).min(rest.len()));
        reader.read(piece, |part| match part {
            FramePart::Piece { payload, ends_message, is_encoded } => {
                message.extend_from_slice(payload);
                if ends_message {
                    let message = std::mem::take(&mut message);
                    messages.push((!is_encoded).then_some(message));
                }
            }
            FramePart::Lost => {
                message.clear();
                messages.push(None);
            }
        });
        rest = behind;
    }
    (messages, reader.is_closed())
}

fn read_whole(bytes: &[u8]) -> (Vec<Option<Vec<u8>>>, bool) {
    read(Sender::Server, bytes, std::iter::empty())
}

#[test]
fn a_control_frame_may_stand_between_the_frames_of_a_message() {
    let bytes = [
        frame(1, b"Hel", None),
        frame(FINAL | 9, b"ping", None),
        frame(0, b"", None),
        frame(FINAL, b"lo", None),
        frame(FINAL | 2, b"", None),
        frame(FINAL | 8, b"\x03\xe8", None),
    ]
    .concat();
    assert_eq!(read_whole(&bytes), (vec![Some(b"Hello".to_vec()), Some(Vec::new())], true));
}

#[test]
fn an_encoded_message_is_told_of_and_the_next_is_read() {
    let bytes = [
        frame(ENCODED | 1, b"\x01", None),
        frame(FINAL, b"\x02", None),
        frame(FINAL | ENCODED | 2, b"\x03", None),
        frame(FINAL | 1, b"plain", None),
    ]
    .concat();
    assert_eq!(read_whole(&bytes).0, [None, None, Some(b"plain".to_vec())]);
}

#[test]
fn nothing_is_read_behind_what_is_no_frame() {
    let good = frame(FINAL | 1, b"good", None);
    let table: [(&str, Vec<u8>); 8] = [
        ("a continuation of nothing", frame(FINAL, b"x", None)),
        ("a message within a message", [frame(1, b"x", None), frame(1, b"y", None)].concat()),
        ("an unknown opcode", frame(FINAL | 3, b"x", None)),
        ("an unknown control frame", frame(FINAL | 11, b"x", None)),
        ("a control frame in pieces", frame(9, b"x", None)),
        ("a long control frame", frame(FINAL | 9, &[0; 126], None)),
        ("a mask of a server", frame(FINAL | 1, b"x", Some([1, 2, 3, 4]))),
        ("an unknown extension", frame(FINAL | 0x20 | 1, b"x", None)),
    ];
    for (what, bad) in table {
        let (messages, _) = read_whole(&[&good[..], &bad, &good].concat());
        assert_eq!(messages, [Some(b"good".to_vec()), None], "{what}");
    }
    let endless = [&[FINAL | 2, 127][..], &[0xff; 8], b"x"].concat();
    assert_eq!(read_whole(&endless).0, [None], "a length that no frame has");
}

#[test]
fn a_client_has_to_mask() {
    let masked = frame(FINAL | 1, b"hello", Some([7, 0, 255, 1]));
    assert_eq!(read(Sender::Client, &masked, std::iter::empty()).0, [Some(b"hello".to_vec())]);
    let plain = frame(FINAL | 1, b"hello", None);
    assert_eq!(read(Sender::Client, &plain, std::iter::empty()).0, [None]);
}

#[test]
fn payloads_that_are_ignored_hide_no_close_frame() {
    let mut reader = FrameReader::new(Sender::Server);
    reader.ignore_payloads();
    reader.read(&frame(FINAL | 1, b"hello", None), |part| panic!("{part:?}"));
    reader.read(&frame(FINAL | 8, b"", None), |part| panic!("{part:?}"));
    assert!(reader.is_closed());
}

proptest! {
    #[test]
    fn messages_are_the_same_however_they_are_framed_and_cut(
        messages in vec(vec(vec(any::<u8>(), 0..300), 1..4), 0..6),
        long in 0..70_000_usize,
        mask in any::<Option<[u8; 4]>>(),
        sizes in vec(1..50_usize, 1..20),
    ) {
        let mut messages = messages;
        messages.push(vec![vec![b'x'; long]]);
        let mut bytes = Vec::new();
        for frames in &messages {
            for (index, payload) in frames.iter().enumerate() {
                let opcode = if index == 0 { 2 } else { 0 };
                let last = if index + 1 == frames.len() { FINAL } else { 0 };
                bytes.extend(frame(last | opcode, payload, mask));
                bytes.extend(frame(FINAL | 10, b"pong", mask));
            }
        }
        let sender = if mask.is_some() { Sender::Client } else { Sender::Server };
        let (found, is_closed) = read(sender, &bytes, sizes.iter().copied().cycle());
        prop_assert_eq!(found, messages.iter().map(|frames| Some(frames.concat())).collect::<Vec<_>>());
        prop_assert!(!is_closed);
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(bytes in vec(any::<u8>(), 0..400), size in 1..20_usize) {
        for sender in [Sender::Client, Sender::Server] {
            let (whole, closed) = read(sender, &bytes, std::iter::empty());
            let (cut, closed_too) = read(sender, &bytes, std::iter::repeat(size));
            prop_assert_eq!((whole, closed), (cut, closed_too));
        }
    }
}
