//! The pipeline from a question to an answer: nodes in a row, each of which announces itself and sends what it finds at once.

use std::{convert::Infallible, future::Future, sync::Arc, time::Instant};

use active_requests::{
    sse::{Event, KeepAlive, Sse},
    tracker::RequestHandle,
};
use futures_util::{Stream, StreamExt, future, stream};
use http::Response;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    event::{ChatEvent, EventSender},
    library::{Library, Source},
    nodes::{Analysis, FollowUps, Generation, Retrieval, Scoring},
    session::{Exchange, Message},
    upstream::Upstream,
};

/// The state of one question; each node adds to it.
#[derive(Debug)]
pub struct Turn {
    pub question: String,
    /// Earlier messages of the session, the oldest first.
    pub history: Vec<Message>,
    /// The text to search for.
    pub query: String,
    pub sources: Vec<Source>,
    /// The answer so far; kept by the session, however far it gets.
    pub exchange: Exchange,
    /// The usage as the model reports it.
    pub usage: Value,
}

/// The reason why a pipeline stopped: a sentence for the user.
#[derive(Debug)]
pub struct Failure(pub String);

/// A step of the pipeline.
pub trait Node {
    /// Its name in the events and in the live list.
    const STAGE: &'static str;

    /// Does the step. Dropping the future stops it where it is.
    fn run(&self, turn: &mut Turn, sender: &EventSender) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// All nodes, ready for any number of questions at a time.
#[derive(Debug)]
pub struct Pipeline {
    analysis: Analysis,
    retrieval: Retrieval,
    generation: Generation,
    scoring: Scoring,
    follow_ups: FollowUps,
}

impl Pipeline {
    pub fn new(upstream: Upstream) -> Self {
        let library = Arc::new(Library::default());
        Self {
            analysis: Analysis,
            retrieval: Retrieval::new(Arc::clone(&library)),
            generation: Generation::new(upstream),
            scoring: Scoring,
            follow_ups: FollowUps::new(library),
        }
    }

    async fn run(&self, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
        let start = Instant::now();
        step(&self.analysis, turn, sender).await?;
        step(&self.retrieval, turn, sender).await?;
        step(&self.generation, turn, sender).await?;
        step(&self.scoring, turn, sender).await?;
        step(&self.follow_ups, turn, sender).await?;
        let metadata = json!({
            "provider": self.generation.provider(),
            "model": self.generation.model(),
            "query": turn.query,
            "usage": turn.usage,
            "duration_ms": u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        sender.send(ChatEvent::Metadata(metadata)).await;
        Ok(())
    }

    /// The answer as a stream of events. The work is done while the body is read, so that it is held up by a slow client, and
    /// ends where it is when the client leaves.
    pub fn answer(
        self: Arc<Self>,
        mut turn: Turn,
        row: RequestHandle,
    ) -> Response<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
        let (sender, receiver) = mpsc::channel(16);
        let work = async move {
            let sender = EventSender::new(sender, row);
            if let Err(Failure(why)) = self.run(&mut turn, &sender).await {
                sender.send(ChatEvent::Error(&why)).await;
            }
            sender.done().await;
        };
        let events = stream::unfold(receiver, async |mut receiver| Some((Ok(receiver.recv().await?), receiver)));
        let work = stream::once(work).filter_map(|()| future::ready(None));
        Sse::new(stream::select(events, work)).keep_alive(KeepAlive::default()).into_response()
    }
}

async fn step<N: Node>(node: &N, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
    sender.send(ChatEvent::Stage(N::STAGE)).await;
    node.run(turn, sender).await
}
