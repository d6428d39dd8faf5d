//! Answers to the questions of other replicas. A question is a request to this replica's monitor, of which the other has checked whether its
//! client may ask it.

use bytes::Bytes;
use http::Method;
use tokio::time::Instant;

use super::{
    calls::GivenAnswers,
    common::Common,
    packed::Packed,
    wire::{Content, Message, Sender},
};
use crate::monitor::{Query, Route, log_cancellation};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Answering {
    given: GivenAnswers,
}

impl Answering {
    /// Answers call `number`. One that comes again is answered as before, and nothing is done twice.
    pub(super) fn call(&mut self, common: &Common, from: Sender, number: u64, request: &str, now: Instant) {
        let topic = common.topics.to(from.epoch);
        if let Some(messages) = self.given.find(from, number, now) {
            messages.iter().for_each(|message| common.outbox.put(topic.clone(), message.clone()));
            return;
        }
        let Some((status, body, is_cancellation)) = answer(common, from, request) else { return };
        let messages: Vec<Bytes> = Packed::new(&body)
            .slices()
            .map(|slice| Message { from: common.me, content: Content::Answer { number, status, slice } }.encode())
            .collect();
        messages.iter().for_each(|message| common.outbox.put(topic.clone(), message.clone()));
        // Others may be asked again.
        if is_cancellation {
            self.given.remember(from, number, messages, now);
        }
    }
}

/// The status and the body of the answer, and whether it is to a cancellation; `None` where there is none.
fn answer(common: &Common, from: Sender, request: &str) -> Option<(u16, Bytes, bool)> {
    let (method, target) = request.split_once(' ')?;
    let method = match method {
        "GET" => Method::GET,
        "DELETE" => Method::DELETE,
        _ => return None,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let response = common.monitor.get()?.answer_replica(&method, path, query)?;
    let status = response.status();
    let is_cancellation = method == Method::DELETE;
    if let (true, Some(Route::Request(id))) = (is_cancellation, Route::of(path)) {
        log_cancellation(id, Query::new(Some(query)).operator().as_ref(), Some(from.epoch), status);
    }
    Some((status.as_u16(), response.into_body().into_whole()?, is_cancellation))
}
