//! How well the answer stands on its sources.

use crate::{
    event::{ChatEvent, Teller},
    library::Library,
    pipeline::{Failure, Node, Turn},
};

#[derive(Debug)]
pub struct Scoring;

impl Node for Scoring {
    const STAGE: &'static str = "scoring";

    async fn run(&self, turn: &mut Turn, teller: &Teller) -> Result<(), Failure> {
        if let Some(score) = Library::grounding(&turn.exchange.answer, &turn.sources) {
            teller.tell(ChatEvent::QualityScore(score)).await;
        }
        Ok(())
    }
}
