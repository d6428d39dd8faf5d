//! A timer that is set anew with every request, and hardly ever runs out.
//!
//! A connection over HTTP/1 needs two: how long its client may take for the next head, and an upstream for its answer. With timers of the
//! runtime's, registered and removed again each time, they would be a thousand instructions a request. Here a connection keeps one, which is not
//! touched while it runs out too early: only then is it set to what holds by now.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use hyper::rt::{Sleep, Timer};
use tokio::time::Instant;

/// See the [module](self). One is waited for at a time, by one task.
#[derive(Clone, Debug, Default)]
pub struct LateTimer(Arc<Mutex<RunningTimer>>);

#[derive(Debug, Default)]
struct RunningTimer {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    /// The task that is woken when it has run out.
    task: Option<Waker>,
}

impl RunningTimer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let Self { sleep, task } = self;
        let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        loop {
            if sleep.deadline() > deadline || (sleep.is_elapsed() && sleep.deadline() < deadline) {
                sleep.as_mut().reset(deadline);
                *task = None;
            }
            if task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) && !sleep.is_elapsed() {
                return Poll::Pending;
            }
            *task = Some(cx.waker().clone());
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() == deadline {
                return Poll::Ready(());
            }
        }
    }
}

impl LateTimer {
    /// Wakes nobody any more, and keeps nothing of the task that it was to wake.
    pub fn stop(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = RunningTimer::default();
    }

    /// Waits for a time, which may be another one with each poll.
    pub fn poll(&self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll(cx, deadline)
    }
}

impl Timer for LateTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(LateSleep { timer: self.clone(), deadline: deadline.into() })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

/// A time to wait for, of a [`LateTimer`].
#[derive(Debug)]
struct LateSleep {
    timer: LateTimer,
    deadline: Instant,
}

impl Future for LateSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.poll(cx, self.deadline)
    }
}

impl Sleep for LateSleep {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits for a sleep, and returns how many seconds it took.
    async fn seconds(sleep: Pin<Box<dyn Sleep>>) -> u64 {
        let before = Instant::now();
        sleep.await;
        before.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_at_its_time_whatever_was_slept_before() {
        let timer = LateTimer::default();
        for wait in [3, 5, 1, 4] {
            // Set, polled, and given up, as that of a request whose head has come.
            let mut given_up = timer.sleep(10 * SECOND);
            let polled = std::future::poll_fn(|cx| Poll::Ready(given_up.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            drop(given_up);
            assert_eq!(seconds(timer.sleep(wait * SECOND)).await, u64::from(wait));
        }
        for wait in [2, 6] {
            tokio::time::sleep(20 * SECOND).await;
            assert_eq!(seconds(timer.sleep(wait * SECOND)).await, u64::from(wait));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_sleep_outlasts_the_timer_that_runs_already() {
        let timer = LateTimer::default();
        let mut first = timer.sleep(2 * SECOND);
        assert!(std::future::poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx))).await.is_pending());
        drop(first);
        tokio::time::sleep(SECOND).await;
        assert_eq!(seconds(timer.sleep(5 * SECOND)).await, 5);
    }
}
