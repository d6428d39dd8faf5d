//! A proxy and its upstream, and what must be true of them once all clients have gone.

use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    books::{Books, Shown},
    client::stream::Dial,
    exchange::{Exchange, PATIENCE},
    proxy::Proxy,
    upstream::Upstream,
    visit::Visit,
};

/// The most requests of one round: the monitor shows no more traces at once.
const MOST: usize = 1_900;

/// Clients at one time.
const CLIENTS: usize = 24;

/// Seconds after which the proxy gives an upstream up.
const TIMEOUT: &str = "8";

/// The things in use at one moment.
#[derive(Clone, Copy, Debug)]
struct Held {
    /// Requests in flight, as the proxy shows them.
    rows: Option<u64>,
    /// Connections to the upstream.
    open: usize,
    /// Connections to the upstream that wait for a request.
    idle: usize,
    /// Open descriptors of the proxy.
    descriptors: usize,
}

impl Held {
    /// Whether it is no more than pooled connections, beside the descriptors that were open before the first client.
    fn is_rest(self, before: usize) -> bool {
        self.rows == Some(0) && self.open == self.idle && self.descriptors == before + self.open
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Stand {
    pub name: &'static str,
    seed: u64,
    proxy: Arc<Proxy>,
    upstream: Arc<Upstream>,
    books: Books,
    /// Descriptors before the first client.
    descriptors: usize,
    /// Resident memory after each round, in kilobytes.
    memory: Vec<usize>,
}

impl Stand {
    pub async fn start(program: &Path, folder: &Path, seed: u64, is_tls: bool) -> io::Result<Self> {
        let upstream = Arc::new(Upstream::default());
        let (calm, wild) = (upstream.listen().await?, upstream.listen().await?);
        let settings = [
            ("PORT", "0".to_owned()),
            ("PROXY_THREADS", if is_tls { "2" } else { "1" }.to_owned()),
            ("CALM_BASE_URL", format!("http://{calm}")),
            ("WILD_BASE_URL", format!("http://{wild}")),
            ("CALM_API_KEY", "sk-calm".to_owned()),
            ("WILD_API_KEY", "sk-wild".to_owned()),
            ("VDM_DEFAULT_PROVIDER", "calm".to_owned()),
            ("REQUEST_TIMEOUT", TIMEOUT.to_owned()),
            ("STREAMING_READ_TIMEOUT_SECONDS", TIMEOUT.to_owned()),
            ("VDM_ACTIVE_REQUESTS_MAX_TRACES", "2000".to_owned()),
            ("VDM_ACTIVE_REQUESTS_LABELS", crate::exchange::NUMBER.to_owned()),
        ];
        let (dial, files) = if is_tls {
            let (dial, certificate, key) = Dial::tls(folder, "127.0.0.1")?;
            (dial, Some((certificate, key)))
        } else {
            (Dial::plain(), None)
        };
        let proxy = Arc::new(Proxy::start(program, &[], &settings, files, dial).await?);
        let descriptors = proxy.descriptors()?;
        let name = if is_tls { "TLS, two threads" } else { "plain, one thread" };
        Ok(Self { name, seed, proxy, upstream, books: Books::default(), descriptors, memory: Vec::new() })
    }

    /// Plays visits from the number `first`, at most `count`, and looks at everything once they have gone; the next number and what is wrong.
    pub async fn round(&mut self, first: u64, count: u64) -> io::Result<(u64, Vec<String>)> {
        let mut visits = Vec::new();
        let mut exchanges: Vec<Arc<Exchange>> = Vec::new();
        let mut next = first;
        while next < first + count && exchanges.len() < MOST {
            let visit = Visit::draw(self.seed, next);
            exchanges.extend(visit.0.exchanges.iter().cloned());
            visits.push(visit);
            next += 1;
        }
        exchanges.iter().for_each(|exchange| self.upstream.exchanges.add(exchange));
        let mut wrong = self.play(visits).await;
        if let Err(why) = self.rest().await {
            // First of all: what is left over is the worst.
            wrong.insert(0, why);
        }
        wrong.extend(self.books.check(&Shown::by(&self.proxy).await?, &exchanges));
        wrong.extend(std::mem::take(&mut *self.upstream.wrong.lock().unwrap()));
        wrong.extend(self.proxy.take_faults());
        self.upstream.exchanges.clear();
        self.memory.push(self.proxy.memory()?);
        Ok((next, wrong))
    }

    /// Plays the visits, some at one time; what the clients have to complain of.
    async fn play(&self, visits: Vec<(Visit, crate::draw::Draw)>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut playing = JoinSet::new();
        for (visit, draw) in visits {
            if playing.len() >= CLIENTS {
                wrong.extend(playing.join_next().await.map(told).into_iter().flatten());
            }
            let proxy = Arc::clone(&self.proxy);
            playing.spawn(async move { complaints(&visit, visit.play(&proxy, draw).await) });
        }
        while let Some(played) = playing.join_next().await {
            wrong.extend(told(played));
        }
        wrong
    }

    /// Waits until nothing moves any more: no rows, no connections but pooled ones, no descriptors but theirs.
    async fn rest(&self) -> Result<(), String> {
        let begin = Instant::now();
        loop {
            let health = self.proxy.json("/health").await.map_err(|error| format!("/health: {error}"))?;
            let (open, idle) = self.upstream.connections();
            let descriptors = self.proxy.descriptors().map_err(|error| error.to_string())?;
            let held = Held { rows: health["active_requests"].as_u64(), open, idle, descriptors };
            if held.is_rest(self.descriptors) {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                let list = self.proxy.json("/metrics/active-requests").await.unwrap_or_default();
                return Err(format!(
                    "no rest: {held:?}, {} descriptors before the first client; {list}",
                    self.descriptors
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the proxy; what is wrong.
    pub async fn end(self) -> io::Result<Vec<String>> {
        let mut wrong = Vec::new();
        let (memory, books) = (self.memory.iter().map(|kb| kb / 1024).collect::<Vec<_>>(), self.books.report());
        println!("{}: {books}; resident memory after each round, MB: {memory:?}", self.name);
        // The first rounds fill rings and buffers; afterwards it may breathe.
        if let [first, .., last] = self.memory[self.memory.len() / 3..]
            && last > first + first / 2 + 16 * 1024
        {
            wrong.push(format!("memory grows: {:?} kB", self.memory));
        }
        let mut proxy = Arc::try_unwrap(self.proxy).map_err(|_| io::Error::other("somebody still has the proxy"))?;
        match proxy.end().await? {
            Some(0) => {}
            code => wrong.push(format!("exit code {code:?} at rest")),
        }
        wrong.extend(proxy.take_faults());
        let begin = Instant::now();
        while self.upstream.connections().0 > 0 {
            if begin.elapsed() > PATIENCE {
                wrong.push(format!("connections to the upstream after the end: {:?}", self.upstream.connections()));
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(wrong)
    }
}

fn told(played: Result<Vec<String>, tokio::task::JoinError>) -> Vec<String> {
    played.unwrap_or_else(|error| vec![error.to_string()])
}

/// What the clients of one visit have to complain of.
fn complaints(visit: &Visit, seen: Vec<(crate::client::Seen, io::Result<()>)>) -> Vec<String> {
    if seen.len() < visit.exchanges.len() {
        return vec![format!("visit {} did not come to its end: {:#?}", visit.number, visit.exchanges)];
    }
    let before = std::iter::once(None).chain(visit.exchanges.iter().map(Some));
    let wrong = visit.exchanges.iter().zip(before).zip(seen).filter_map(|((exchange, before), (seen, result))| {
        let why = seen.check(exchange)?;
        Some(format!("visit {}: {why}; {result:?}; {exchange:?}; before it {before:?}", visit.number))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::Held;

    #[test]
    fn whatever_is_left_over_is_no_rest() {
        let rest = Held { rows: Some(0), open: 2, idle: 2, descriptors: 14 };
        assert!(rest.is_rest(12));
        for left in [
            Held { rows: Some(1), ..rest },
            Held { rows: None, ..rest },
            Held { idle: 1, ..rest },
            Held { descriptors: 15, ..rest },
        ] {
            assert!(!left.is_rest(12), "{left:?}");
        }
    }
}
