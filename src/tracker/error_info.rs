//! An error of the inner service or of its body, as it is shown.

use std::{borrow::Cow, error::Error, io};

use super::outcome::ErrorType;

/// The words and the type of an error.
///
/// ```
/// use active_requests::tracker::{ErrorInfo, ErrorType};
///
/// let error = std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in 5 s");
/// assert_eq!(ErrorInfo::from_error(&error), ErrorInfo::new("no answer in 5 s").error_type(ErrorType::Timeout));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The error in words; cut at 256 bytes where it is shown.
    pub message: Cow<'static, str>,
    /// The type of error, where more is known than the outcome tells.
    pub error_type: Option<ErrorType>,
}

impl ErrorInfo {
    /// An error in words, of the type that its outcome has.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), error_type: None }
    }

    /// Sets [`error_type`](Self::error_type).
    #[must_use]
    pub fn error_type(mut self, error_type: ErrorType) -> Self {
        self.error_type = Some(error_type);
        self
    }

    /// An error in its own words. It is a [timeout](ErrorType::Timeout) if it, or an error among its sources, is
    /// [`tokio::time::error::Elapsed`] or an [`io::Error`] of kind [`TimedOut`](io::ErrorKind::TimedOut).
    pub fn from_error(error: &(dyn Error + 'static)) -> Self {
        let info = Self::new(error.to_string());
        let mut cause = Some(error);
        while let Some(error) = cause {
            if is_timeout(error) {
                return info.error_type(ErrorType::Timeout);
            }
            cause = error.source();
        }
        info
    }
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<tokio::time::error::Elapsed>()
        || error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}
