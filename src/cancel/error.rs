//! The error of a body that may have been cancelled.

use std::{error::Error, fmt};

/// The error of a cancellable response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError<E> {
    /// The request was cancelled.
    Killed,
    /// The inner body's own error.
    Body(E),
}

impl<E: fmt::Display> fmt::Display for BodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed => f.write_str("the request was cancelled by an operator"),
            Self::Body(error) => fmt::Display::fmt(error, f),
        }
    }
}

/// Implemented for boxed errors too, which are no [`Error`] themselves.
impl<E: fmt::Debug + fmt::Display> Error for BodyError<E> {}

impl<E> BodyError<E> {
    /// Whether the request was cancelled.
    pub fn is_killed(&self) -> bool {
        matches!(self, Self::Killed)
    }

    /// The inner body's own error; `None` if the request was cancelled.
    pub fn into_body_error(self) -> Option<E> {
        match self {
            Self::Killed => None,
            Self::Body(error) => Some(error),
        }
    }
}
