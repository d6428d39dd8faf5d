//! An upstream behind TLS, with a certificate of an authority of our own.

use std::sync::Arc;

use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    authority::{Authority, Issued},
    support::{Client, LAST_CHUNK, Mock, Running, SSE, chunk, ok, post},
};

/// An authority, and a server that it vouches for.
struct Tls {
    authority: Authority,
    acceptor: TlsAcceptor,
}

impl Tls {
    fn of(host: &str) -> Self {
        let authority = Authority::new();
        let Issued { certificate, key } = authority.issue(host);
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        Self { authority, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// Takes a connection of the proxy's.
    async fn accept(&self, mock: &mut Mock) -> std::io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(mock.connection().await.stream).await
    }
}

async fn start(mock: &Mock, args: &[&str]) -> Running {
    let base = mock.url("").replacen("http:", "https:", 1);
    Running::start(args, &[("MOCK_BASE_URL", &base), ("MOCK_API_KEY", "sk-mock")]).await
}

/// A client's request that has come to the upstream: proxy, client, upstream, and what the upstream has read.
async fn arrived(tls: &Tls, mock: &mut Mock) -> (Running, Client, TlsStream<TcpStream>, String) {
    let proxy = start(mock, &[&tls.authority.file.flag("ca-file")]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let mut upstream = tls.accept(mock).await.unwrap();
    let asked = request(&mut upstream).await;
    (proxy, client, upstream, asked)
}

/// Reads a request whose body is `{}`.
async fn request(upstream: &mut TlsStream<TcpStream>) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n{}") {
        assert!(upstream.read_buf(&mut read).await.unwrap() > 0, "a request");
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_stream_passes_chunk_by_chunk_and_the_connection_is_used_again() {
    let tls = Tls::of("127.0.0.1");
    let mut mock = Mock::start().await;
    let (_proxy, mut client, mut upstream, asked) = arrived(&tls, &mut mock).await;
    assert!(asked.starts_with("POST /x HTTP/1.1\r\n") && asked.contains("Bearer sk-mock"), "{asked}");
    upstream.write_all(SSE.as_bytes()).await.unwrap();
    upstream.flush().await.unwrap();
    assert!(client.head().await.unwrap().starts_with("HTTP/1.1 200 OK"));
    for piece in ["data: {}\n\n", "data: [DO", "NE]\n\n"] {
        upstream.write_all(&chunk(piece.as_bytes())).await.unwrap();
        upstream.flush().await.unwrap();
        assert_eq!(client.chunk().await.as_deref(), Some(piece.as_bytes()));
    }
    upstream.write_all(LAST_CHUNK).await.unwrap();
    upstream.flush().await.unwrap();
    assert_eq!(client.chunk().await.as_deref(), Some(&b""[..]));

    let again = async {
        request(&mut upstream).await;
        upstream.write_all(ok("{}").as_bytes()).await.unwrap();
        upstream.flush().await.unwrap();
    };
    // By the same client, since each thread has connections of its own.
    client.send(post("/mock/x", "", "{}").as_bytes()).await;
    let (answer, ()) = tokio::join!(client.answer(), again);
    assert_eq!((answer.status(), answer.text().as_str()), (200, "{}"));
    assert!(mock.is_idle());
}

#[tokio::test]
async fn an_upstream_is_told_nothing_before_it_has_proved_who_it_is() {
    for (host, trusted, why) in [("127.0.0.1", false, "UnknownIssuer"), ("other.example", true, "not valid for name")] {
        let tls = Tls::of(host);
        let mut mock = Mock::start().await;
        let flags = [tls.authority.file.flag("ca-file")];
        let flags: Vec<&str> = flags.iter().filter(|_| trusted).map(String::as_str).collect();
        let proxy = start(&mock, &flags).await;
        let (answer, accepted) = tokio::join!(proxy.post("/mock/x", "{}"), tls.accept(&mut mock));
        assert_eq!(answer.status(), 502);
        let text = answer.text();
        assert!(text.contains("mock cannot be reached: invalid peer certificate") && text.contains(why), "{text}");
        assert!(accepted.is_err(), "{host}");
    }
}

#[tokio::test]
async fn a_tunnel_passes_through_tls() {
    let tls = Tls::of("127.0.0.1");
    let mut mock = Mock::start().await;
    let proxy = start(&mock, &[&tls.authority.file.flag("ca-file")]).await;
    let mut client = Client::to(proxy.address).await;
    client.send(b"GET /mock/x HTTP/1.1\r\nhost: p\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    let mut upstream = tls.accept(&mut mock).await.unwrap();
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        assert!(upstream.read_buf(&mut asked).await.unwrap() > 0, "a request");
    }
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    // A close frame comes along with the head.
    upstream.write_all(&[head.as_bytes(), b"\x88\x00"].concat()).await.unwrap();
    upstream.flush().await.unwrap();
    assert!(client.head().await.unwrap().starts_with("HTTP/1.1 101"));
    assert_eq!(client.bytes(2).await, b"\x88\x00");
    client.send(b"\x88\x80\x00\x00\x00\x00").await;
    let mut answer = [0; 6];
    upstream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x88\x80\x00\x00\x00\x00");
    upstream.shutdown().await.unwrap();
    assert!(!client.fill().await);
    proxy.quiet().await;
    assert_eq!(proxy.tracker.recent_traces(1)[0].outcome, active_requests::tracker::Outcome::Completed);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_connection() {
    let tls = Tls::of("127.0.0.1");
    let mut mock = Mock::start().await;
    let (proxy, mut client, mut upstream, _) = arrived(&tls, &mut mock).await;
    upstream.write_all(&[SSE.as_bytes(), &chunk(b"data: {}\n\n")].concat()).await.unwrap();
    upstream.flush().await.unwrap();
    client.until("data: {}").await;
    drop(client);
    // Whether it is said goodbye to or not.
    while upstream.read_u8().await.is_ok() {}
    proxy.quiet().await;
}

#[tokio::test]
async fn an_upstream_that_never_shakes_hands_has_not_taken_the_connection() {
    let mut mock = Mock::start().await;
    let proxy = start(&mock, &["--connect-timeout=0.1"]).await;
    let answer = proxy.post("/mock/x", "{}").await;
    assert_eq!(answer.status(), 504);
    assert!(answer.text().contains("mock did not take a connection within 0.1 s."), "{}", answer.text());
    let mut upstream = mock.connection().await;
    while upstream.fill().await {}
}
