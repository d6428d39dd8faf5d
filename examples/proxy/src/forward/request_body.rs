//! A request's body, its start held back until the model is known; and the body that goes out in its place.

use std::{
    collections::VecDeque,
    ops::Range,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use active_requests::inspect::{LocatedModel, ModelLocator};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// The start of a body and, unless that was all, the rest of it.
#[derive(Debug)]
pub struct Held<B> {
    start: Bytes,
    rest: Option<B>,
}

/// Why a body could not be held.
#[derive(Debug)]
pub enum NotHeld {
    /// More than is allowed.
    TooLarge,
    /// No JSON with a model in it.
    NoModel,
    /// The client broke off.
    Broken,
    /// The client has sent nothing for too long.
    Silent,
}

/// How much of a body is held, and how long the client may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In bytes.
    pub size: usize,
    pub silence: Duration,
}

impl<B: Body<Data = Bytes> + Unpin> Held<B> {
    /// Reads on until the model is known.
    pub async fn until_model(body: B, limits: Limits) -> Result<(Self, LocatedModel), NotHeld> {
        let mut locator = ModelLocator::new();
        let mut model = None;
        let mut held = Self { start: Bytes::new(), rest: Some(body) };
        let enough = |piece: &[u8]| {
            model = locator.push(piece).cloned();
            model.is_some() || locator.is_over()
        };
        held.read_on(limits, enough).await?;
        model.map(|model| (held, model)).ok_or(NotHeld::NoModel)
    }

    /// Reads on to the end.
    pub async fn complete(&mut self, limits: Limits) -> Result<(), NotHeld> {
        self.read_on(limits, |_| false).await
    }

    /// Reads on until `enough` says so of a piece, or to the end.
    async fn read_on(&mut self, limits: Limits, mut enough: impl FnMut(&[u8]) -> bool) -> Result<(), NotHeld> {
        let Some(body) = &mut self.rest else { return Ok(()) };
        // One piece is the rule and stays as it is. More are put together, so that a body sent byte by byte takes no
        // more memory than another.
        let mut joined = BytesMut::new();
        let mut done = false;
        while !done {
            let frame = tokio::time::timeout(limits.silence, body.frame()).await;
            let Some(frame) = frame.map_err(|_| NotHeld::Silent)? else { break };
            let Ok(piece) = frame.map_err(|_| NotHeld::Broken)?.into_data() else { continue };
            if self.start.len() + joined.len() + piece.len() > limits.size {
                return Err(NotHeld::TooLarge);
            }
            done = enough(&piece);
            if self.start.is_empty() && joined.is_empty() {
                self.start = piece;
            } else {
                if joined.is_empty() {
                    joined.extend_from_slice(&std::mem::take(&mut self.start));
                }
                joined.extend_from_slice(&piece);
            }
        }
        if !joined.is_empty() {
            self.start = joined.freeze();
        }
        if !done || body.is_end_stream() {
            self.rest = None;
        }
        Ok(())
    }
}

/// New bytes in the place of some of a body's.
pub type Edit = (Range<usize>, Bytes);

impl<B> Held<B> {
    /// What has been held.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The body to send: what was held, with these edits of it, and the rest as it comes.
    pub fn edited(self, mut edits: Vec<Edit>) -> Outgoing<B> {
        edits.sort_by_key(|(range, _)| range.start);
        let mut front = VecDeque::with_capacity(1 + 2 * edits.len());
        let mut from = 0;
        for (range, bytes) in edits {
            front.extend([self.start.slice(from..range.start), bytes]);
            from = range.end;
        }
        front.push_back(self.start.slice(from..));
        front.retain(|piece| !piece.is_empty());
        Outgoing { front, rest: self.rest, upload: Upload::default() }
    }
}

/// A request body on its way to the upstream.
#[derive(Debug)]
pub struct Outgoing<B> {
    /// Pieces that come first, none of them empty.
    front: VecDeque<Bytes>,
    rest: Option<B>,
    upload: Upload,
}

/// How far a request's body has come on its way to the upstream.
#[derive(Clone, Debug, Default)]
pub struct Upload(Arc<UploadState>);

#[derive(Debug, Default)]
struct UploadState {
    pieces: AtomicU64,
    is_waited_for: AtomicBool,
}

impl Upload {
    /// Whether the upstream is ready for more, and the client has yet to send it.
    pub fn is_waited_for(&self) -> bool {
        self.0.is_waited_for.load(Ordering::Relaxed)
    }

    /// Is another one whenever something has been sent, or it has become somebody else's turn.
    pub fn progress(&self) -> (u64, bool) {
        (self.0.pieces.load(Ordering::Relaxed), self.is_waited_for())
    }

    fn polled(&self, is_pending: bool) {
        self.0.is_waited_for.store(is_pending, Ordering::Relaxed);
        if !is_pending {
            self.0.pieces.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<B> Outgoing<B> {
    /// A body of which nothing has been read.
    pub fn streamed(body: B) -> Self {
        Self { front: VecDeque::new(), rest: Some(body), upload: Upload::default() }
    }

    pub fn upload(&self) -> Upload {
        self.upload.clone()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<B: Body<Data = Bytes> + Unpin> Body for Outgoing<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Some(piece) = this.front.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match &mut this.rest {
            Some(rest) => {
                let polled = Pin::new(rest).poll_frame(cx);
                this.upload.polled(polled.is_pending());
                polled
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.front.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let front: u64 = self.front.iter().map(|piece| piece.len() as u64).sum();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(front + upper);
        }
        hint.set_lower(front + rest.lower());
        hint
    }
}
