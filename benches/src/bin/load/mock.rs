//! The upstream: answers what the [header](REPLY) asks for. `GET /stats` tells how many answers are under way, `GET /ended` how many have ended, and
//! `GET /ended/7` the same once there are more than 7.

use crate::{
    Failure,
    plan::{Api, Plan},
    process::listen,
    reply::{REPLY, Reply},
    serving::{Speech, serve},
    tls,
};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::{
    collections::HashMap,
    convert::Infallible,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{sync::watch, time::Sleep};

/// The upstream's command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Mock {
    port: u16,
    /// The port on which it speaks TLS
    tls_port: u16,
    /// The folder of its certificate
    dir: PathBuf,
}

impl Mock {
    /// Serves until the program that started this one has gone.
    pub async fn serve(self) -> Result<(), Failure> {
        let answers = Arc::new(Answers::default());
        let answer = move |request| Arc::clone(&answers).answer(request);
        let plain = serve(listen(self.port)?, Speech::Http1, answer.clone());
        let tls = serve(listen(self.tls_port)?, Speech::Tls(tls::acceptor(&self.dir)?), answer);
        tokio::select! {
            ended = plain => ended,
            ended = tls => ended,
        }
    }
}

type Chunks = Arc<[Bytes]>;

#[derive(Default)]
struct Answers {
    made: Mutex<HashMap<(Api, Reply), Chunks>>,
    live: Arc<AtomicUsize>,
    ended: Arc<watch::Sender<usize>>,
}

impl Answers {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Paced>, Infallible> {
        let path = request.uri().path().to_owned();
        if request.method() == Method::GET && path == "/stats" {
            let live = self.live.load(Relaxed).to_string();
            return Ok(Response::new(Paced::whole(Bytes::from(live))));
        }
        if let Some(than) = path.strip_prefix("/ended") {
            let mut ended = self.ended.subscribe();
            if let Ok(than) = than.trim_start_matches('/').parse::<usize>() {
                // Fails when the sender has gone, which is kept here.
                let _ = ended.wait_for(|ended| *ended > than).await;
            }
            let ended = ended.borrow().to_string();
            return Ok(Response::new(Paced::whole(Bytes::from(ended))));
        }
        let live = Live::new(&self.live, &self.ended);
        let reply = request.headers().get(REPLY).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = request.into_body();
        // Read to its end, and not kept: a hundred large ones may come at once.
        let is_whole = loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                Some(Err(_)) => break false,
                None => break true,
            }
        };
        let (Some(api), Some(reply), true) = (Api::of_path(&path), reply, is_whole) else {
            let mut response = Response::new(Paced::whole(Bytes::new()));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return Ok(response);
        };
        let plan = match reply {
            Reply::Streamed(plan) | Reply::Whole(plan) => plan,
            Reply::Text(_) | Reply::Embeddings(_) => Plan::new(1, 0),
        };
        if !plan.hold.is_zero() {
            tokio::time::sleep(plan.hold).await;
        }
        let (delay, content_type) =
            if reply.is_stream() { (plan.delay, "text/event-stream") } else { (Duration::ZERO, "application/json") };
        let mut response = Response::new(Paced::new(self.chunks(api, reply), delay, Some(live)));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Ok(response)
    }

    /// Made once and kept, so that the upstream is quick.
    fn chunks(&self, api: Api, reply: Reply) -> Chunks {
        let mut made = self.made.lock().unwrap();
        Arc::clone(made.entry((api, reply)).or_insert_with(|| reply.chunks(api).into()))
    }
}

/// Counts an answer for as long as anybody waits for it.
struct Live {
    count: Arc<AtomicUsize>,
    ended: Arc<watch::Sender<usize>>,
}

impl Live {
    fn new(count: &Arc<AtomicUsize>, ended: &Arc<watch::Sender<usize>>) -> Self {
        count.fetch_add(1, Relaxed);
        Self { count: Arc::clone(count), ended: Arc::clone(ended) }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Relaxed);
        self.ended.send_modify(|ended| *ended += 1);
    }
}

/// An answer's chunks, each at its time: the first at once.
struct Paced {
    chunks: Chunks,
    next: usize,
    pace: Option<(Duration, Pin<Box<Sleep>>)>,
    _live: Option<Live>,
}

impl Paced {
    fn new(chunks: Chunks, delay: Duration, live: Option<Live>) -> Self {
        let pace = (!delay.is_zero()).then(|| (delay, Box::pin(tokio::time::sleep(delay))));
        Self { chunks, next: 0, pace, _live: live }
    }

    fn whole(body: Bytes) -> Self {
        Self::new(Arc::new([body]), Duration::ZERO, None)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let Some(chunk) = this.chunks.get(this.next) else { return Poll::Ready(None) };
        if let Some((delay, sleep)) = this.pace.as_mut().filter(|_| this.next > 0) {
            ready!(sleep.as_mut().poll(cx));
            let next = sleep.deadline() + *delay;
            sleep.as_mut().reset(next);
        }
        this.next += 1;
        Poll::Ready(Some(Ok(Frame::data(chunk.clone()))))
    }

    fn is_end_stream(&self) -> bool {
        self.next == self.chunks.len()
    }

    fn size_hint(&self) -> SizeHint {
        // A stream's length is not known to a real upstream either.
        match &*self.chunks {
            [whole] if self.next == 0 => SizeHint::with_exact(whole.len() as u64),
            _ => SizeHint::default(),
        }
    }
}
