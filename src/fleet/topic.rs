//! Topics: where a message on the bus goes.

use std::{fmt, sync::Arc};

/// A place on the bus, such as `ar1.default.rows.7f3a9c01`, or a pattern of places, such as `ar1.default.rows.*`.
///
/// Its text consists of words of letters, digits, `-` and `_`, joined by dots; a last word `*` stands for any word. NATS reads it as a subject,
/// Redis as a channel or a pattern of channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topic(Arc<str>);

impl Topic {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a pattern, which can be listened to and not sent to.
    pub fn is_pattern(&self) -> bool {
        self.0.ends_with(".*")
    }

    /// Whether what is sent to `sent` is heard by who listens to this topic.
    pub fn takes(&self, sent: &Self) -> bool {
        match self.0.strip_suffix('*') {
            Some(start) => sent.0.strip_prefix(start).is_some_and(|word| !word.is_empty() && !word.contains('.')),
            None => self == sent,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The topics of one fleet.
#[derive(Clone, Debug)]
pub(super) struct Topics {
    prefix: String,
}

impl Topics {
    pub(super) fn new(fleet: &str) -> Self {
        Self { prefix: format!("ar1.{fleet}") }
    }

    fn topic(&self, rest: fmt::Arguments<'_>) -> Topic {
        Topic(format!("{}.{rest}", self.prefix).into())
    }

    /// The topic that every replica listens to.
    pub(super) fn fleet(&self) -> Topic {
        self.topic(format_args!("fleet"))
    }

    /// The topic of one replica's rows.
    pub(super) fn rows(&self, epoch: u32) -> Topic {
        self.topic(format_args!("rows.{epoch:08x}"))
    }

    /// The topics of all replicas' rows.
    pub(super) fn all_rows(&self) -> Topic {
        self.topic(format_args!("rows.*"))
    }

    /// The topic of one replica's sums.
    pub(super) fn sums(&self, epoch: u32) -> Topic {
        self.topic(format_args!("sums.{epoch:08x}"))
    }

    /// The topics of all replicas' sums.
    pub(super) fn all_sums(&self) -> Topic {
        self.topic(format_args!("sums.*"))
    }

    /// The topic that one replica listens to.
    pub(super) fn to(&self, epoch: u32) -> Topic {
        self.topic(format_args!("to.{epoch:08x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_one_word_in_place_of_its_star() {
        let topics = Topics::new("prod");
        assert_eq!(topics.rows(0x2a).as_str(), "ar1.prod.rows.0000002a");
        assert!(topics.all_rows().takes(&topics.rows(1)) && topics.all_rows().is_pattern());
        assert!(topics.rows(1).takes(&topics.rows(1)) && !topics.rows(1).takes(&topics.rows(2)));
        assert!(!topics.all_rows().takes(&topics.to(1)) && !topics.all_rows().takes(&Topics::new("test").rows(1)));
    }
}
