//! A task that ends with its owner.

/// Ends a task when it is dropped.
#[derive(Debug)]
pub(super) struct TaskGuard(pub(super) tokio::task::AbortHandle);

impl Drop for TaskGuard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
