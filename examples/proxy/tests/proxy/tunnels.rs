//! WebSockets through the proxy: every byte as it is, the row as long as the socket.

use active_requests::{
    tracker::{Entry, Outcome, Phase, Row},
    usage::{Observation, UsageSource},
};
use flate2::{Compress, Compression, FlushCompress};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        handshake::{
            derive_accept_key,
            server::{Request, Response},
        },
        http::HeaderValue,
    },
};

use crate::support::{Client, Mock, PATIENCE, Running, eventually};

type Socket = WebSocketStream<TcpStream>;

/// The next connection to the upstream as a WebSocket, and what was asked for.
async fn accept(mock: &mut Mock) -> (Socket, Request) {
    let mut asked = None;
    #[allow(clippy::result_large_err, reason = "as the crate has it")]
    let callback = |request: &Request, mut response: Response| {
        asked = Some(request.clone());
        if request.headers().contains_key("sec-websocket-protocol") {
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("realtime"));
        }
        Ok(response)
    };
    let stream = mock.connection().await.stream;
    let socket = accept_hdr_async(stream, callback).await.unwrap();
    (socket, asked.unwrap())
}

/// Both ends of a tunnel to `path`, and what the upstream was asked for. `headers` are the client's own.
async fn open(
    proxy: &Running,
    mock: &mut Mock,
    path: &str,
    headers: &[(&'static str, &str)],
) -> (Socket, Socket, Request) {
    let mut request = format!("ws://{}{path}", proxy.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let stream = TcpStream::connect(proxy.address).await.unwrap();
    let (client, upstream) = tokio::join!(client_async(request, stream), accept(mock));
    let (upstream, asked) = upstream;
    (client.unwrap().0, upstream, asked)
}

fn row(proxy: &Running) -> Row {
    proxy.tracker.snapshot().remove(0)
}

/// The only request, once it has ended.
async fn ended(proxy: &Running) -> Entry {
    proxy.quiet().await;
    let mut traces = proxy.tracker.recent_traces(9);
    assert_eq!(traces.len(), 1);
    traces.remove(0)
}

async fn text(socket: &mut Socket) -> String {
    let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message");
    message.unwrap().unwrap().into_text().unwrap().to_string()
}

/// Waits until nothing more comes.
async fn is_left(socket: &mut Socket) {
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the end of the connection");
}

/// Closes a socket as it should be: one end says so, the other answers, and the server ends the connection.
async fn close(mut first: Socket, second: Socket) {
    first.close(None).await.unwrap();
    let until_left = async |mut socket: Socket| is_left(&mut socket).await;
    tokio::join!(until_left(first), until_left(second));
}

const CREATED: &str = r#"{"type":"session.created","session":{"model":"gpt-realtime-2"}}"#;
const DELTA: &str = r#"{"type":"response.output_audio_transcript.delta","delta":"twelve bytes"}"#;
const DONE: &str = r#"{"type":"response.done","response":{"usage":{"input_tokens":100,"output_tokens":30,"input_token_details":{"cached_tokens":64}}}}"#;

#[tokio::test]
async fn a_realtime_session_is_counted_as_it_goes() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let path = "/v1/realtime?intent=voice&model=mock%3Agpt-realtime";
    let (mut client, mut upstream, asked) = open(&proxy, &mut mock, path, &[]).await;
    assert_eq!(asked.uri().path_and_query().unwrap(), "/v1/realtime?intent=voice&model=gpt-realtime");
    assert_eq!(asked.headers()["authorization"], "Bearer sk-mock");
    let at_once = row(&proxy);
    assert_eq!((at_once.requested_model.as_str(), at_once.provider.as_str()), ("mock:gpt-realtime", "mock"));
    assert_eq!((at_once.phase, at_once.status, at_once.is_streaming), (Phase::Streaming, Some(101), true));

    client.send(Message::text(r#"{"type":"response.create"}"#)).await.unwrap();
    assert_eq!(text(&mut upstream).await, r#"{"type":"response.create"}"#);
    for message in [CREATED, DELTA] {
        upstream.send(Message::text(message)).await.unwrap();
        assert_eq!(text(&mut client).await, message);
    }
    let estimated = row(&proxy);
    assert_eq!((estimated.output_tokens, estimated.usage_source), (3, UsageSource::Estimated));
    assert!(estimated.time_to_first_token_ms.is_some());
    for message in [DONE, DELTA, DONE] {
        upstream.send(Message::text(message)).await.unwrap();
        assert_eq!(text(&mut client).await, message);
    }
    assert_eq!((row(&proxy).output_tokens, row(&proxy).usage_source), (60, UsageSource::Reported));

    close(client, upstream).await;
    let entry = ended(&proxy).await;
    assert_eq!((entry.outcome, entry.model.as_str()), (Outcome::Completed, "gpt-realtime-2"));
    assert_eq!((entry.input_tokens, entry.output_tokens, entry.cache_read_tokens), (200, 60, 128));
    assert_eq!((entry.observation, entry.usage_source), (Observation::Full, UsageSource::Reported));
    let sent = [CREATED, DELTA, DONE, DELTA, DONE].map(str::len).iter().sum::<usize>() as u64;
    assert!(entry.response_bytes >= sent + 5 * 2, "frames included");
}

#[tokio::test]
async fn a_live_session_is_counted_by_its_turns_and_named_by_its_client() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let path = "/mock/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
    let (mut client, mut upstream, _) = open(&proxy, &mut mock, path, &[]).await;
    let setup = r#"{"setup":{"model":"models/gemini-live","tools":[]}}"#;
    client.send(Message::text(setup)).await.unwrap();
    assert_eq!(text(&mut upstream).await, setup);
    // Google sends its JSON in binary frames.
    let turn = r#"{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":9,"responseTokenCount":4,"totalTokenCount":13}}"#;
    for message in [r#"{"setupComplete":{}}"#, turn, turn] {
        upstream.send(Message::binary(message.as_bytes().to_vec())).await.unwrap();
        assert_eq!(text(&mut client).await, message);
    }
    close(upstream, client).await;
    let entry = ended(&proxy).await;
    assert_eq!((entry.outcome, entry.requested_model.as_str()), (Outcome::Completed, "gemini-live"));
    assert_eq!((entry.input_tokens, entry.output_tokens), (18, 8));
}

/// Opens a tunnel with both ends by hand. The upstream sends `first` together with its head.
async fn open_raw(proxy: &Running, mock: &mut Mock, first: &[u8]) -> (Client, Client) {
    let mut client = Client::to(proxy.address).await;
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let request = format!(
        "GET /mock/x HTTP/1.1\r\nhost: p\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n"
    );
    client.send(request.as_bytes()).await;
    let mut upstream = mock.connection().await;
    let asked = upstream.head().await.unwrap();
    for line in ["connection: upgrade", "upgrade: websocket", "sec-websocket-extensions: permessage-deflate"] {
        assert!(asked.lines().any(|asked| asked == line), "{line}: {asked}");
    }
    let accepted = derive_accept_key(key.as_bytes());
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accepted}\r\nsec-websocket-extensions: permessage-deflate\r\nx-own: 1\r\n\r\n"
    );
    upstream.send(&[head.as_bytes(), first].concat()).await;
    let told = client.head().await.unwrap();
    assert!(told.starts_with("HTTP/1.1 101"), "{told}");
    let accepted = format!("sec-websocket-accept: {}", accepted);
    for line in ["connection: upgrade", "upgrade: websocket", &accepted, "x-own: 1"] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    (client, upstream)
}

/// Bytes that are no frames, in a pattern.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

#[tokio::test]
async fn every_byte_passes_as_it_is_in_both_directions() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (mut client, mut upstream) = open_raw(&proxy, &mut mock, b"\x82\x01!").await;
    assert_eq!(client.bytes(3).await, b"\x82\x01!", "what comes together with the head");
    let (down, up) = (noise(3 << 20, 1), noise(2 << 20, 2));
    let (mut client_read, mut client_write) = client.stream.split();
    let (mut upstream_read, mut upstream_write) = upstream.stream.split();
    let (mut got_down, mut got_up) = (vec![0; down.len()], vec![0; up.len()]);
    let all = async {
        tokio::try_join!(
            client_read.read_exact(&mut got_down),
            upstream_read.read_exact(&mut got_up),
            upstream_write.write_all(&down),
            client_write.write_all(&up),
        )
    };
    tokio::time::timeout(PATIENCE, all).await.expect("everything passes").unwrap();
    assert!(got_down == down && got_up == up);
    assert_eq!(row(&proxy).response_bytes, 3 + (3 << 20));
    assert_eq!(row(&proxy).request_size, 2 << 20);
    assert_eq!(row(&proxy).observation, Observation::None);
}

/// A frame with a message that is encoded so that it refers to those before it.
fn encoded(deflate: &mut Compress, message: &str) -> Vec<u8> {
    let mut payload = Vec::with_capacity(message.len() + 64);
    deflate.compress_vec(message.as_bytes(), &mut payload, FlushCompress::Sync).unwrap();
    let payload = payload.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap();
    [&[0xc1, 126][..], &u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn encoded_messages_are_read_on_a_side_copy() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (mut client, mut upstream) = open_raw(&proxy, &mut mock, b"").await;
    let mut deflate = Compress::new(Compression::default(), false);
    let frames: Vec<u8> = [CREATED, DELTA, DONE, DONE].iter().flat_map(|m| encoded(&mut deflate, m)).collect();
    for piece in frames.chunks(7) {
        upstream.send(piece).await;
        assert_eq!(client.bytes(piece.len()).await, piece);
    }
    let row = row(&proxy);
    assert_eq!((row.input_tokens, row.output_tokens, row.observation), (200, 60, Observation::Full));
}

#[tokio::test]
async fn what_cannot_be_decoded_only_counts_bytes() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (mut client, mut upstream) = open_raw(&proxy, &mut mock, b"").await;
    let broken = b"\xc1\x03\xff\xff\xff";
    upstream.send(broken).await;
    assert_eq!(client.bytes(5).await, broken);
    assert_eq!((row(&proxy).observation, row(&proxy).response_bytes), (Observation::None, 5));
    let known = [&[0x81, CREATED.len() as u8][..], CREATED.as_bytes()].concat();
    upstream.send(&[&known[..], broken].concat()).await;
    client.bytes(known.len() + 5).await;
    assert_eq!(row(&proxy).observation, Observation::Partial);
}

#[tokio::test]
async fn the_proxys_key_is_taken_from_a_browser_and_stays_here() {
    let mut mock = Mock::start().await;
    let env =
        [("MOCK_BASE_URL", mock.url("/v1")), ("MOCK_API_KEY", "sk-mock".into()), ("PROXY_API_KEY", "sk-proxy".into())];
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let proxy = Running::start(&[], &env).await;
    let offer = "realtime, openai-insecure-api-key.sk-proxy, openai-beta.realtime-v1";
    let path = "/v1/realtime?model=mock:m";
    let (_client, _upstream, asked) = open(&proxy, &mut mock, path, &[("sec-websocket-protocol", offer)]).await;
    assert_eq!(asked.headers()["sec-websocket-protocol"], "realtime, openai-beta.realtime-v1");
    assert_eq!(asked.headers()["authorization"], "Bearer sk-mock");
    assert!(!format!("{asked:?}").contains("sk-proxy"));
    for offer in ["realtime", "realtime, openai-insecure-api-key.sk-other"] {
        let answer = proxy.ask(&upgrade(path, &format!("sec-websocket-protocol: {offer}\r\n"))).await;
        assert_eq!(answer.status(), 401, "{offer}");
    }
}

#[tokio::test]
async fn a_passing_key_passes_in_a_subprotocol_too() {
    let mut mock = Mock::start().await;
    let proxy = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("/v1")), ("MOCK_API_KEY", "!PASSTHRU")]).await;
    let offer = "realtime, openai-insecure-api-key.sk-mine";
    let path = "/v1/realtime?model=mock:m";
    let (_client, _upstream, asked) = open(&proxy, &mut mock, path, &[("sec-websocket-protocol", offer)]).await;
    assert_eq!(asked.headers()["sec-websocket-protocol"], offer);
}

/// A request for a WebSocket, by hand.
fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: p\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

#[tokio::test]
async fn a_client_that_vanishes_ends_the_upstreams_connection() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (client, mut upstream, _) = open(&proxy, &mut mock, "/mock/x", &[]).await;
    drop(client);
    is_left(&mut upstream).await;
    drop(upstream);
    assert_eq!(ended(&proxy).await.outcome, Outcome::ClientDisconnect);
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_an_error() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let (mut client, upstream, _) = open(&proxy, &mut mock, "/mock/x", &[]).await;
    drop(upstream);
    is_left(&mut client).await;
    let entry = ended(&proxy).await;
    assert_eq!(entry.outcome, Outcome::BodyError);
    assert!(entry.error.unwrap().contains("without a close frame"));
}

#[tokio::test]
async fn a_cancelled_tunnel_drops_both_ends_even_if_nobody_reads() {
    let mut mock = Mock::start().await;
    let base = mock.url("/v1");
    let env = [("MOCK_BASE_URL", base.as_str()), ("PROXY_API_KEY", "k"), ("VDM_ACTIVE_REQUESTS_ALLOW_CANCEL", "true")];
    let proxy = Running::start(&[], &env).await;
    for is_flooded in [false, true] {
        let (mut client, mut upstream, _) = open(&proxy, &mut mock, "/mock/x", &[("x-api-key", "k")]).await;
        if is_flooded {
            // As much as nobody reads, until it no longer goes anywhere.
            let flood = async { while upstream.send(Message::binary(vec![0; 1 << 20])).await.is_ok() {} };
            let stuck = async {
                let mut before = 0;
                loop {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    let now = row(&proxy).response_bytes;
                    if now > 0 && std::mem::replace(&mut before, now) == now {
                        return;
                    }
                }
            };
            tokio::select! { () = flood => panic!("it is read"), () = stuck => {} }
        }
        let id = row(&proxy).request_id;
        let request = format!("DELETE /metrics/active-requests/{id} HTTP/1.1\r\nhost: p\r\nx-api-key: k\r\n\r\n");
        assert_eq!(proxy.ask(&request).await.status(), 202);
        assert_eq!(proxy.tracker.active(), 0);
        assert_eq!(proxy.tracker.recent_traces(1)[0].outcome, Outcome::Killed);
        is_left(&mut upstream).await;
        is_left(&mut client).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_no_upgrade_passes_as_it_is() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
    let asking = upgrade("/mock/x", "");
    let (told, asked) = tokio::join!(proxy.ask(&asking), mock.serve(answer.as_bytes()));
    assert_eq!((told.status(), told.text().as_str()), (403, "no"));
    assert_eq!(asked.header("upgrade"), Some("websocket"));
    assert_eq!(ended(&proxy).await.outcome, Outcome::UpstreamError);
}

#[tokio::test]
async fn an_upgrade_that_nobody_asked_for_is_a_bad_gateway() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let (told, asked) =
        tokio::join!(proxy.ask("GET /mock/x HTTP/1.1\r\nhost: p\r\nupgrade: websocket\r\n\r\n"), mock.serve(answer));
    assert_eq!(told.status(), 502);
    assert_eq!(asked.header("upgrade"), None, "without connection: upgrade it is a header of one hop");
    assert_eq!(ended(&proxy).await.http_status, Some(502));
}

#[tokio::test]
async fn a_realtime_session_is_had_over_a_websocket_only() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let plain = proxy.ask("GET /v1/realtime?model=mock:m HTTP/1.1\r\nhost: p\r\n\r\n").await;
    assert_eq!((plain.status(), plain.header("upgrade")), (426, Some("websocket")));
    assert_eq!(proxy.post("/v1/realtime?model=mock:m", "{}").await.status(), 405);
    let nameless = proxy.ask(&upgrade("/v1/realtime", "")).await;
    assert_eq!(nameless.status(), 400);
    assert!(nameless.text().contains("?model=provider:model"));
    assert!(mock.is_idle());
}

#[tokio::test]
async fn the_end_of_the_proxy_waits_for_tunnels_and_cuts_them_after_the_grace() {
    for (grace, in_time) in [("--grace=60", true), ("--grace=0.1", false)] {
        let mut mock = Mock::start().await;
        let mut proxy = Running::start(&[grace], &[("MOCK_BASE_URL", &mock.url(""))]).await;
        let (mut client, mut upstream, _) = open(&proxy, &mut mock, "/mock/x", &[]).await;
        let tracker = proxy.tracker.clone();
        let use_it = async {
            eventually("the end has begun", || tracker.is_draining()).await;
            if in_time {
                upstream.send(Message::text("still there")).await.unwrap();
                assert_eq!(text(&mut client).await, "still there");
                client.close(None).await.unwrap();
            }
            is_left(&mut upstream).await;
            drop(upstream);
            is_left(&mut client).await;
        };
        let (ended, ()) = tokio::join!(proxy.end(), use_it);
        assert_eq!((ended, tracker.active()), (in_time, 0), "{grace}");
        let outcome = if in_time { Outcome::Completed } else { Outcome::Shutdown };
        assert_eq!(tracker.recent_traces(1)[0].outcome, outcome);
    }
}

#[tokio::test]
async fn without_a_key_no_page_of_another_site_opens_a_tunnel() {
    let mut mock = Mock::start().await;
    let open = Running::with(&mock).await;
    let paths = ["/mock/x", "/v1/realtime?model=mock:m"];
    for origin in ["http://evil.example", "http://p.evil.example", "null"] {
        for path in paths {
            let answer = open.ask(&upgrade(path, &format!("origin: {origin}\r\n"))).await;
            assert_eq!(answer.status(), 403, "{origin} {path}");
        }
    }
    assert!(mock.is_idle());
    let own = upgrade("/mock/x", "origin: http://p:81\r\n");
    let (answer, _) =
        tokio::join!(open.ask(&own), mock.serve(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
    assert_eq!(answer.status(), 400, "a page of an allowed host may, as it may send any other request");

    let keyed = Running::start(&[], &[("MOCK_BASE_URL", &mock.url("")), ("PROXY_API_KEY", "k")]).await;
    let with_key = upgrade("/mock/x", "origin: http://evil.example\r\nx-api-key: k\r\n");
    let (answer, _) =
        tokio::join!(keyed.ask(&with_key), mock.serve(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
    assert_eq!(answer.status(), 400, "a page that knows the key may");
}
