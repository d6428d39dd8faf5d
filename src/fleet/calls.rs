//! Questions to other replicas: who waits for which answer.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};

use super::{
    packed::{Assembly, Slice},
    wire::Sender,
};
use crate::sync::Mutex;

/// The calls of this replica that wait for an answer.
#[derive(Debug)]
pub(super) struct Calls {
    state: Mutex<CallsState>,
}

#[derive(Debug)]
struct CallsState {
    /// The number of the next call.
    next: u64,
    waiting: HashMap<u64, WaitingCall>,
}

#[derive(Debug)]
struct WaitingCall {
    /// The replicas that have been asked and have not answered.
    asked: BTreeSet<u32>,
    assemblies: HashMap<u32, Assembly>,
    answers: mpsc::UnboundedSender<CallAnswer>,
}

/// The answer of one replica.
#[derive(Debug)]
pub(super) struct CallAnswer {
    pub(super) from: u32,
    pub(super) status: u16,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// A call that waits for answers; forgotten when dropped.
#[derive(Debug)]
pub(super) struct Call<'a> {
    calls: &'a Calls,
    pub(super) number: u64,
    answers: mpsc::UnboundedReceiver<CallAnswer>,
}

impl Calls {
    /// Numbers begin at `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { state: Mutex::new(CallsState { next: first, waiting: HashMap::new() }) }
    }

    /// Begins a call to the replicas of these epochs.
    pub(super) fn begin(&self, asked: impl IntoIterator<Item = u32>) -> Call<'_> {
        let (answers, receiver) = mpsc::unbounded_channel();
        let mut state = self.state.lock();
        let number = state.next;
        state.next = number.wrapping_add(1);
        let asked = asked.into_iter().collect();
        state.waiting.insert(number, WaitingCall { asked, assemblies: HashMap::new(), answers });
        Call { calls: self, number, answers: receiver }
    }

    /// Takes a part of an answer. What was not asked for is ignored, and so is a second answer.
    pub(super) fn take(&self, from: u32, number: u64, status: u16, slice: Slice) {
        let mut state = self.state.lock();
        let Some(call) = state.waiting.get_mut(&number).filter(|call| call.asked.contains(&from)) else { return };
        let assembly = call.assemblies.entry(from).or_default();
        let Some(body) = assembly.take((number, status.into()), slice) else { return };
        call.asked.remove(&from);
        call.assemblies.remove(&from);
        let body = body.unpack().map(|body| body.into_owned()).unwrap_or_default();
        let _ = call.answers.send(CallAnswer { from, status, body });
    }

    /// The replicas that have not answered a call.
    fn unanswered(&self, number: u64) -> Vec<u32> {
        self.state.lock().waiting.get(&number).map(|call| call.asked.iter().copied().collect()).unwrap_or_default()
    }
}

impl Call<'_> {
    /// Waits for the next answer. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<CallAnswer> {
        self.answers.recv().await
    }

    /// The replicas that have not answered.
    pub(super) fn unanswered(&self) -> Vec<u32> {
        self.calls.unanswered(self.number)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.state.lock().waiting.remove(&self.number);
    }
}

/// How long an answer is remembered, so that a question that comes twice is not done twice.
const REMEMBERED: Duration = Duration::from_secs(10);
/// Answers that are remembered, at most.
const MAX_REMEMBERED: usize = 1024;

/// The answers that this replica has given.
#[derive(Debug, Default)]
pub(super) struct GivenAnswers {
    /// Oldest first.
    given: VecDeque<(Sender, u64, Instant, Vec<Bytes>)>,
}

impl GivenAnswers {
    /// The messages of the answer to call `number` of a replica, if it has been given.
    pub(super) fn find(&mut self, from: Sender, number: u64, now: Instant) -> Option<&[Bytes]> {
        while self.given.front().is_some_and(|(_, _, at, _)| now.duration_since(*at) >= REMEMBERED) {
            self.given.pop_front();
        }
        let found = self.given.iter().find(|(caller, known, ..)| (*caller, *known) == (from, number));
        found.map(|(.., messages)| &messages[..])
    }

    pub(super) fn remember(&mut self, from: Sender, number: u64, messages: Vec<Bytes>, now: Instant) {
        if self.given.len() == MAX_REMEMBERED {
            self.given.pop_front();
        }
        self.given.push_back((from, number, now, messages));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::packed::Packed;

    #[tokio::test(start_paused = true)]
    async fn only_who_was_asked_answers_and_only_once() {
        let calls = Calls::new(7);
        let mut call = calls.begin([1, 2]);
        let answer = || Packed::new(b"{}").slices().next().unwrap();
        for from in [3, 1, 1] {
            calls.take(from, call.number, 200, answer());
        }
        calls.take(2, call.number + 1, 200, answer());
        assert_eq!(call.next().await.unwrap().from, 1);
        assert_eq!(call.unanswered(), [2]);
        assert!(tokio::time::timeout(Duration::from_secs(1), call.next()).await.is_err());
        drop(call);
        assert!(calls.state.lock().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_remembered_for_a_while() {
        let (mut given, now) = (GivenAnswers::default(), Instant::now());
        let from = Sender { epoch: 1, nonce: 2 };
        given.remember(from, 7, vec![Bytes::from_static(b"answer")], now);
        assert!(given.find(from, 8, now).is_none() && given.find(Sender { epoch: 1, nonce: 3 }, 7, now).is_none());
        assert_eq!(given.find(from, 7, now + Duration::from_secs(9)).unwrap(), ["answer"]);
        assert!(given.find(from, 7, now + Duration::from_secs(10)).is_none() && given.given.is_empty());
    }
}
