//! The dialect of one response: one that is built in, or one of the user's own.

use super::{
    custom::{CustomSpeaker, Dialects},
    dialect::{self, Dialect},
    event::ResponseEvent,
    event_facts::EventFacts,
    normalise::{Counting, Merge},
};
use crate::json::Cursor;

/// The dialect of a response, once it has been recognised.
#[derive(Clone, Debug)]
pub(super) enum Speaker {
    /// None yet. The dialects of the user's own are asked as well as those that are built in.
    Unknown(Dialects),
    BuiltIn(&'static Dialect),
    Custom(Box<CustomSpeaker>),
}

impl Speaker {
    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Whether the dialect may be one of the user's own.
    pub(super) fn may_be_custom(&self) -> bool {
        match self {
            Self::Unknown(custom) => !custom.is_empty(),
            Self::BuiltIn(_) => false,
            Self::Custom(_) => true,
        }
    }

    /// Returns the dialect of a stream, by an event of it.
    pub(super) fn of_event(&self, event: &ResponseEvent<'_>) -> Option<Self> {
        self.first(event, dialect::of_event)
    }

    /// Returns the dialect of an answer that is one JSON document.
    pub(super) fn of_document(&self, document: &ResponseEvent<'_>) -> Option<Self> {
        self.first(document, dialect::of_document)
    }

    fn first(
        &self,
        event: &ResponseEvent<'_>,
        built_in: fn(&ResponseEvent<'_>) -> Option<&'static Dialect>,
    ) -> Option<Self> {
        let Self::Unknown(custom) = self else { return None };
        let custom = custom.recognise(event).map(|speaker| Self::Custom(Box::new(speaker)));
        custom.or_else(|| built_in(event).map(Self::BuiltIn))
    }

    /// Reads an event. Returns whether it could be read to its end; if not, its facts do not count.
    pub(super) fn read<'a>(&mut self, event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::BuiltIn(dialect) => (dialect.read)(event, facts),
            Self::Custom(dialect) => dialect.read(event, facts),
        }
    }

    /// Reads the end of an event that is too long to be kept.
    pub(super) fn read_tail<'a>(&self, event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) {
        if let Self::BuiltIn(dialect) = self {
            (dialect.read_tail)(event, facts);
        }
    }

    /// Reads a document, as [`read`](Self::read) reads an event.
    pub(super) fn read_document<'a>(&mut self, document: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
        facts.ended = true;
        match self {
            Self::Unknown(_) => false,
            Self::BuiltIn(dialect) => dialect.document.as_ref().is_some_and(|format| (format.read)(document, facts)),
            // A reader that looks only for what it wants would not notice that the end is missing.
            Self::Custom(dialect) => Cursor::value_len(document.data).is_some() && dialect.read(document, facts),
        }
    }

    pub(super) fn merge(&self) -> Merge {
        match self {
            Self::BuiltIn(dialect) => dialect.merge,
            Self::Unknown(_) | Self::Custom(_) => Merge::Overlay,
        }
    }

    pub(super) fn counting(&self) -> Counting {
        match self {
            // Without a dialect there are only the counts of a platform.
            Self::Unknown(_) => Counting::CacheApart,
            Self::BuiltIn(dialect) => dialect.counting,
            Self::Custom(dialect) => dialect.counting(),
        }
    }

    /// Whether a stream in this dialect marks its end.
    pub(super) fn has_end_mark(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::BuiltIn(_) => true,
            Self::Custom(dialect) => dialect.has_end_mark(),
        }
    }
}
