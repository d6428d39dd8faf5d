//! A request's body whose start is held back until the model in it is known.

use std::{error::Error, ops::Range, time::Duration};

use active_requests::inspect::{LocatedModel, ModelFault, ModelLocator};
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::upstream::request_body::{BodyRest, UpstreamRequestBody, malformed};

/// The start of a body, and what comes behind it.
#[derive(Debug)]
pub struct BufferedBody<B> {
    start: Bytes,
    rest: BodyRest<B>,
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
}

/// Limits of reading a body.
#[derive(Clone, Copy, Debug)]
pub struct BufferLimits {
    /// The most bytes that are held.
    pub size: usize,
    /// The longest wait for the client's next chunk.
    pub silence: Duration,
}

fn broken(error: &(dyn Error + 'static)) -> BufferError {
    malformed(error).map_or(BufferError::Broken, BufferError::Malformed)
}

impl<B: Body<Data = Bytes, Error: Error + 'static> + Unpin> BufferedBody<B> {
    /// Reads on until the model is known.
    pub async fn until_model(body: B, limits: BufferLimits) -> Result<(Self, LocatedModel), BufferError> {
        let mut locator = ModelLocator::new();
        let mut model = None;
        let mut held = Self { start: Bytes::new(), rest: BodyRest::Unread(body) };
        let enough = |chunk: &[u8]| {
            model = locator.push(chunk).cloned();
            model.is_some() || locator.fault().is_some() || locator.is_over()
        };
        held.read_on(limits, enough).await?;
        model.map(|model| (held, model)).ok_or(locator.fault().map_or(BufferError::NoModel, BufferError::ModelFault))
    }

    /// Reads on to the end.
    pub async fn complete(&mut self, limits: BufferLimits) -> Result<(), BufferError> {
        self.read_on(limits, |_| false).await
    }

    /// Reads on until `enough` says so of a chunk, or to the end.
    async fn read_on(
        &mut self,
        limits: BufferLimits,
        mut enough: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), BufferError> {
        let BodyRest::Unread(body) = &mut self.rest else { return Ok(()) };
        // One chunk is the rule and stays as it is. More are put together, so that a body sent byte by byte takes no
        // more memory than another.
        let mut joined = BytesMut::new();
        let mut done = false;
        let mut trailers = None;
        while !done {
            let frame = tokio::time::timeout(limits.silence, body.frame()).await;
            let Some(frame) = frame.map_err(|_| BufferError::Silent)? else { break };
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
        if !done || body.is_end_stream() {
            self.rest = BodyRest::Read(trailers);
        }
        Ok(())
    }
}

/// A range of a body, and the bytes that replace it.
pub type BodyEdit = (Range<usize>, Bytes);

impl<B> BufferedBody<B> {
    /// The bytes read so far.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The body to send: the start with these edits, and then the rest as it comes.
    pub fn edited(self, mut edits: Vec<BodyEdit>) -> UpstreamRequestBody<B> {
        edits.sort_by_key(|(range, _)| range.start);
        let mut first = Vec::with_capacity(1 + 2 * edits.len());
        let mut from = 0;
        for (range, bytes) in edits {
            first.extend([self.start.slice(from..range.start), bytes]);
            from = range.end;
        }
        first.push(self.start.slice(from..));
        UpstreamRequestBody::new(first, self.rest)
    }
}
