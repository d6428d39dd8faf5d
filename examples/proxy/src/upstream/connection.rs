//! A connection to an upstream, driven by the task that waits for its answer.
//!
//! The usual way is a task for each connection and channels in between: two turns of the scheduler for each chunk of a
//! stream. Here the connection travels with the answer's body, is polled by the task that reads the body, and goes back to the pool when
//! the body has ended.

use std::{
    cell::Cell,
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{Connection, SendRequest, handshake},
    },
};

use crate::{
    quiet_body::poll_quietly,
    upstream::{
        poll_together::PollTogether,
        pool::{LONGEST_IDLE, Pool, PooledConnection},
        request_body::UploadProgress,
        stream::{ConnectedStream, UpstreamStream, UpstreamTransport},
    },
};

/// The connections to one address that wait for a request.
pub type ConnectionPool<B> = Pool<Box<UpstreamConnection<B>>>;

/// A connection that takes one request at a time.
pub struct UpstreamConnection<B: Body + 'static> {
    sender: SendRequest<B>,
    connection: Connection<UpstreamStream, B>,
    together: PollTogether,
    /// The connection has come to its end.
    closed: bool,
    /// The body of the request that is being sent.
    upload: UploadProgress,
    /// The upstream has taken the request, so that it gets the rest of it even after its answer.
    is_taken: bool,
}

impl<B> UpstreamConnection<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    /// Starts to speak HTTP/1.1 on a stream.
    pub async fn new(stream: ConnectedStream) -> hyper::Result<Box<Self>> {
        let (sender, connection) = handshake(UpstreamStream::new(stream)).await?;
        Ok(Box::new(Self {
            sender,
            connection,
            together: PollTogether::default(),
            closed: false,
            upload: UploadProgress::default(),
            is_taken: false,
        }))
    }

    /// Sends a request and waits for the head of the answer. A request that has not left comes back with the error.
    ///
    /// Boxed, all of it: a future keeps room for what it is given, and the answer is handed on from future to future.
    pub async fn send(
        mut self: Box<Self>,
        request: Box<Request<B>>,
        upload: UploadProgress,
    ) -> Result<UpstreamAnswer<B>, Box<TrySendError<Request<B>>>> {
        self.upload = upload;
        let mut answer = pin!(self.sender.try_send_request(*request));
        let answer = poll_fn(|cx| {
            self.poll_with(cx, |cx| answer.as_mut().poll(cx).map(|answer| answer.map(Box::new).map_err(Box::new)))
        });
        let response = answer.await?;
        self.is_taken = response.status().is_success();
        Ok(UpstreamAnswer { response, connection: self })
    }

    /// Polls the connection, and what is to come out of it.
    fn poll_with<T>(&mut self, cx: &Context<'_>, wanted: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        let Self { connection, together, closed, .. } = self;
        let closed = Cell::from_mut(closed);
        together.poll(cx, |cx| drive(connection, closed, cx), wanted)
    }

    /// Sends what is left of a request whose answer has ended. The upstream may still need it, and so does the client that is sending it
    /// (RFC 9112, section 9.5). Gives up when nothing has moved for a while.
    async fn finish_upload(mut self: Box<Self>, pool: ConnectionPool<B>) {
        loop {
            let state = self.upload.state();
            let sent = poll_fn(|cx| self.poll_sent(cx));
            if tokio::time::timeout(LONGEST_IDLE, sent).await.is_ok() {
                self.together.rest();
                if self.is_idle() {
                    pool.put(self);
                }
                return;
            }
            if self.upload.state() == state {
                return;
            }
        }
    }

    fn poll_sent(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Self { sender, connection, together, closed, .. } = self;
        // Both look at it, one after the other.
        let closed = Cell::from_mut(closed);
        together.poll(
            cx,
            |cx| drive(connection, closed, cx),
            |_| if closed.get() || sender.is_ready() { Poll::Ready(()) } else { Poll::Pending },
        )
    }

    /// Gives the connection back, at once or when the rest of the request has been sent that the upstream has taken.
    fn give_back(mut self: Box<Self>, pool: &ConnectionPool<B>) {
        self.together.rest();
        if self.is_idle() {
            pool.put(self);
        } else if !self.closed && std::mem::take(&mut self.is_taken) {
            tokio::spawn(self.finish_upload(pool.clone()));
        }
    }
}

/// Polls a connection, unless it has come to its end.
fn drive<B>(connection: &mut Connection<UpstreamStream, B>, closed: &Cell<bool>, cx: &mut Context<'_>)
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    if !closed.get() {
        closed.set(Pin::new(connection).poll(cx).is_ready());
    }
}

impl<B> PooledConnection for Box<UpstreamConnection<B>>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    fn is_idle(&mut self) -> bool {
        let UpstreamConnection { sender, connection, together, closed, .. } = &mut **self;
        if sender.is_ready() {
            together.drive_if_due(|cx| drive(connection, Cell::from_mut(closed), cx));
        } else {
            together.drive(|cx| drive(connection, Cell::from_mut(closed), cx));
        }
        !self.closed && self.sender.is_ready()
    }
}

impl<B: Body> fmt::Debug for UpstreamConnection<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamConnection").field("closed", &self.closed).finish_non_exhaustive()
    }
}

/// The head of an answer, and the connection that its body is to come from.
#[derive(Debug)]
pub struct UpstreamAnswer<B: Body + 'static> {
    response: Box<Response<Incoming>>,
    connection: Box<UpstreamConnection<B>>,
}

impl<B> UpstreamAnswer<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The answer with its body, which gives the connection back to `pool`.
    pub fn into_response(self, pool: &ConnectionPool<B>) -> Response<UpstreamResponseBody<B>> {
        let Self { response, connection } = self;
        let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        response.map(|incoming| UpstreamResponseBody::new(incoming, connection, pool, is_upgrade))
    }
}

/// The body of an answer, and the connection that it comes from. Dropped before its end, it takes the connection with it.
#[derive(Debug)]
pub struct UpstreamResponseBody<B: Body + 'static> {
    incoming: Incoming,
    connection: Option<Box<UpstreamConnection<B>>>,
    pool: ConnectionPool<B>,
}

impl<B> UpstreamResponseBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    fn new(
        incoming: Incoming,
        connection: Box<UpstreamConnection<B>>,
        pool: &ConnectionPool<B>,
        is_upgrade: bool,
    ) -> Self {
        let mut body = Self { incoming, connection: Some(connection), pool: pool.clone() };
        if body.incoming.is_end_stream() && !is_upgrade {
            body.release();
        }
        body
    }

    /// The stream under a connection that has gone over to another protocol, and what has been read of it already.
    pub async fn into_upgraded(mut self) -> Option<(UpstreamTransport, Bytes)> {
        let mut connection = self.connection.take()?;
        poll_fn(|cx| {
            let _ = connection.poll_with(cx, |_| Poll::<()>::Pending);
            if connection.closed { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let parts = connection.connection.into_parts();
        Some((parts.io.into_inner(), parts.read_buf))
    }

    /// Gives the connection back to the pool, when the answer has ended.
    fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.give_back(&self.pool);
        }
    }
}

/// Bytes up to which a frame is copied rather than left in the buffer into which it was read.
const SMALL: usize = 1024;

/// A small frame as bytes of its own. hyper makes ready to read on before the frame has left, and takes a new buffer of 8 KB for it if
/// the old one is held: a copy costs less.
fn apart_if_small(data: Bytes) -> Bytes {
    if data.len() <= SMALL { Bytes::copy_from_slice(&data) } else { data }
}

#[deny(clippy::missing_trait_methods)]
impl<B> Body for UpstreamResponseBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let Some(connection) = &mut this.connection else { return Pin::new(&mut this.incoming).poll_frame(cx) };
        let incoming = &mut this.incoming;
        let frame = ready!(connection.poll_with(cx, |cx| poll_quietly(incoming, cx)));
        let is_last = match &frame {
            Some(Ok(frame)) => frame.is_trailers() || this.incoming.is_end_stream(),
            Some(Err(_)) | None => true,
        };
        if is_last {
            this.release();
            return Poll::Ready(frame);
        }
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(apart_if_small))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
