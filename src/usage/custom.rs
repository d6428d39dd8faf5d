//! Dialects of one's own.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{event::ResponseEvent, event_facts::EventFacts, normalise::Counting};

/// The way in which a service of your own writes its answers.
///
/// A [`Dialects`] set holds it; the set is given to [`ActiveRequestsLayer::dialect`](crate::ActiveRequestsLayer::dialect) or
/// [`Meter::with_dialects`](super::Meter::with_dialects). It is asked before the dialects that are built in.
///
/// A dialect that panics is given up, and the request is shown as partly observed; the body passes as it is.
///
/// ```
/// use active_requests::usage::{CustomDialect, Dialects, EventFacts, Meter, ProviderUsage, ResponseEvent};
///
/// /// Streams of `{"piece":"text"}`, and at last `{"read":12,"written":34}`.
/// struct Candle;
///
/// impl CustomDialect for Candle {
///     fn recognise(&self, event: &ResponseEvent<'_>) -> bool {
///         event.text("piece").is_some()
///     }
///
///     fn read(&self, event: &ResponseEvent<'_>, facts: &mut EventFacts<'_>) {
///         if let Some(piece) = event.text("piece") {
///             facts.add_text_bytes(piece.len());
///         }
///         if let (Some(read), Some(written)) = (event.count("read"), event.count("written")) {
///             facts.set_usage(ProviderUsage::new().input_tokens(read).output_tokens(written));
///             facts.end();
///         }
///     }
/// }
///
/// let (head, ()) = http::Response::builder().header("content-type", "text/event-stream").body(())?.into_parts();
/// let mut meter = Meter::with_dialects(&head, &Dialects::new().with(Candle));
/// meter.observe(b"data: {\"piece\":\"Hello\"}\n\n");
/// assert_eq!(meter.reading().text_bytes, 5);
/// meter.observe(b"data: {\"read\":12,\"written\":34}\n\n");
/// assert_eq!(meter.reading().usage.output_tokens, 34);
/// # Ok::<(), http::Error>(())
/// ```
pub trait CustomDialect: Send + Sync + 'static {
    /// Whether an event of a stream that is not known yet, or a whole JSON document, is in this dialect. Asked for the first
    /// 64 events of a body until it is.
    fn recognise(&self, event: &ResponseEvent<'_>) -> bool;

    /// Reads what an event, or the whole JSON document, tells. It takes effect once this returns.
    fn read(&self, event: &ResponseEvent<'_>, facts: &mut EventFacts<'_>);

    /// The way in which a body of this content type (lower case, without parameters) is cut into events, for types that are not
    /// known to hold any: all but SSE, JSON, NDJSON and AWS event streams. `None`: the body is none of this dialect.
    fn framing(&self, content_type: &str) -> Option<CustomFraming> {
        let _ = content_type;
        None
    }

    /// The way in which its token counts count.
    fn counting(&self) -> Counting {
        Counting::Inclusive
    }

    /// Whether its streams mark their end ([`EventFacts::end`]): one that ends without is shown as truncated.
    fn has_end_mark(&self) -> bool {
        false
    }
}

/// A way of cutting a body into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomFraming {
    /// Server-Sent Events.
    Sse,
    /// One event a line, such as NDJSON.
    Lines,
    /// One JSON document, which is one event.
    Document,
}

/// A set of dialects of one's own. Cheap to clone; the empty one costs nothing.
#[derive(Clone, Default)]
pub struct Dialects(Option<Arc<Vec<CustomSpeaker>>>);

impl Dialects {
    /// No dialects.
    pub fn new() -> Self {
        Self::default()
    }

    /// These dialects and one more, which is asked after them.
    #[must_use]
    pub fn with(mut self, dialect: impl CustomDialect) -> Self {
        Arc::make_mut(self.0.get_or_insert_default())
            .push(CustomSpeaker { dialect: Arc::new(dialect), has_panicked: false });
        self
    }

    /// Returns the first dialect that recognises the event.
    pub(super) fn recognise(&self, event: &ResponseEvent<'_>) -> Option<CustomSpeaker> {
        self.iter().find(|speaker| speaker.recognises(event)).cloned()
    }

    /// Returns the framing that the first dialect to claim the content type gives it.
    pub(super) fn framing(&self, content_type: &str) -> Option<CustomFraming> {
        let framing = |speaker: &CustomSpeaker| unless_panicking(|| speaker.dialect.framing(content_type)).flatten();
        self.iter().find_map(framing)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn iter(&self) -> impl Iterator<Item = &CustomSpeaker> {
        self.0.iter().flat_map(|speakers| speakers.iter())
    }
}

impl fmt::Debug for Dialects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialects({})", self.iter().count())
    }
}

/// A dialect of one's own whose panics are caught.
#[derive(Clone)]
pub(super) struct CustomSpeaker {
    dialect: Arc<dyn CustomDialect>,
    has_panicked: bool,
}

impl CustomSpeaker {
    fn recognises(&self, event: &ResponseEvent<'_>) -> bool {
        unless_panicking(|| self.dialect.recognise(event)).unwrap_or(false)
    }

    /// Returns whether the event could be read.
    pub(super) fn read<'a>(&mut self, event: &ResponseEvent<'a>, facts: &mut EventFacts<'a>) -> bool {
        if !self.has_panicked {
            self.has_panicked = unless_panicking(|| self.dialect.read(event, facts)).is_none();
        }
        !self.has_panicked && !facts.is_unreadable
    }

    pub(super) fn counting(&self) -> Counting {
        unless_panicking(|| self.dialect.counting()).unwrap_or_default()
    }

    pub(super) fn has_end_mark(&self) -> bool {
        unless_panicking(|| self.dialect.has_end_mark()).unwrap_or(false)
    }
}

impl fmt::Debug for CustomSpeaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomSpeaker")
    }
}

/// Returns the result of `call`; `None` if it panics. State that a panic leaves half changed is the facts of one event, which
/// are dropped, and that of the dialect itself.
fn unless_panicking<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
