//! A body, a request's or an answer's, is read one way however its bytes are cut, and a broken one too.
//!
//! Each chunk of a chunked body reaches its reader by itself.

use active_requests::tracker::Entry;
use serde_json::{Value, json};

use crate::support::{Answer, Client, LAST_CHUNK, Mock, Running, chunk, ok};

/// The sizes of the chunks, the first of which holds all.
const SIZES: [usize; 6] = [usize::MAX, 1, 2, 3, 7, 20];

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let chunks = body.chunks(size).flat_map(chunk);
    chunks.chain(LAST_CHUNK.iter().copied()).collect()
}

/// The parts of a trace that a body decides.
fn read(trace: &Entry) -> Value {
    let mut trace = serde_json::to_value(trace).unwrap();
    for of_the_moment in ["seq", "ts", "request_id", "duration_ms", "time_to_first_token_ms", "last_byte_ms"] {
        trace.as_object_mut().unwrap().remove(of_the_moment);
    }
    trace
}

/// Sends a request; says who was asked and what.
async fn send(proxy: &Running, first: &mut Mock, second: &mut Mock, body: &[u8]) -> (Answer, Option<(u8, Vec<u8>)>) {
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: p\r\nx-request-id: mine\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut client = Client::to(proxy.address).await;
    client.send(&[head.as_bytes(), body].concat()).await;
    let answer = ok("{}");
    let mut asked = None;
    let mut got = std::pin::pin!(client.answer());
    loop {
        tokio::select! {
            biased;
            got = &mut got => return (got, asked),
            by_first = first.serve(answer.as_bytes()) => asked = Some((1, by_first.body)),
            by_second = second.serve(answer.as_bytes()) => asked = Some((2, by_second.body)),
        }
    }
}

#[tokio::test]
async fn a_request_goes_one_way_and_makes_one_row_however_it_is_cut() {
    let (mut first, mut second) = (Mock::start().await, Mock::start().await);
    let env = [("A_BASE_URL", first.url("")), ("B_BASE_URL", second.url("")), ("VDM_DEFAULT_PROVIDER", "a".to_owned())];
    let proxy = Running::start(&[], &env.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    for (body, to) in [
        (&br#"{"model":"b:m","stream":true,"messages":[{"role":"user","content":"\u00e9"}]}"#[..], Some(2)),
        (br#"{"messages":[{"role":"tool"},{}],"model":"a:m"}"#, Some(1)),
        (br#"{"model":"b:m","model":"a:n"}"#, Some(2)),
        (br#"{"model":"b:m","model":"a:n","model":7"#, Some(2)),
        (br#"{"model":null,"mod\u0065l":"b:m"}"#, Some(2)),
        (br#"{"model":"","model":"b:m"}"#, Some(2)),
        (br#"{"model":"\ud800","model":"b:m"}"#, None),
        (b"{\"model\":\"b:\xff\",\"model\":\"b:m\"}", None),
        // Broken behind the model, and before it.
        (br#"{"model":"b:m",]}"#, Some(2)),
        (br#"{"model":"b:m"}{"model":"a:n"}"#, Some(2)),
        (b"{\"model\":\"b:m\"\x00\"x\":[}}", Some(2)),
        (br#"{"model":"b:m","messages":[{"role":"tool""#, Some(2)),
        (br#"{"x":nul,"model":"b:m"}"#, Some(2)),
        (br#"{]"model":"b:m"}"#, None),
        (br#"model=b:m"#, None),
        (br#"["model","b:m"]"#, None),
        (b"", None),
    ] {
        let mut whole = None;
        for size in SIZES {
            let (answer, asked) = send(&proxy, &mut first, &mut second, &chunked(body, size)).await;
            let told = String::from_utf8_lossy(body);
            assert_eq!(asked.as_ref().map(|(by, _)| *by), to, "{told} in chunks of {size}");
            proxy.quiet().await;
            let row = read(&proxy.tracker.recent_traces(1)[0]);
            let found = (answer.status(), answer.body, asked, row);
            match &whole {
                None => whole = Some(found),
                Some(whole) => assert_eq!(&found, whole, "{told} in chunks of {size}"),
            }
        }
    }
}

#[tokio::test]
async fn an_answer_is_read_one_way_however_it_is_cut() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let stream = "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n\
        data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\n\
        data: [DONE]\n\n";
    let document = json!({
        "model": "m", "choices": [{"message": {"content": "hello", "tool_calls": [{}]}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    });
    let document = document.to_string();
    for (kind, body) in [("text/event-stream", stream), ("application/json", document.as_str())] {
        let encoded = gzip(body.as_bytes());
        for (coding, body) in [("identity", body.as_bytes()), ("gzip", &encoded)] {
            // As it is, cut off, and with a wrong byte, each in a few places.
            let places = (1..8).map(|place| place * body.len() / 8);
            let damaged = places.flat_map(|at| {
                let other = |byte: u8| [&body[..at], &[byte], &body[at + 1..]].concat();
                [body[..at].to_vec(), other(b'"'), other(b'\n'), other(0xff)]
            });
            for body in std::iter::once(body.to_vec()).chain(damaged) {
                let mut whole = None;
                for size in SIZES {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-encoding: {coding}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
                    );
                    let answer = [head.as_bytes(), &chunked(&body, size)].concat();
                    let (got, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(&answer));
                    assert!(got.body == body, "it passes as it is");
                    proxy.quiet().await;
                    let row = read(&proxy.tracker.recent_traces(1)[0]);
                    match &whole {
                        None => whole = Some(row),
                        Some(whole) => assert_eq!(&row, whole, "{coding} {kind} {:?}", String::from_utf8_lossy(&body)),
                    }
                }
            }
        }
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
