//! A proxy in this process, an upstream that does as it is told, and a client that sees every byte.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use active_requests::tracker::RequestTracker;
use active_requests_proxy::{
    Proxy,
    config::{description::SettingsError, settings::Settings, sources::Sources},
};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Empty, StreamBody, combinators::BoxBody};
use hyper::{body::Frame, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};

/// A file that goes when it is dropped.
#[derive(Debug)]
pub struct TempFile(PathBuf);

impl TempFile {
    pub fn with(text: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("proxy-test-{}-{n}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// The flag that names it.
    pub fn flag(&self, name: &str) -> String {
        format!("--{name}={}", self.0.display())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The longest time anything may take, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The sources of settings with these flags and variables.
pub fn sources(args: &[&str], env: &[(&str, &str)]) -> Result<Sources, SettingsError> {
    let args = ["proxy"].iter().chain(args).map(OsString::from);
    Sources::collect(
        &Settings::descriptions(),
        args,
        env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))),
    )
}

/// A proxy that serves until it is dropped or told to end.
#[derive(Debug)]
pub struct Running {
    pub address: SocketAddr,
    pub tracker: RequestTracker,
    end: mpsc::Sender<()>,
    served: JoinHandle<bool>,
}

impl Running {
    /// Starts it with these flags and variables, on a free port.
    pub async fn start(args: &[&str], env: &[(&str, &str)]) -> Self {
        // The names that tests call it by.
        let names = ("PROXY_ALLOWED_HOSTS", "proxy,p");
        // All tests can be run on another number of threads.
        let threads = std::env::var("PROXY_THREADS").unwrap_or_else(|_| "1".to_owned());
        let usual = [names, ("PROXY_THREADS", threads.as_str())];
        let sources = sources(&[args, &["--port=0"]].concat(), &[&usual, env].concat()).unwrap();
        let settings = Settings::read(&sources).unwrap();
        let proxy = Proxy::start(settings, &sources).await.unwrap();
        let (end, asked) = mpsc::channel(2);
        let address = proxy.address();
        let tracker = proxy.tracker().clone();
        let served = tokio::spawn(proxy.serve(asked));
        Self { address, tracker, end, served }
    }

    /// With one provider, `mock`, in OpenAI format.
    pub async fn with(mock: &Mock) -> Self {
        Self::start(&[], &[("MOCK_BASE_URL", &mock.url("/v1")), ("MOCK_API_KEY", "sk-mock")]).await
    }

    /// Asks it to end; says whether everything came to an end in time.
    pub async fn end(&mut self) -> bool {
        self.ask_to_end().await;
        self.ended().await
    }

    pub async fn ask_to_end(&self) {
        self.end.send(()).await.unwrap();
    }

    /// Waits for the end; says whether everything came to an end in time.
    pub async fn ended(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, &mut self.served).await.expect("the proxy ends").unwrap()
    }

    /// Sends a request and reads the whole answer.
    pub async fn ask(&self, request: &str) -> Answer {
        let mut client = Client::to(self.address).await;
        client.send(request.as_bytes()).await;
        client.answer().await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(&post(path, "", body)).await
    }

    /// Waits until no request is in flight.
    pub async fn quiet(&self) {
        eventually("the list is empty", || self.tracker.active() == 0).await;
    }
}

/// A request with a body; `headers` are whole lines.
pub fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: proxy\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// Waits for what must become true.
pub async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

/// A message as it was on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The start line and the headers, in lower case.
    pub head: String,
    /// The body, its transfer coding taken off.
    pub body: Vec<u8>,
}

impl Answer {
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| line.split_once(": ").filter(|(n, _)| *n == name).map(|(_, v)| v))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.text()))
    }
}

/// One end of a connection that speaks HTTP/1.1 by hand.
#[derive(Debug)]
pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub async fn to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The bytes that have come and not been taken.
    pub fn unread(&self) -> &[u8] {
        &self.read
    }

    /// Reads more; false at the end of the connection.
    pub async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.read);
        tokio::time::timeout(PATIENCE, read).await.expect("bytes, or the end").unwrap_or(0) > 0
    }

    /// Reads until `text` has come, and returns all that has.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let read = String::from_utf8_lossy(&self.read);
            if read.contains(text) {
                return read.into_owned();
            }
            assert!(
                self.fill().await,
                "the connection ended before {text:?}: {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    /// The head of the next message, in lower case but for the start line.
    pub async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..at + 4).collect();
                let head = String::from_utf8(head).unwrap();
                let mut lines = head.trim_end().lines();
                let start = lines.next().unwrap().to_owned();
                let headers = lines.map(|line| {
                    let (name, value) = line.split_once(':').unwrap();
                    format!("\n{}: {}", name.to_ascii_lowercase(), value.trim())
                });
                return Some(start + &headers.collect::<String>());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next so many bytes.
    pub async fn bytes(&mut self, len: usize) -> Vec<u8> {
        while self.read.len() < len {
            assert!(self.fill().await, "the connection ended before {len} bytes: {:?}", self.read);
        }
        self.read.drain(..len).collect()
    }

    /// The next message as a whole. A body that is cut shows as far as it has come.
    pub async fn answer(&mut self) -> Answer {
        let head = self.head().await.expect("a message");
        let mut answer = Answer { head, body: Vec::new() };
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(piece) = self.chunk().await.filter(|piece| !piece.is_empty()) {
                answer.body.extend(piece);
            }
        } else {
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            while self.read.len() < length && self.fill().await {}
            answer.body = self.read.drain(..length.min(self.read.len())).collect();
        }
        answer
    }

    /// The next chunk of a chunked body, empty for the last; nothing where the connection ends.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.read.windows(2).position(|w| w == b"\r\n") {
                let size = std::str::from_utf8(&self.read[..at]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                let whole = at + 2 + size + 2;
                if self.read.len() >= whole {
                    let chunk = self.read.drain(..whole).skip(at + 2).take(size).collect();
                    return Some(chunk);
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }
}

/// An upstream. Each connection it is sent goes to the test, which plays the server on it.
#[derive(Debug)]
pub struct Mock {
    pub address: SocketAddr,
    calls: mpsc::UnboundedReceiver<TcpStream>,
}

impl Mock {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { address, calls }
    }

    /// Its base, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next connection, nothing read of it.
    pub async fn connection(&mut self) -> Client {
        let stream = tokio::time::timeout(PATIENCE, self.calls.recv()).await.expect("a call to the upstream").unwrap();
        Client { stream, read: Vec::new() }
    }

    /// Takes one request, answers it with `answer` as it stands, and returns what was asked.
    pub async fn serve(&mut self, answer: &[u8]) -> Answer {
        let mut connection = self.connection().await;
        let asked = connection.answer().await;
        connection.send(answer).await;
        asked
    }

    /// Whether nobody has called.
    pub fn is_idle(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }
}

/// An answer of an upstream with a length.
pub fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The head of an event stream, and the chunks that follow it.
pub const SSE: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

pub fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The body of a request over HTTP/2.
pub type Http2Body = BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>;

/// A client that speaks HTTP/2.
pub async fn http2(address: SocketAddr) -> SendRequest<Http2Body> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A body of no length that is known beforehand, whose frames are these.
pub fn frames(frames: impl IntoIterator<Item = Frame<Bytes>>) -> Http2Body {
    let frames: Vec<_> = frames.into_iter().map(Ok).collect();
    BodyExt::boxed(StreamBody::new(stream::iter(frames)))
}

/// No body.
pub fn no_body() -> Http2Body {
    Empty::new().map_err(|never| match never {}).boxed()
}
