//! What is being asked: a short question leans on the one before it.

use crate::{
    event::Teller,
    pipeline::{Failure, Node, Turn},
};

/// A question of fewer words is hardly understood without the one before.
const SHORT: usize = 5;

#[derive(Debug)]
pub struct Analysis;

impl Node for Analysis {
    const STAGE: &'static str = "query_analysis";

    async fn run(&self, turn: &mut Turn, _: &Teller) -> Result<(), Failure> {
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
