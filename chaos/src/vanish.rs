//! Peers that vanish without a word: no FIN, no reset, and nothing that answers.
//!
//! The proxy lives in a network namespace of its own, with a cable to the clients and another to the upstream. Then a cable is cut.

use std::{
    io,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::io::AsyncWriteExt;

use crate::{
    answer::Answer,
    client::stream::{Dial, Stream},
    draw::Draw,
    exchange::{Carrier, Exchange, KEY, NUMBER},
    proxy::Proxy,
    upstream::Upstream,
    wire::Reader,
};

/// The longest time until a peer that has vanished is given up: by keep-alive probes after a minute, three of them 20 s apart.
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
    fn new() -> io::Result<Self> {
        let id = std::process::id();
        let namespace = Self { name: format!("chaos{id}"), net: id % 200 + 20 };
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
    fn proxy(&self, cable: Cable) -> std::net::Ipv4Addr {
        let [net, n] = [self.net, cable as u32].map(|byte| u8::try_from(byte).unwrap_or_default());
        std::net::Ipv4Addr::new(10, net, n, 2)
    }

    /// Cuts a cable (`down`), or mends it (`up`).
    fn set(&self, cable: Cable, state: &str) -> io::Result<()> {
        ip(&format!("link set {} {state}", self.cable(cable)))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cables go with it.
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// An exchange that is held by the upstream, before its head or in the middle.
fn held(number: u64, midway: bool) -> Arc<Exchange> {
    let mut draw = Draw::new(1, number);
    let mut exchange = Exchange::draw(&mut draw, number, Carrier::Pipelined);
    exchange.answer = if midway { Answer::held_midway(&mut draw) } else { Answer::held() };
    Arc::new(exchange)
}

/// Plays it; what is wrong. `None` where there can be no namespaces.
pub async fn play(program: &Path) -> io::Result<Option<Vec<String>>> {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(error) => {
            println!("NOT CHECKED: peers that vanish: {error}");
            return Ok(None);
        }
    };
    let mut wrong = Vec::new();
    for cable in [Cable::Upstream, Cable::Clients] {
        wrong.extend(one(program, &namespace, cable).await?);
        namespace.set(cable, "up")?;
    }
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

    // Silent ones: before the head, in the middle, between two requests, before the first, and viewers of the list.
    let mut streams = Vec::new();
    for number in 0..4 {
        let exchange = held(number, number % 2 == 1);
        upstream.exchanges.add(&exchange);
        let mut stream = proxy.dial.connect(clients, None, false).await?;
        let head = format!("GET /calm/x HTTP/1.1\r\nhost: 10.0.0.1\r\nx-api-key: {KEY}\r\n{NUMBER}: {number}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        exchange.until(|progress| progress.upload.is_some()).await;
        streams.push(stream);
    }
    let rows = async || proxy.json("/health").await.map(|health| health["active_requests"].as_u64().unwrap_or(99));
    if rows().await? != 4 {
        return Ok(vec![format!("{} rows for 4 requests", rows().await?)]);
    }
    let is_clients = matches!(cable, Cable::Clients);
    if is_clients {
        streams.push(proxy.dial.connect(clients, None, false).await?);
        streams.push(viewer(&proxy, clients).await?);
    }
    namespace.set(cable, "down")?;
    let begin = Instant::now();
    let mut gone = None;
    let left = loop {
        let (rows, now) = (rows().await?, proxy.descriptors()?);
        if rows == 0 && gone.is_none() {
            gone = Some(begin.elapsed());
        }
        // Clients whose upstream has vanished are told, and stay.
        let expected = descriptors + if is_clients { 0 } else { streams.len() };
        if rows == 0 && now <= expected {
            break None;
        }
        if begin.elapsed() > LONGEST {
            break Some(format!("{rows} rows, {now} descriptors, {descriptors} before the first client"));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    println!("{name} vanished: rows gone after {gone:.0?}, connections after {:.0?}", begin.elapsed());
    drop(streams);
    Ok(left.map(|left| format!("{} s after {name} vanished: {left}", LONGEST.as_secs())).into_iter().collect())
}

/// A viewer of the list who has been sent its first event.
async fn viewer(proxy: &Proxy, address: std::net::SocketAddr) -> io::Result<Stream> {
    let mut reader = Reader::new(proxy.dial.connect(address, None, false).await?);
    let head = format!("GET /metrics/active-requests/stream HTTP/1.1\r\nhost: 10.0.0.1\r\nx-api-key: {KEY}\r\n\r\n");
    reader.stream.write_all(head.as_bytes()).await?;
    reader.head().await?;
    Ok(reader.stream)
}
