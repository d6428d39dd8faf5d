//! The passages that may answer the question.

use std::sync::Arc;

use crate::{
    event::{ChatEvent, EventSender},
    library::Library,
    pipeline::{Failure, Node, Turn},
};

/// Passages that are given to the model, and shown.
const SOURCES: usize = 4;

#[derive(Debug)]
pub struct Retrieval {
    library: Arc<Library>,
}

impl Retrieval {
    pub fn new(library: Arc<Library>) -> Self {
        Self { library }
    }
}

impl Node for Retrieval {
    const STAGE: &'static str = "retrieval";

    async fn run(&self, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
        let found = self.library.search(&turn.query, SOURCES);
        turn.sources = found.into_iter().map(|(passage, score)| passage.as_source(score)).collect();
        sender.send(ChatEvent::Sources(&turn.sources)).await;
        Ok(())
    }
}
