//! Messages under `permessage-deflate`, decoded as they pass.

use active_requests_proxy::tunnel::inflate::{Inflaters, MessageInflater};
use flate2::{Compress, Compression, FlushCompress};
use http::{HeaderMap, HeaderValue, header};
use proptest::{collection::vec, prelude::*};

fn agreed(extensions: &str) -> Inflaters {
    let mut answer = HeaderMap::new();
    answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(extensions).unwrap());
    Inflaters::agreed(&answer)
}

/// The payload of a message.
fn deflated(deflate: &mut Compress, message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(message.len() + 1024);
    deflate.compress_vec(message, &mut payload, FlushCompress::Sync).unwrap();
    payload.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap().to_vec()
}

fn decoded(inflater: &mut MessageInflater, payload: &[u8], size: usize) -> Vec<u8> {
    let mut message = Vec::new();
    let pieces: Vec<&[u8]> = payload.chunks(size).collect();
    for (index, piece) in pieces.iter().enumerate() {
        let ends = index + 1 == pieces.len();
        inflater.decode(piece, ends, |bytes| message.extend_from_slice(bytes)).unwrap();
    }
    message
}

proptest! {
    #[test]
    fn messages_are_decoded_however_they_are_cut(
        messages in vec((vec(any::<u8>(), 0..40), 1..3000_usize), 1..8),
        size in 1..200_usize,
        forgets in any::<bool>(),
    ) {
        let parameter = if forgets { "; server_no_context_takeover" } else { "" };
        let mut inflater = agreed(&format!("permessage-deflate{parameter}")).server.unwrap();
        let mut deflate = Compress::new(Compression::default(), false);
        for (pattern, times) in &messages {
            let message = pattern.repeat(*times);
            if forgets {
                deflate.reset();
            }
            let payload = deflated(&mut deflate, &message);
            prop_assert_eq!(decoded(&mut inflater, &payload, size), message);
        }
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..400), size in 1..50_usize) {
        let mut inflater = agreed("permessage-deflate").client.unwrap();
        for piece in bytes.chunks(size) {
            if inflater.decode(piece, false, |_| {}).is_err() {
                break;
            }
        }
    }
}

#[test]
fn only_what_both_ends_have_agreed_on_is_decoded() {
    for (extensions, is_decoded) in [
        ("permessage-deflate", true),
        ("permessage-deflate; server_max_window_bits=12; client_no_context_takeover", true),
        ("x-own", false),
        ("x-own, permessage-deflate", false),
        ("permessage-deflate, x-own", false),
    ] {
        let Inflaters { client, server } = agreed(extensions);
        assert_eq!((client.is_some(), server.is_some()), (is_decoded, is_decoded), "{extensions}");
    }
    assert!(Inflaters::agreed(&HeaderMap::new()).server.is_none());
}

#[test]
fn a_few_bytes_that_stand_for_very_many_are_given_up() {
    let mut inflater = agreed("permessage-deflate").server.unwrap();
    let mut deflate = Compress::new(Compression::default(), false);
    let zeros = deflated(&mut deflate, &vec![0; 1 << 20]);
    let mut result = Ok(());
    for _ in 0..65 {
        result = result.and_then(|()| inflater.decode(&[&zeros[..], &[0, 0, 0xff, 0xff]].concat(), false, |_| {}));
    }
    assert!(result.is_err());
}
