//! Connections to upstreams are used again, but never one that is no good.

use crate::support::{Client, LAST_CHUNK, Mock, Running, SSE, chunk, post};

const KEPT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_is_used_again_when_its_answer_has_ended() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let first = tokio::spawn({
        let request = post("/mock/x", "", "{}");
        let address = proxy.address;
        async move {
            let mut client = Client::to(address).await;
            client.send(request.as_bytes()).await;
            client.answer().await
        }
    });
    let mut upstream = mock.connection().await;
    upstream.answer().await;
    upstream.send(KEPT.as_bytes()).await;
    first.await.unwrap();

    let streamed = [SSE.as_bytes(), &chunk(b"data: {}\n\n"), LAST_CHUNK].concat();
    let empty = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    for (path, answer) in [
        ("/mock/a", KEPT.as_bytes()),
        ("/v1/chat/completions", &streamed),
        ("/mock/b", empty.as_bytes()),
        ("/mock/c", KEPT.as_bytes()),
    ] {
        let serve = async {
            let asked = upstream.answer().await;
            upstream.send(answer).await;
            asked
        };
        let (got, _) = tokio::join!(proxy.post(path, r#"{"model":"m"}"#), serve);
        assert_eq!(got.status(), 200, "{path}");
        assert!(mock.is_idle(), "{path}: on the first connection");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_waited_is_left_alone() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for _ in 0..3 {
        // Nothing in this answer says that the connection ends with it.
        let (got, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(KEPT.as_bytes()));
        assert_eq!((got.status(), got.body.as_slice()), (200, &b"ok"[..]));
    }
}

#[tokio::test]
async fn a_connection_with_an_unfinished_answer_is_not_used_again() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut left = mock.connection().await;
    left.answer().await;
    left.send(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await;
    client.until("data: {}").await;
    drop(client);
    proxy.quiet().await;
    let (got, _) = tokio::join!(proxy.post("/mock/x", "{}"), mock.serve(KEPT.as_bytes()));
    assert_eq!(got.body, b"ok");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_ends_the_connection() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: 100\r\n\r\nhalf").await;
    let mut upstream = mock.connection().await;
    upstream.until("half").await;
    upstream.send(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 413);
    while upstream.fill().await {}
    proxy.quiet().await;
}

/// RFC 9112, section 9.5.
#[tokio::test]
async fn an_early_answer_is_not_lost_where_the_upstream_closes_behind_it() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    // What is written into the closed connection fails at once or a little later, as the pieces happen to come.
    for piece in [1, 1_000, 100_000] {
        let mut client = Client::to(proxy.address).await;
        client.send(b"POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: 3000000\r\n\r\nhalf").await;
        let mut upstream = mock.connection().await;
        upstream.until("\r\n\r\n").await;
        upstream.send(b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\nno").await;
        // With a reset, as whatever closes a socket that holds unread bytes.
        socket2::SockRef::from(&upstream.stream).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(upstream);
        client.send(&vec![b'x'; piece]).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.text().as_str()), (413, "no"), "{piece}");
    }
}

/// RFC 9112, section 9.5: only an answer that does not want the rest ends it.
#[tokio::test]
async fn an_upstream_that_answers_early_and_well_gets_the_rest_of_the_request() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"POST /mock/x HTTP/1.1\r\nhost: p\r\ncontent-length: 3000004\r\n\r\nhalf").await;
    let mut upstream = mock.connection().await;
    upstream.until("half").await;
    upstream.send(KEPT.as_bytes()).await;
    assert_eq!(client.answer().await.body, b"ok");
    proxy.quiet().await;
    let rest = vec![b'x'; 3_000_000];
    let ((), asked) = tokio::join!(client.send(&rest), upstream.answer());
    assert_eq!(asked.body.len(), 3_000_004);
    // Both connections are used again.
    client.send(post("/mock/y", "", "{}").as_bytes()).await;
    upstream.answer().await;
    upstream.send(KEPT.as_bytes()).await;
    assert_eq!(client.answer().await.body, b"ok");
    assert!(mock.is_idle());
}

#[tokio::test]
async fn many_requests_at_once_have_a_connection_each() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let asks: Vec<_> = (0..50).map(|_| proxy.post("/mock/x", "{}")).collect();
    let serve = async {
        let mut open = Vec::new();
        for _ in 0..50 {
            let mut upstream = mock.connection().await;
            upstream.answer().await;
            open.push(upstream);
        }
        for upstream in &mut open {
            upstream.send(KEPT.as_bytes()).await;
        }
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(asks), serve);
    assert!(answers.iter().all(|answer| answer.body == b"ok"));
    proxy.quiet().await;
}

/// RFC 9110, section 9.2.2.
#[tokio::test]
async fn an_idempotent_request_on_a_connection_that_breaks_is_sent_again() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    for (method, body, status) in [("GET", "", 200), ("DELETE", "", 200), ("POST", "", 502), ("PUT", "{}", 502)] {
        let mut upstream = {
            let first = tokio::spawn({
                let (address, request) = (proxy.address, post("/mock/first", "", "{}"));
                async move {
                    let mut client = Client::to(address).await;
                    client.send(request.as_bytes()).await;
                    client.answer().await
                }
            });
            let mut upstream = mock.connection().await;
            upstream.answer().await;
            upstream.send(KEPT.as_bytes()).await;
            first.await.unwrap();
            upstream
        };
        let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
        let request = format!("{method} /mock/x?y HTTP/1.1\r\nhost: p\r\nx-mine: 1\r\n{length}\r\n{body}");
        let serve = async {
            // The upstream closes the connection while the request is on its way.
            let asked = upstream.answer().await;
            drop(upstream);
            if status == 200 {
                let again = mock.serve(KEPT.as_bytes()).await;
                assert_eq!(again.head, asked.head);
            }
        };
        let (got, ()) = tokio::join!(proxy.ask(&request), serve);
        assert_eq!(got.status(), status, "{method}");
        proxy.quiet().await;
        assert!(mock.is_idle());
    }
}

#[tokio::test]
async fn a_request_on_a_new_connection_is_sent_once() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let serve = async { drop(mock.serve(b"").await) };
    let (got, ()) = tokio::join!(proxy.ask("GET /mock/x HTTP/1.1\r\nhost: p\r\n\r\n"), serve);
    assert_eq!(got.status(), 502);
    assert!(mock.is_idle());
}

/// An upstream that sends more than the answer, at once or later, is not listened to any further.
#[tokio::test]
async fn bytes_behind_an_answer_are_never_the_next_one() {
    let mut mock = Mock::start().await;
    let proxy = Running::with(&mock).await;
    let intruder = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nintruder";
    let mut client = Client::to(proxy.address).await;
    for stray in [intruder, "HTTP/1.1 100 Continue\r\n\r\n", "\r\n", "0\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
        for late in [false, true] {
            let first = if late { KEPT.to_owned() } else { format!("{KEPT}{stray}") };
            client.send(post("/mock/x", "", "{}").as_bytes()).await;
            let mut upstream = mock.connection().await;
            upstream.answer().await;
            upstream.send(first.as_bytes()).await;
            assert_eq!(client.answer().await.body, b"ok");
            if late {
                proxy.quiet().await;
                upstream.send(stray.as_bytes()).await;
            }
            // It closes this connection, if it has not yet, and asks on another.
            client.send(post("/mock/y", "", "{}").as_bytes()).await;
            let mut another = mock.connection().await;
            another.answer().await;
            another.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nnext").await;
            assert_eq!(client.answer().await.body, b"next", "{stray:?}, late: {late}");
            while upstream.fill().await {}
        }
    }
}
