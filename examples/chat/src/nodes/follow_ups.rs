//! Questions to ask next: the headings of passages near the answer that have not been asked about.

use std::sync::Arc;

use crate::{
    event::{ChatEvent, EventSender},
    library::Library,
    pipeline::{Failure, Node, Turn},
};

const QUESTIONS: usize = 3;

#[derive(Debug)]
pub struct FollowUps {
    library: Arc<Library>,
}

impl FollowUps {
    pub fn new(library: Arc<Library>) -> Self {
        Self { library }
    }
}

impl Node for FollowUps {
    const STAGE: &'static str = "follow_ups";

    async fn run(&self, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
        let asked = |heading: &str| {
            let before = turn.history.iter().filter(|message| message.role == "user");
            before.map(|message| &message.content).chain([&turn.question]).any(|text| text.trim() == heading)
        };
        // The passage nearest to the answer is the one that has just been read.
        let said = format!("{} {}", turn.query, turn.exchange.answer);
        let headings = self.library.near(&said).skip(1).map(|passage| passage.heading.clone());
        let questions: Vec<String> = headings.filter(|heading| !asked(heading)).take(QUESTIONS).collect();
        sender.send(ChatEvent::FollowUpQuestions(&questions)).await;
        Ok(())
    }
}
