//! Clients: what they do with one exchange, and what they have seen of it.

pub mod http1;
pub mod http2;
pub mod stream;

use crate::{
    answer::Ending,
    exchange::{Client, Exchange, When},
};

/// What a client has seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub status: Option<u16>,
    pub body: Vec<u8>,
    /// The body came to its end.
    pub is_whole: bool,
    /// Whether it left, or was cut off, by its own script.
    pub has_left: bool,
}

/// The first bytes of what differs, for a report.
fn difference(seen: &[u8], expected: &[u8]) -> String {
    let at = seen.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(seen.len().min(expected.len()));
    let tail = |bytes: &[u8]| String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 60)]).into_owned();
    format!("{} bytes for {}, different at {at}: {:?} for {:?}", seen.len(), expected.len(), tail(seen), tail(expected))
}

impl Seen {
    /// Compares it with what the exchange was to bring; what is wrong.
    pub fn check(&self, exchange: &Exchange) -> Option<String> {
        let Exchange { answer, client, .. } = exchange;
        // The proxy answers where a kept connection broke.
        let by_proxy = answer.is_wild && self.status == Some(502);
        if by_proxy || (exchange.may_be_unknown() && self.status.is_none()) {
            return None;
        }
        if exchange.progress.borrow().upload == Some(false) {
            return Some("the request's body did not arrive as it was sent".to_owned());
        }
        let expected = &answer.body;
        let begins_alike = self.body.starts_with(&expected[..expected.len().min(self.body.len())]);
        let ends_alike = self.body.get(expected.len()..).is_none_or(|rest| answer.tail.starts_with(rest));
        match client {
            Client::Leaves(When::BeforeHead, _) | Client::LeavesInUpload(_) => {
                self.status.map(|status| format!("an answer of nobody, with status {status}"))
            }
            // The proxy's own answer says that it was ended.
            Client::IsKilled(When::BeforeHead) => {
                (self.status != Some(503)).then(|| format!("status {:?} for 503", self.status))
            }
            Client::LeavesSometime(..) if matches!(answer.ending, Ending::ByProxy(_)) => None,
            Client::Leaves(..) | Client::LeavesSometime(..) | Client::StopsReading(..) | Client::IsKilled(_) => {
                // The proxy's own event says that it was ended.
                let ends_well = matches!(client, Client::IsKilled(_)) || ends_alike;
                (!begins_alike || !ends_well).then(|| difference(&self.body, expected))
            }
            Client::Reads { .. } => match answer.ending {
                _ if self.status != Some(answer.status) => {
                    Some(format!("status {:?} for {}", self.status, answer.status))
                }
                Ending::Whole(_) if !self.is_whole => Some(format!("broken off after {} bytes", self.body.len())),
                Ending::Whole(_) => (self.body != *expected).then(|| difference(&self.body, expected)),
                Ending::Cut if self.is_whole => Some("whole, although the upstream broke off".to_owned()),
                Ending::Cut => {
                    (!self.body.starts_with(expected) || !ends_alike).then(|| difference(&self.body, expected))
                }
                Ending::ByProxy(_) | Ending::Open => None,
            },
        }
    }
}
