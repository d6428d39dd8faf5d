//! How well the answer stands on its sources.

use crate::{
    event::{ChatEvent, EventSender},
    library::Library,
    pipeline::{Failure, Node, Turn},
};

#[derive(Debug)]
pub struct Scoring;

impl Node for Scoring {
    const STAGE: &'static str = "scoring";

    async fn run(&self, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
        if let Some(score) = Library::grounding(&turn.exchange.answer, &turn.sources) {
            sender.send(ChatEvent::QualityScore(score)).await;
        }
        Ok(())
    }
}
