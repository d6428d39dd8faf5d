//! Clients that come over TLS.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    authority::Authority,
    support::{Client, LAST_CHUNK, Mock, PATIENCE, Running, SSE, TempFile, chunk, post, sources},
};

/// A proxy with a certificate, and the authority that vouches for it.
async fn start(mock: &Mock, args: &[&str]) -> (Running, Authority) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1").files();
    let files = [certificate.flag("tls-cert"), key.flag("tls-key")];
    let args = [args, &files.each_ref().map(String::as_str)].concat();
    (Running::start(&args, &[("MOCK_BASE_URL", &mock.url(""))]).await, authority)
}

#[tokio::test]
async fn a_client_that_offers_both_speaks_http_2() {
    let mut mock = Mock::start().await;
    let (proxy, authority) = start(&mock, &[]).await;
    let stream = authority.connect(proxy.address, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("https://{}/mock/x", proxy.address));
    let asked = sender.send_request(request.body(Full::<Bytes>::from("{}")).unwrap());
    let answer = [SSE.as_bytes(), &chunk(b"data: [DONE]\n\n"), LAST_CHUNK].concat();
    let (response, asked) = tokio::join!(asked, mock.serve(&answer));
    assert_eq!(asked.body, b"{}");
    assert_eq!(response.unwrap().into_body().collect().await.unwrap().to_bytes(), "data: [DONE]\n\n");
    proxy.quiet().await;
}

#[tokio::test]
async fn a_client_that_offers_nothing_or_http_1_speaks_that() {
    let mut mock = Mock::start().await;
    let (proxy, authority) = start(&mock, &[]).await;
    for offered in [&[][..], &["http/1.1"]] {
        let mut stream = authority.connect(proxy.address, offered).await;
        stream.write_all(post("/mock/x", "", "{}").as_bytes()).await.unwrap();
        let mut upstream = mock.connection().await;
        upstream.answer().await;
        upstream.send(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await;
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains("data: {}") {
            let more = tokio::time::timeout(PATIENCE, stream.read_buf(&mut read)).await;
            assert!(more.expect("bytes").unwrap() > 0);
        }
        drop(stream);
        while upstream.fill().await {}
        proxy.quiet().await;
    }
}

#[tokio::test]
async fn a_client_that_begins_a_handshake_and_falls_silent_is_let_go_of() {
    let (proxy, authority) = start(&Mock::start().await, &["--idle-timeout=0.1"]).await;
    // A record of a handshake that says it is longer than it is.
    for start in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = Client::to(proxy.address).await;
        client.send(start).await;
        assert!(!client.fill().await, "the connection ends");
    }
    drop(authority);
}

#[tokio::test]
async fn a_client_without_tls_gets_no_answer() {
    let (proxy, _authority) = start(&Mock::start().await, &[]).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: p\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await.unwrap();
    assert!(end.is_err() || !read.starts_with(b"HTTP"), "{read:?}");
}

#[tokio::test]
async fn files_that_make_no_certificate_stop_the_start() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue("127.0.0.1").files();
    let (_, other_key) = authority.issue("127.0.0.1").files();
    let empty = TempFile::with("");
    for (certificate, key, told) in [
        (Some(certificate.path()), None, "PROXY_TLS_CERT goes with PROXY_TLS_KEY"),
        (None, Some(key.path()), "PROXY_TLS_KEY goes with PROXY_TLS_CERT"),
        (Some(empty.path()), Some(key.path()), "there is no certificate in it"),
        (Some("/no/such.pem"), Some(key.path()), "PROXY_TLS_CERT=\"/no/such.pem\": "),
        (Some(certificate.path()), Some(empty.path()), "allowed is a PEM file of the certificate's private key"),
        (Some(certificate.path()), Some(other_key.path()), "PROXY_TLS_KEY="),
    ] {
        let given = [("PROXY_TLS_CERT", certificate), ("PROXY_TLS_KEY", key)];
        let env: Vec<_> = given.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let wrong = refused(&env).await;
        assert!(wrong.contains(told), "{wrong}");
    }
    let env = [("PROXY_TLS_CERT", certificate.path()), ("PROXY_TLS_KEY", key.path()), ("PROXY_DEMO", "always")];
    assert!(refused(&env).await.starts_with("PROXY_DEMO"));
}

/// The error with which a proxy with these variables does not start.
async fn refused(env: &[(&str, &str)]) -> String {
    use active_requests_proxy::{Proxy, config::settings::Settings};

    let sources = sources(&["--port=0"], env).unwrap();
    Proxy::start(Settings::read(&sources).unwrap(), &sources).await.unwrap_err().to_string()
}
