//! The reply that is asked for and has to come back. A header of the request describes it, so that the mock upstream, which
//! makes the reply, and the client, which checks every byte of it, need not talk to each other.

use crate::plan::{Api, Plan};
use active_requests_benches::bodies;
use bytes::Bytes;
use http::HeaderName;
use std::{fmt, str::FromStr};

/// The header that describes the reply. Whatever is between client and upstream passes it on.
pub const REPLY: HeaderName = HeaderName::from_static("x-load-reply");

/// A reply, and as the text of [`REPLY`]: its kind, a space, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    Streamed(Plan),
    /// The same answer in one piece.
    Whole(Plan),
    /// A chat completion with so many bytes of text, of which every fortieth or so is escaped.
    Text(usize),
    /// Embeddings of 1,536 numbers each, and how many of them.
    Embeddings(usize),
}

impl Reply {
    /// The bodies of the frames in which the upstream sends it.
    pub fn chunks(self, api: Api) -> Vec<Bytes> {
        match self {
            Self::Streamed(plan) => plan.stream(api),
            Self::Whole(plan) => vec![plan.whole(api)],
            Self::Text(size) => vec![bodies::answer(size)],
            Self::Embeddings(count) => vec![bodies::embeddings(count)],
        }
    }

    pub fn is_stream(self) -> bool {
        matches!(self, Self::Streamed(_))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Streamed(plan) => write!(f, "streamed {plan}"),
            Self::Whole(plan) => write!(f, "whole {plan}"),
            Self::Text(size) => write!(f, "text {size}"),
            Self::Embeddings(count) => write!(f, "embeddings {count}"),
        }
    }
}

impl FromStr for Reply {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, size) = text.split_once(' ').ok_or(())?;
        let plan = || Plan::of_model(size).ok_or(());
        let number = || size.parse().map_err(|_| ());
        match kind {
            "streamed" => plan().map(Self::Streamed),
            "whole" => plan().map(Self::Whole),
            "text" => number().map(Self::Text),
            "embeddings" => number().map(Self::Embeddings),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_as_it_is_written() {
        let plan = Plan { size: 99, ..Plan::new(3, 20) };
        for reply in [Reply::Streamed(plan), Reply::Whole(plan), Reply::Text(56_000), Reply::Embeddings(100)] {
            assert_eq!(reply.to_string().parse(), Ok(reply));
        }
        for wrong in ["", "text", "text x", "streamed load-c", "else 1"] {
            assert_eq!(wrong.parse::<Reply>(), Err(()), "{wrong:?}");
        }
    }
}
