//! The timer of a connection over HTTP/1: how long its client may take for the next head.
//!
//! hyper sets it anew for each request, and hardly ever does it run out. With a timer of the runtime's for each, that would be a thousand
//! instructions a request. Here a connection keeps one, which is not touched while it runs out too early: only then is it set to what holds
//! by now.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// See the [module](self). One of its sleeps is polled at a time, by the task of the connection.
#[derive(Clone, Debug, Default)]
pub(super) struct LateTimer(Arc<Mutex<RunningTimer>>);

#[derive(Debug, Default)]
struct RunningTimer {
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
    /// The task that is woken when it has run out.
    task: Option<Waker>,
}

impl RunningTimer {
    fn poll(&mut self, cx: &mut Context<'_>, deadline: tokio::time::Instant) -> Poll<()> {
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

impl Timer for LateTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(LateSleep { timer: Arc::clone(&self.0), deadline: deadline.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

/// A time to wait for, of a [`LateTimer`].
#[derive(Debug)]
struct LateSleep {
    timer: Arc<Mutex<RunningTimer>>,
    deadline: tokio::time::Instant,
}

impl Future for LateSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.timer.lock().unwrap_or_else(PoisonError::into_inner).poll(cx, self.deadline)
    }
}

impl Sleep for LateSleep {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Waits for a sleep, and returns how many seconds it took.
    async fn seconds(sleep: Pin<Box<dyn Sleep>>) -> u64 {
        let before = tokio::time::Instant::now();
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
