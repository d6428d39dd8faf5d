//! The start of a request's body, held back until the model in it is known.

use std::{
    error::Error,
    future::{Future, poll_fn},
    ops::Range,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use active_requests::inspect::{LocatedModel, ModelFault, ModelLocator};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::upstream::request_body::{UpstreamRequestBody, malformed};

/// The start of a body that has been read. The rest is where it was: a body is large, and stays in its place.
#[derive(Debug, Default)]
pub struct HeldStart {
    start: Bytes,
    /// Its share of the bytes that may be held.
    share: Option<OwnedSemaphorePermit>,
}

/// The reason why a body cannot be forwarded.
#[derive(Debug)]
pub enum BufferError {
    /// It is larger than is allowed.
    TooLarge,
    /// It is no JSON with a model in it.
    NoModel,
    /// The model in it has no name that can be used.
    ModelFault(ModelFault),
    /// The client broke off.
    Broken,
    /// It is not what HTTP allows, for this reason.
    Malformed(String),
    /// The client has sent nothing for too long.
    Silent,
    /// The client has sent too little for too long.
    Slow,
    /// As much is held of other requests as may be.
    Crowded,
}

/// Limits of reading a body.
#[derive(Clone, Debug)]
pub struct BufferLimits {
    /// The most bytes that are held.
    pub size: usize,
    /// The longest wait for the client's next chunk. All of it may take this long, and a second for each [`SLOWEST`] bytes.
    pub silence: Duration,
    /// The bytes that may yet be held, of all requests.
    pub held: Arc<Semaphore>,
}

impl BufferLimits {
    /// The longest that so many bytes may take.
    fn all(&self, held: usize) -> Duration {
        self.silence + Duration::from_secs((held / SLOWEST) as u64)
    }
}

/// Bytes a second that the slowest client sends. One that feeds a byte now and then must not be held for ever.
pub const SLOWEST: usize = 1024;

fn broken(error: &(dyn Error + 'static)) -> BufferError {
    malformed(error).map_or(BufferError::Broken, BufferError::Malformed)
}

impl HeldStart {
    /// Reads a body until the model is known.
    pub async fn until_model<B>(
        body: &mut UpstreamRequestBody<B>,
        limits: &BufferLimits,
    ) -> Result<(Self, LocatedModel), BufferError>
    where
        B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
    {
        let mut locator = ModelLocator::new();
        let mut model = None;
        let mut held = Self::default();
        let enough = |chunk: &[u8]| {
            model = locator.push(chunk).cloned();
            model.is_some() || locator.fault().is_some() || locator.is_over()
        };
        held.read_on(body, limits, enough).await?;
        model.map(|model| (held, model)).ok_or(locator.fault().map_or(BufferError::NoModel, BufferError::ModelFault))
    }

    /// Reads on to the end.
    pub async fn complete<B>(
        &mut self,
        body: &mut UpstreamRequestBody<B>,
        limits: &BufferLimits,
    ) -> Result<(), BufferError>
    where
        B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
    {
        self.read_on(body, limits, |_| false).await
    }

    /// Reads on until `enough` says so of a chunk, or to the end.
    async fn read_on<B>(
        &mut self,
        body: &mut UpstreamRequestBody<B>,
        limits: &BufferLimits,
        mut enough: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), BufferError>
    where
        B: Body<Data = Bytes, Error: Error + 'static> + Unpin,
    {
        let Some(rest) = body.rest() else { return Ok(()) };
        // One chunk is the rule and stays as it is. More are put together, so that a body sent byte by byte takes no
        // more memory than another.
        let mut joined = BytesMut::new();
        let mut done = false;
        let mut trailers = None;
        let mut started = None;
        while !done {
            let held = self.start.len() + joined.len();
            let mut timer = pin!(None);
            let mut too_long = BufferError::Silent;
            let frame = poll_fn(|cx| {
                if let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(cx) {
                    return Poll::Ready(Some(frame));
                }
                // What has come already needs no clock.
                if timer.is_none() {
                    let started = *started.get_or_insert_with(Instant::now);
                    let left = limits.all(held).saturating_sub(started.elapsed());
                    let is_slow = left < limits.silence && held > 0;
                    let wait = if is_slow { left } else { limits.silence };
                    too_long = if is_slow { BufferError::Slow } else { BufferError::Silent };
                    timer.set(Some(tokio::time::sleep(wait)));
                }
                timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(cx)).map(|()| None)
            });
            let Some(frame) = frame.await.ok_or(too_long)? else { break };
            let chunk = match frame.map_err(|error| broken(&error))?.into_data() {
                Ok(chunk) => chunk,
                Err(frame) => {
                    trailers = frame.into_trailers().ok();
                    continue;
                }
            };
            if self.start.len() + joined.len() + chunk.len() > limits.size {
                return Err(BufferError::TooLarge);
            }
            done = enough(&chunk);
            if !done {
                let more = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                let more = Arc::clone(&limits.held).try_acquire_many_owned(more).map_err(|_| BufferError::Crowded)?;
                match &mut self.share {
                    Some(share) => share.merge(more),
                    none => *none = Some(more),
                }
            }
            if self.start.is_empty() && joined.is_empty() {
                self.start = chunk;
            } else {
                if joined.is_empty() {
                    joined.extend_from_slice(&std::mem::take(&mut self.start));
                }
                joined.extend_from_slice(&chunk);
            }
        }
        if !joined.is_empty() {
            self.start = joined.freeze();
        }
        if !done || rest.is_end_stream() {
            body.end(trailers);
        }
        Ok(())
    }

    /// The bytes read so far.
    pub fn bytes(&self) -> &[u8] {
        &self.start
    }

    /// Has them sent with these edits, before the rest as it comes.
    pub fn send_edited<B>(self, mut edits: Vec<BodyEdit>, body: &mut UpstreamRequestBody<B>) {
        edits.sort_by_key(|(range, _)| range.start);
        let mut from = 0;
        for (range, bytes) in edits {
            body.send(self.start.slice(from..range.start));
            body.send(bytes);
            from = range.end;
        }
        body.send(self.start.slice(from..));
    }
}

/// A range of a body, and the bytes that replace it.
pub type BodyEdit = (Range<usize>, Bytes);
