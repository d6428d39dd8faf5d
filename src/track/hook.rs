//! Hooks that put errors into words.

use std::{fmt, sync::Arc};

use crate::tracker::ErrorInfo;

/// Describes errors of type `E`. Implemented by [`NoHook`], which says nothing of any error, and by [`Hook`].
pub trait DescribeError<E>: Clone + sealed::Sealed {
    /// Describes the error; `None`: nothing is shown.
    fn describe(&self, error: &E) -> Option<ErrorInfo>;
}

/// The hook of a layer that was given none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

/// A hook given to [`on_error`](super::ActiveRequestsLayer::on_error) or
/// [`on_body_error`](super::ActiveRequestsLayer::on_body_error).
pub struct Hook<F>(Arc<F>);

impl<F> Hook<F> {
    pub(super) fn new(describe: F) -> Self {
        Self(Arc::new(describe))
    }
}

impl<F> Clone for Hook<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}

impl<E> DescribeError<E> for NoHook {
    fn describe(&self, _: &E) -> Option<ErrorInfo> {
        None
    }
}

impl<E, F: Fn(&E) -> ErrorInfo> DescribeError<E> for Hook<F> {
    fn describe(&self, error: &E) -> Option<ErrorInfo> {
        Some((self.0)(error))
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoHook {}
    impl<F> Sealed for super::Hook<F> {}
}
