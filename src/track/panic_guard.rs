//! Notices a panic that unwinds through a poll.

/// Something that has to be told of a panic.
pub(super) trait Panicked {
    fn panicked(&mut self);
}

/// Stands on the stack while the inner service or body is polled: if it is dropped there, a panic unwinds. Asking
/// `std::thread::panicking()` later is too late, since the panic may be caught further out.
pub(super) struct PanicGuard<'a, T: Panicked> {
    target: &'a mut T,
    armed: bool,
}

impl<'a, T: Panicked> PanicGuard<'a, T> {
    #[inline]
    pub(super) fn watch<R>(target: &'a mut T, poll: impl FnOnce() -> R) -> R {
        let mut guard = Self { target, armed: true };
        let result = poll();
        guard.armed = false;
        result
    }
}

impl<T: Panicked> Drop for PanicGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.armed {
            self.target.panicked();
        }
    }
}
