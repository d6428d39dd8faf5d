//! Peers that vanish without a word: no FIN, no reset, and nothing that answers.
//!
//! The proxy lives in a network namespace of its own, with a cable to the clients and another to the upstream. Then a cable is cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, task::JoinSet};

use crate::{
    answer::Answer,
    client::stream::{Dial, Stream},
    draw::Draw,
    exchange::{Carrier, Exchange, KEY, NUMBER},
    proxy::Proxy,
    upstream::Upstream,
    wire::Reader,
};

/// The longest time until a peer that has vanished is given up: two minutes after the last that was heard of it, and the kernel's next try.
const LONGEST: Duration = Duration::from_secs(180);

/// A namespace with three cables; both go when it is dropped.
struct Namespace {
    name: String,
    /// The second byte of its addresses.
    net: u32,
}

/// What hangs on each cable.
#[derive(Clone, Copy)]
enum Cable {
    Clients = 1,
    Upstream = 2,
    /// Whoever looks at the books.
    Observer = 3,
}

fn ip(words: &str) -> io::Result<()> {
    let output = Command::new("ip").args(words.split(' ')).output()?;
    let told = || io::Error::other(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    if output.status.success() { Ok(()) } else { Err(told()) }
}

impl Namespace {
    fn new(cable: Cable) -> io::Result<Self> {
        let id = std::process::id();
        let namespace = Self { name: format!("chaos{id}-{}", cable as u32), net: (id * 2 + cable as u32) % 200 + 20 };
        let Self { name, net } = &namespace;
        ip(&format!("netns add {name}"))?;
        ip(&format!("-n {name} link set lo up"))?;
        for cable in [Cable::Clients, Cable::Upstream, Cable::Observer] {
            let (here, n) = (namespace.cable(cable), cable as u32);
            ip(&format!("link add {here} type veth peer name c{n} netns {name}"))?;
            ip(&format!("addr add 10.{net}.{n}.1/24 dev {here}"))?;
            ip(&format!("-n {name} addr add 10.{net}.{n}.2/24 dev c{n}"))?;
            ip(&format!("link set {here} up"))?;
            ip(&format!("-n {name} link set c{n} up"))?;
        }
        Ok(namespace)
    }

    fn cable(&self, cable: Cable) -> String {
        format!("ch{}c{}", self.net, cable as u32)
    }

    /// The address at this side of a cable.
    fn here(&self, cable: Cable) -> String {
        format!("10.{}.{}.1", self.net, cable as u32)
    }

    /// The proxy's address on a cable.
    fn proxy(&self, cable: Cable) -> Ipv4Addr {
        let [net, n] = [self.net, cable as u32].map(|byte| u8::try_from(byte).unwrap_or_default());
        Ipv4Addr::new(10, net, n, 2)
    }

    fn cut(&self, cable: Cable) -> io::Result<()> {
        ip(&format!("link set {} down", self.cable(cable)))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cables go with it.
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// The part of a request's body that is sent after the cut.
static REST: [u8; 20_000] = [b'x'; 20_000];

/// The exchanges behind one cable, which are to be let go of.
struct Stage<'a> {
    proxy: &'a Proxy,
    upstream: &'a Upstream,
    clients: SocketAddr,
    /// The number of the next exchange.
    next: u64,
    /// Exchanges that are silent.
    streams: Vec<Stream>,
    /// Exchanges whose clients have more to send.
    uploads: Vec<Stream>,
    /// Exchanges whose clients read.
    readers: JoinSet<()>,
}

impl Stage<'_> {
    /// Sends a request that the upstream answers like this, with a body that lacks its rest if it is an upload.
    async fn send(
        &mut self,
        is_upload: bool,
        answer: impl Fn(&mut Draw) -> Answer,
    ) -> io::Result<(Stream, Arc<Exchange>)> {
        let number = self.next;
        self.next += 1;
        let mut draw = Draw::new(1, number);
        let mut exchange = Exchange::draw(&mut draw, number, Carrier::Pipelined);
        exchange.answer = answer(&mut draw);
        let exchange = Arc::new(exchange);
        self.upstream.exchanges.add(&exchange);
        let mut stream = self.proxy.dial.connect(self.clients, None, false).await?;
        let length = if is_upload { REST.len() + 1 } else { 0 };
        let head = format!(
            "POST /calm/x HTTP/1.1\r\nhost: 10.0.0.1\r\nx-api-key: {KEY}\r\n{NUMBER}: {number}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        if is_upload {
            stream.write_all(b"x").await?;
        }
        exchange.until(|progress| progress.has_arrived).await;
        Ok((stream, exchange))
    }

    /// Requests that nothing moves for: before the head, and in the middle of the answer.
    async fn silent(&mut self) -> io::Result<()> {
        for _ in 0..2 {
            let (stream, exchange) = self.send(false, |_| Answer::held()).await?;
            exchange.until(|progress| progress.upload.is_some()).await;
            self.streams.push(stream);
            let (stream, _) = self.send(false, Answer::held_midway).await?;
            self.streams.push(begun(stream).await?.stream);
        }
        Ok(())
    }

    /// Requests of which the upstream is to get more: before the head, and in the middle of the answer.
    async fn uploads(&mut self) -> io::Result<()> {
        let (stream, _) = self.send(true, |_| Answer::held()).await?;
        self.uploads.push(stream);
        let early = |draw: &mut Draw| Answer { is_early: true, ..Answer::held_midway(draw) };
        let (stream, _) = self.send(true, early).await?;
        self.uploads.push(begun(stream).await?.stream);
        Ok(())
    }

    /// A client that reads an answer without end.
    async fn reader(&mut self) -> io::Result<()> {
        let (stream, _) = self.send(false, Answer::endless).await?;
        let mut reader = begun(stream).await?;
        self.readers.spawn(async move {
            let _ = tokio::io::copy(&mut reader.stream, &mut tokio::io::sink()).await;
            std::future::pending().await
        });
        Ok(())
    }

    /// A viewer of the list who has been sent its first event.
    async fn viewer(&mut self) -> io::Result<()> {
        let mut stream = self.proxy.dial.connect(self.clients, None, false).await?;
        let head =
            format!("GET /metrics/active-requests/stream HTTP/1.1\r\nhost: 10.0.0.1\r\nx-api-key: {KEY}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        self.streams.push(begun(stream).await?.stream);
        Ok(())
    }
}

/// Reads the head of the answer.
async fn begun(stream: Stream) -> io::Result<Reader<Stream>> {
    let mut reader = Reader::new(stream);
    reader.head().await?;
    Ok(reader)
}

/// Plays it; what is wrong. `None` where there can be no namespaces.
pub async fn play(program: &Path) -> io::Result<Option<Vec<String>>> {
    // Each has its own: a cable that has just been mended carries nothing for a while.
    let namespaces = Namespace::new(Cable::Upstream).and_then(|one| Ok((one, Namespace::new(Cable::Clients)?)));
    let (upstream, clients) = match namespaces {
        Ok(namespaces) => namespaces,
        Err(error) => {
            println!("NOT CHECKED: peers that vanish: {error}");
            return Ok(None);
        }
    };
    let (mut wrong, more) =
        tokio::try_join!(one(program, &upstream, Cable::Upstream), one(program, &clients, Cable::Clients))?;
    wrong.extend(more);
    Ok(Some(wrong))
}

/// Cuts one cable.
async fn one(program: &Path, namespace: &Namespace, cable: Cable) -> io::Result<Vec<String>> {
    let name = if matches!(cable, Cable::Clients) { "clients" } else { "the upstream" };
    let upstream = Arc::new(Upstream::default());
    let address = upstream.listen_at(&format!("{}:0", namespace.here(Cable::Upstream))).await?;
    let settings = [
        ("HOST", "0.0.0.0".to_owned()),
        ("PORT", "0".to_owned()),
        ("CALM_BASE_URL", format!("http://{address}")),
        ("CALM_API_KEY", "sk-calm".to_owned()),
        ("REQUEST_TIMEOUT", "600".to_owned()),
    ];
    let within: Vec<String> = ["ip", "netns", "exec", &namespace.name].map(str::to_owned).into();
    let mut proxy = Proxy::start(program, &within, &settings, None, Dial::plain()).await?;
    let clients = (namespace.proxy(Cable::Clients), proxy.address.port()).into();
    proxy.address.set_ip(namespace.proxy(Cable::Observer).into());
    let descriptors = proxy.descriptors()?;

    let mut stage = Stage {
        proxy: &proxy,
        upstream: &upstream,
        clients,
        next: 0,
        streams: Vec::new(),
        uploads: Vec::new(),
        readers: JoinSet::new(),
    };
    stage.silent().await?;
    let is_clients = matches!(cable, Cable::Clients);
    if is_clients {
        stage.reader().await?;
    } else {
        stage.uploads().await?;
    }
    let rows = async || proxy.json("/health").await.map(|health| health["active_requests"].as_u64().unwrap_or(99));
    if rows().await? != stage.next {
        return Ok(vec![format!("{} rows for {} requests", rows().await?, stage.next)]);
    }
    if is_clients {
        // Before the first request, too.
        stage.streams.push(proxy.dial.connect(clients, None, false).await?);
        stage.viewer().await?;
    }
    namespace.cut(cable)?;
    for stream in &mut stage.uploads {
        stream.write_all(&REST).await?;
    }
    let begin = Instant::now();
    let mut gone = None;
    let left = loop {
        let (rows, now) = (rows().await?, proxy.descriptors()?);
        if rows == 0 && gone.is_none() {
            gone = Some(begin.elapsed());
        }
        // Clients whose upstream has vanished are told, and stay.
        let expected = descriptors + if is_clients { 0 } else { stage.streams.len() + stage.uploads.len() };
        if rows == 0 && now <= expected {
            break None;
        }
        if begin.elapsed() > LONGEST {
            break Some(format!("{rows} rows, {now} descriptors, {descriptors} before the first client"));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    println!("{name} vanished: rows gone after {gone:.0?}, connections after {:.0?}", begin.elapsed());
    Ok(left.map(|left| format!("{} s after {name} vanished: {left}", LONGEST.as_secs())).into_iter().collect())
}
