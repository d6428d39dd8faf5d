//! A body that is written while it is read.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Faults, and before which step they happen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The connection ends before this step.
    pub cut: Option<usize>,
    /// Nothing more is sent from this step on.
    pub stall: Option<usize>,
}

/// Sends what a function makes of 0, 1, 2 ..., one frame each, until it makes nothing.
pub(crate) struct ScriptedBody {
    write: Box<dyn Fn(usize) -> Option<String> + Send + Sync>,
    step: usize,
    delay: Duration,
    faults: Faults,
    pause: Option<Pin<Box<Sleep>>>,
}

impl ScriptedBody {
    pub(crate) fn new(
        delay: Duration,
        faults: Faults,
        write: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { write: Box::new(write), step: 0, delay, faults, pause: None }
    }
}

impl fmt::Debug for ScriptedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedBody").field("step", &self.step).field("delay", &self.delay).finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Body for ScriptedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        if this.faults.stall == Some(this.step) {
            return Poll::Pending;
        }
        if this.faults.cut == Some(this.step) {
            return Poll::Ready(Some(Err(io::Error::other("simulated cut"))));
        }
        let frame = (this.write)(this.step).map(|text| Ok(Frame::data(Bytes::from(text))));
        this.step += 1;
        // What has been sent must be on its way before a cut.
        let pause =
            if this.faults.cut == Some(this.step) { this.delay.max(Duration::from_millis(5)) } else { this.delay };
        if frame.is_some() && !pause.is_zero() {
            this.pause = Some(Box::pin(tokio::time::sleep(pause)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
