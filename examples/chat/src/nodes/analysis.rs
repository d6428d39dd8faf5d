//! The query for the search: a short question is joined with the one before it.

use crate::{
    event::EventSender,
    pipeline::{Failure, Node, Turn},
};

/// A question of fewer words is hardly understood without the one before.
const SHORT: usize = 5;

#[derive(Debug)]
pub struct Analysis;

impl Node for Analysis {
    const STAGE: &'static str = "query_analysis";

    async fn run(&self, turn: &mut Turn, _: &EventSender) -> Result<(), Failure> {
        turn.query = turn.question.trim().to_owned();
        if turn.question.split_whitespace().count() < SHORT {
            let before = turn.history.iter().rev().find(|message| message.role == "user");
            if let Some(before) = before {
                turn.query = format!("{} {}", before.content.trim(), turn.query);
            }
        }
        Ok(())
    }
}
