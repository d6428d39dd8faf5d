//! Sessions: the last 20 messages of the 1,000 sessions used last.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

const MAX_MESSAGES: usize = 20;
const MAX_SESSIONS: usize = 1_000;

/// A message and the role of its author, in the words of the OpenAI format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

impl Message {
    pub fn new(role: &'static str, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// All sessions. Cheap to clone; all clones are one store.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    state: Arc<Mutex<SessionStore>>,
}

#[derive(Debug, Default)]
struct SessionStore {
    sessions: HashMap<String, Session>,
    /// Counts uses, so that the one used longest ago can be told.
    uses: u64,
}

#[derive(Debug, Default)]
struct Session {
    messages: VecDeque<Message>,
    last_use: u64,
}

impl Sessions {
    /// The messages so far, the oldest first.
    pub fn history(&self, id: &str) -> Vec<Message> {
        self.with(|state| state.touch(id).map(|session| session.messages.iter().cloned().collect()).unwrap_or_default())
    }

    fn add(&self, id: &str, messages: impl IntoIterator<Item = Message>) {
        self.with(|state| {
            if !state.sessions.contains_key(id) && state.sessions.len() == MAX_SESSIONS {
                let oldest =
                    state.sessions.iter().min_by_key(|(_, session)| session.last_use).map(|(id, _)| id.clone());
                oldest.and_then(|oldest| state.sessions.remove(&oldest));
            }
            state.sessions.entry(id.to_owned()).or_default();
            let Some(session) = state.touch(id) else { return };
            session.messages.extend(messages);
            let excess = session.messages.len().saturating_sub(MAX_MESSAGES);
            session.messages.drain(..excess);
        });
    }

    fn with<T>(&self, look: impl FnOnce(&mut SessionStore) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionStore {
    fn touch(&mut self, id: &str) -> Option<&mut Session> {
        self.uses += 1;
        let session = self.sessions.get_mut(id)?;
        session.last_use = self.uses;
        Some(session)
    }
}

/// A question and as much of its answer as there is. Dropped, for whatever reason, it is what has been said: a person who
/// stops an answer has read its beginning.
#[derive(Debug)]
pub struct Exchange {
    sessions: Sessions,
    session_id: String,
    question: String,
    pub answer: String,
}

impl Exchange {
    pub fn new(sessions: Sessions, session_id: String, question: String) -> Self {
        Self { sessions, session_id, question, answer: String::new() }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.answer.is_empty() {
            return;
        }
        let said = [("user", &mut self.question), ("assistant", &mut self.answer)];
        self.sessions.add(&self.session_id, said.map(|(role, text)| Message::new(role, std::mem::take(text))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(sessions: &Sessions, id: &str, question: &str, answer: &str) {
        let mut exchange = Exchange::new(sessions.clone(), id.to_owned(), question.to_owned());
        exchange.answer.push_str(answer);
    }

    #[test]
    fn a_session_keeps_its_last_twenty_messages() {
        let sessions = Sessions::default();
        for n in 0..15 {
            exchange(&sessions, "s", &format!("question {n}"), &format!("answer {n}"));
        }
        let history = sessions.history("s");
        assert_eq!(history.len(), MAX_MESSAGES);
        assert_eq!(history[0], Message::new("user", "question 5"));
        assert_eq!(history[19], Message::new("assistant", "answer 14"));
    }

    #[test]
    fn the_session_used_longest_ago_goes_first() {
        let sessions = Sessions::default();
        for n in 0..MAX_SESSIONS {
            exchange(&sessions, &n.to_string(), "q", "a");
        }
        assert_eq!(sessions.history("0").len(), 2, "used again");
        exchange(&sessions, "one more", "q", "a");
        assert_eq!(sessions.with(|state| state.sessions.len()), MAX_SESSIONS);
        assert_eq!(sessions.history("0").len(), 2);
        assert!(sessions.history("1").is_empty());
    }

    #[test]
    fn an_exchange_without_an_answer_leaves_nothing() {
        let sessions = Sessions::default();
        exchange(&sessions, "s", "q", "");
        assert!(sessions.history("s").is_empty());
        assert_eq!(sessions.with(|state| state.sessions.len()), 0);
    }
}
