//! The model's answer, token by token.

use crate::{
    event::{ChatEvent, EventSender},
    library::Source,
    pipeline::{Failure, Node, Turn},
    session::Message,
    upstream::Upstream,
};

const INSTRUCTIONS: &str = "You answer questions about active-requests, a Rust crate that shows which requests are in flight. \
    Answer from the passages alone, in a few sentences, and name the passages you use like this: [1]. \
    If they do not answer the question, say so.";

#[derive(Debug)]
pub struct Generation {
    upstream: Upstream,
}

impl Generation {
    pub fn new(upstream: Upstream) -> Self {
        Self { upstream }
    }

    pub fn provider(&self) -> &str {
        self.upstream.name()
    }

    pub fn model(&self) -> &str {
        self.upstream.model()
    }
}

impl Node for Generation {
    const STAGE: &'static str = "generation";

    async fn run(&self, turn: &mut Turn, sender: &EventSender) -> Result<(), Failure> {
        let mut answer = self.upstream.ask(&messages(turn)).await?;
        while let Some(tokens) = answer.next().await? {
            for token in tokens {
                turn.exchange.answer.push_str(&token);
                sender.send(ChatEvent::Token(&token)).await;
            }
        }
        turn.usage = answer.usage();
        Ok(())
    }
}

/// The messages for the model: instructions, what was said before, the passages, and the question.
fn messages(turn: &Turn) -> Vec<Message> {
    let mut messages = vec![Message::new("system", INSTRUCTIONS)];
    messages.extend(turn.history.iter().cloned());
    messages.push(Message::new("system", passages(&turn.sources)));
    messages.push(Message::new("user", turn.question.clone()));
    messages
}

fn passages(sources: &[Source]) -> String {
    if sources.is_empty() {
        return "No passage of the documents matches this question.".to_owned();
    }
    let numbered = sources.iter().enumerate().map(|(index, source)| {
        let text = source.text.split_once('\n').map_or(source.text.as_str(), |(_, text)| text);
        format!("{text} [{}]", index + 1)
    });
    numbered.collect::<Vec<_>>().join("\n\n")
}
