//! What the client is told on the way.

use active_requests::{sse::Event, tracker::RequestHandle};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::library::Source;

/// One event, written as `{"stage": ..}`, `{"token": ..}` and so on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEvent<'a> {
    /// The node that is at work now.
    Stage(&'a str),
    /// A piece of the answer.
    Token(&'a str),
    /// What the answer stands on.
    Sources(&'a [Source]),
    /// How much of the answer stands in the sources, 0 to 1.
    QualityScore(f64),
    FollowUpQuestions(&'a [String]),
    Metadata(Value),
    /// What went wrong, in a sentence for the person.
    Error(&'a str),
}

/// Tells the client, and the live list.
#[derive(Clone, Debug)]
pub struct Teller {
    events: mpsc::Sender<Event>,
    row: Option<RequestHandle>,
}

impl Teller {
    pub fn new(events: mpsc::Sender<Event>, row: Option<RequestHandle>) -> Self {
        Self { events, row }
    }

    /// Waits while the client is slow. If it has left, nobody is told: whoever tells is dropped with the body.
    pub async fn tell(&self, event: ChatEvent<'_>) {
        if let (ChatEvent::Stage(stage), Some(row)) = (&event, &self.row) {
            row.set_stage(stage);
        }
        // Texts, numbers and JSON values always have a JSON form.
        if let Ok(event) = Event::new().json(&event) {
            let _ = self.events.send(event).await;
        }
    }

    /// The last event, after which nothing comes.
    pub async fn done(self) {
        let _ = self.events.send(Event::new().data("[DONE]")).await;
    }
}
