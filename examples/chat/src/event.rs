//! The events that the client is sent while the pipeline works.

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
    /// A part of the answer.
    Token(&'a str),
    /// The passages that the answer is based on.
    Sources(&'a [Source]),
    /// How much of the answer stands in the sources, 0 to 1.
    QualityScore(f64),
    FollowUpQuestions(&'a [String]),
    Metadata(Value),
    /// An error, in a sentence for the user.
    Error(&'a str),
}

/// Sends events to the client, and stages to the live list.
#[derive(Clone, Debug)]
pub struct EventSender {
    events: mpsc::Sender<Event>,
    row: RequestHandle,
}

impl EventSender {
    pub fn new(events: mpsc::Sender<Event>, row: RequestHandle) -> Self {
        Self { events, row }
    }

    /// Sends an event; waits while the client is slow. If the client has left, the event is dropped, and the pipeline soon after.
    pub async fn send(&self, event: ChatEvent<'_>) {
        if let ChatEvent::Stage(stage) = &event {
            self.row.set_stage(stage);
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
