//! The upstream: raw sockets that do what the exchange of each request says.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::{
    answer::Step,
    exchange::{Exchange, NUMBER, PATIENCE},
    wire::{Framing, Reader},
};

/// What upstream and clients share.
#[derive(Debug, Default)]
pub struct Exchanges(Mutex<HashMap<u64, Arc<Exchange>>>);

impl Exchanges {
    pub fn add(&self, exchange: &Arc<Exchange>) {
        self.0.lock().unwrap().insert(exchange.number, Arc::clone(exchange));
    }

    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn find(&self, number: &str) -> Option<Arc<Exchange>> {
        self.0.lock().unwrap().get(&number.parse().ok()?).cloned()
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Upstream {
    pub exchanges: Exchanges,
    open: AtomicUsize,
    idle: AtomicUsize,
    /// What has come that should not have.
    pub wrong: Mutex<Vec<String>>,
}

impl Upstream {
    /// Listens on another port, and returns it.
    pub async fn listen(self: &Arc<Self>) -> io::Result<SocketAddr> {
        self.listen_at("127.0.0.1:0").await
    }

    pub async fn listen_at(self: &Arc<Self>, address: &str) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let upstream = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = Arc::clone(&upstream);
                upstream.open.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    // Whatever cuts a connection off is the proxy's or the script's doing, and seen in the books.
                    let _ = upstream.serve(stream).await;
                    upstream.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(address)
    }

    /// Connections, and those of them that wait for a request.
    pub fn connections(&self) -> (usize, usize) {
        (self.open.load(Ordering::Relaxed), self.idle.load(Ordering::Relaxed))
    }

    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut reader = Reader::new(stream);
        loop {
            self.idle.fetch_add(1, Ordering::Relaxed);
            let head = reader.head().await;
            self.idle.fetch_sub(1, Ordering::Relaxed);
            let Some(head) = head? else { return Ok(()) };
            let number = head.header(NUMBER).unwrap_or_default();
            let Some(exchange) = self.exchanges.find(number) else {
                self.wrong.lock().unwrap().push(format!("the upstream was sent a request of nobody: {}", head.text));
                return Ok(());
            };
            exchange.note(|progress| progress.has_arrived = true);
            if !exchange.answer.is_early {
                if head.header("expect").is_some() {
                    reader.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                }
                let mut body = Vec::new();
                reader.body(Framing::of_request(&head), |data| body.extend_from_slice(data)).await?;
                exchange.note(|progress| progress.upload = Some(body == exchange.sent.arrives));
            }
            for step in &exchange.answer.steps {
                if !take(step, &exchange, &mut reader).await? {
                    return Ok(());
                }
            }
            if !exchange.answer.is_kept {
                return Ok(());
            }
        }
    }
}

/// Takes one step; false if the connection is over.
async fn take(step: &Step, exchange: &Exchange, reader: &mut Reader<TcpStream>) -> io::Result<bool> {
    match step {
        Step::Send(bytes) => reader.stream.write_all(bytes).await?,
        Step::Pause(time) => tokio::time::sleep(*time).await,
        Step::AwaitClient(bytes) => {
            // The client may have left, and then the proxy leaves too, or has the whole answer already and sends its next request.
            tokio::select! {
                () = exchange.until(|progress| progress.read >= *bytes) => {}
                () = reader.until_disturbed() => return Ok(false),
                () = tokio::time::sleep(PATIENCE) => return Ok(false),
            }
        }
        Step::AwaitGone => {
            // Longer than any patience of the campaign: who is still here then is told by the books.
            let _ = tokio::time::timeout(Duration::from_secs(600), reader.until_closed()).await;
            return Ok(false);
        }
        Step::Flood(bytes) => loop {
            reader.stream.write_all(bytes).await?;
        },
        Step::Reset => {
            SockRef::from(&reader.stream).set_linger(Some(Duration::ZERO))?;
            return Ok(false);
        }
    }
    Ok(true)
}
