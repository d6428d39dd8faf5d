//! The body of a forwarded answer: the upstream's as it comes, or the proxy's own.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use active_requests::tracker::RequestHandle;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::{Instant, Sleep};

use crate::upstream::UpstreamBody;

/// The body of a response of the forwarding service.
#[derive(Debug)]
pub struct ForwardedBody {
    source: BodySource,
    /// Boxed, for it is rare.
    broken: Option<Box<PendingError>>,
}

/// An error of the upstream's body, and when to pass it on.
#[derive(Debug)]
struct PendingError {
    error: BodyError,
    moment: Pin<Box<Sleep>>,
}

/// NB: when a body fails, hyper's server throws away what it has not written yet, be it the head. What came together with the cut is
/// the client's all the same. Over HTTP/1 it is written in the turn in which there is no more to be had, over HTTP/2 by another task:
/// it needs this moment.
const MOMENT: Duration = Duration::from_millis(20);

#[derive(Debug)]
enum BodySource {
    /// The upstream's body.
    Upstream(UpstreamBody),
    /// The upstream's body, watched for silence. The limit is boxed, so that a body without one keeps no room for it.
    Watched(UpstreamBody, Box<SilenceLimit>),
    /// The proxy's own.
    Own(Full<Bytes>),
}

/// Runs out when the upstream has been waited for too long. A slow client's time does not count.
#[derive(Debug)]
pub struct SilenceLimit {
    longest: Duration,
    row: RequestHandle,
    waiting: bool,
    sleep: Pin<Box<Sleep>>,
}

impl ForwardedBody {
    /// The upstream's body with the given limit on silence.
    pub fn upstream(body: UpstreamBody, longest: Option<Duration>, row: &RequestHandle) -> Self {
        Self::from(match longest {
            Some(longest) => {
                let sleep = Box::pin(tokio::time::sleep(longest));
                let limit = SilenceLimit { longest, row: row.clone(), waiting: false, sleep };
                BodySource::Watched(body, Box::new(limit))
            }
            None => BodySource::Upstream(body),
        })
    }

    /// The proxy's own.
    pub fn own(body: Full<Bytes>) -> Self {
        Self::from(BodySource::Own(body))
    }
}

impl BodySource {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Upstream(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Watched(body, silence) => match Pin::new(body).poll_frame(cx) {
                Poll::Ready(frame) => {
                    silence.waiting = false;
                    Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
                }
                Poll::Pending => silence.poll_waited(cx).map(|error| Some(Err(error.into()))),
            },
        }
    }
}

impl From<BodySource> for ForwardedBody {
    fn from(source: BodySource) -> Self {
        Self { source, broken: None }
    }
}

impl SilenceLimit {
    /// One more poll has brought nothing: has it been too long?
    fn poll_waited(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if !self.waiting {
            self.waiting = true;
            self.sleep.as_mut().reset(Instant::now() + self.longest);
        }
        ready!(self.sleep.as_mut().poll(cx));
        let why = format!("The upstream was silent for {} s.", self.longest.as_secs_f64());
        self.row.set_error(&why);
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

/// The reason why a response broke off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

#[deny(clippy::missing_trait_methods)]
impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { source, broken } = self.get_mut();
        if broken.is_none() {
            match ready!(source.poll_frame(cx)) {
                Some(Err(error)) => {
                    let moment = Box::pin(tokio::time::sleep(MOMENT));
                    *broken = Some(Box::new(PendingError { error, moment }));
                }
                frame => return Poll::Ready(frame),
            }
        }
        if let Some(broken) = broken {
            ready!(broken.moment.as_mut().poll(cx));
        }
        Poll::Ready(broken.take().map(|broken| Err(broken.error)))
    }

    fn is_end_stream(&self) -> bool {
        let over = match &self.source {
            BodySource::Upstream(body) | BodySource::Watched(body, _) => body.is_end_stream(),
            BodySource::Own(body) => body.is_end_stream(),
        };
        over && self.broken.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Upstream(body) | BodySource::Watched(body, _) => body.size_hint(),
            BodySource::Own(body) => body.size_hint(),
        }
    }
}
