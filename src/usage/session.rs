//! The meter of a session: a WebSocket over which a model gives one answer after the other.

use super::{
    counts::{ProviderUsage, Usage},
    dialect::{self, SessionDialect, SessionFacts},
    event::ResponseEvent,
    normalise::Counting,
    reading::{Observation, Reading, UsageSource},
    record::replace,
};
use crate::json::Condenser;

/// Messages in which to look for a dialect before the session is taken for one of none.
const FIRST_MESSAGES: u64 = 64;

/// Watches the messages that a server sends in a session: OpenAI Realtime, Gemini Live.
///
/// Each answer of a session has usage of its own, in which a later report takes the place of the earlier one; the reading has the
/// sums over the answers. While one is under way the source is [`UsageSource::Partial`], so that the tracker estimates the rest. A
/// session that is not in a known dialect, or encoded, has [`Observation::None`].
///
/// Memory is bounded, whatever is sent. [`Held::record`](crate::tracker::Held::record) takes the reading.
///
/// ```
/// use active_requests::usage::SessionMeter;
///
/// let mut meter = SessionMeter::new();
/// for message in [
///     r#"{"type":"session.created","session":{"model":"gpt-realtime"}}"#,
///     r#"{"type":"response.done","response":{"usage":{"input_tokens":20,"output_tokens":7}}}"#,
///     r#"{"type":"response.done","response":{"usage":{"input_tokens":40,"output_tokens":5}}}"#,
/// ] {
///     meter.observe(message.as_bytes(), true);
/// }
/// let usage = meter.reading().usage;
/// assert_eq!((usage.input_tokens, usage.output_tokens), (60, 12));
/// ```
#[derive(Debug)]
pub struct SessionMeter {
    dialect: Option<&'static SessionDialect>,
    /// The message that has begun, if it has come in pieces.
    message: Option<Box<Condenser>>,
    usage: SessionUsage,
    reading: Reading,
}

impl Default for SessionMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionMeter {
    /// The meter of a session of which nothing has come yet.
    pub fn new() -> Self {
        let reading = Reading::new().observation(Observation::None);
        Self { dialect: None, message: None, usage: SessionUsage::default(), reading }
    }

    /// Reads a piece of a message of the server, text or binary; `is_last`: the message ends with it.
    pub fn observe(&mut self, piece: &[u8], is_last: bool) {
        if self.message.is_none() && is_last {
            return self.whole(&ResponseEvent::unnamed(piece));
        }
        let message = self.message.get_or_insert_with(|| Box::new(Condenser::new(Condenser::TEXT_LIMIT)));
        message.push(piece);
        if let Some(message) = self.message.take_if(|_| is_last) {
            match message.complete() {
                Some(copy) => self.whole(&ResponseEvent::of_copy(copy)),
                None => self.lose_sight(),
            }
        }
    }

    /// Notes that a message has passed which cannot be read, such as a compressed one.
    pub fn lose_sight(&mut self) {
        self.message = None;
        self.reading.events += 1;
        if self.dialect.is_some() && self.reading.observation == Observation::Full {
            self.reading.observation = Observation::Partial;
            self.note_change();
        }
    }

    /// Returns the facts so far.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    fn whole(&mut self, message: &ResponseEvent<'_>) {
        if message.data.is_empty() {
            self.reading.events += 1;
            return;
        }
        if self.dialect.is_none() && self.reading.events < FIRST_MESSAGES {
            self.dialect = dialect::of_message(message);
            if self.dialect.is_some() {
                let is_first = self.reading.events == 0;
                self.reading.observation = if is_first { Observation::Full } else { Observation::Partial };
                self.note_change();
            }
        }
        let Some(dialect) = self.dialect else {
            self.reading.events += 1;
            return;
        };
        let mut facts = SessionFacts::default();
        if message.data.trim_ascii_start().starts_with(b"{") && (dialect.read)(message, &mut facts) {
            self.reading.events += 1;
            self.take(facts, dialect.counting);
        } else {
            self.lose_sight();
        }
    }

    fn take(&mut self, facts: SessionFacts<'_>, counting: Counting) {
        let SessionFacts { event, is_answer } = facts;
        let reading = &mut self.reading;
        let text_bytes = event.text.bytes.saturating_add(event.other_text_bytes);
        reading.text_bytes = reading.text_bytes.saturating_add(text_bytes);
        reading.tool_calls = reading.tool_calls.saturating_add(event.tool_calls);
        reading.server_tool_calls = reading.server_tool_calls.saturating_add(event.server_tool_calls);
        let mut changed = event.tool_calls > 0 || event.server_tool_calls > 0;
        changed |= replace(&mut reading.model, event.model);
        changed |= replace(&mut reading.finish_reason, event.finish_reason);
        changed |= replace(&mut reading.error, event.error);
        if is_answer {
            self.usage.answer(counting);
        }
        if let Some(usage) = event.usage.filter(|usage| !usage.is_empty()) {
            self.usage.report(usage.plausible(), counting);
        }
        if event.ended {
            self.usage.is_over = true;
        }
        let before = (reading.provider_usage, reading.source);
        (reading.usage, reading.provider_usage) = self.usage.sums(counting);
        reading.source = self.usage.source(&reading.provider_usage);
        if changed || before != (reading.provider_usage, reading.source) {
            self.note_change();
        }
    }

    fn note_change(&mut self) {
        self.reading.revision = self.reading.revision.wrapping_add(1);
    }
}

/// The usage of a session.
#[derive(Debug, Default)]
struct SessionUsage {
    /// That of the answers before the newest.
    earlier: (Usage, ProviderUsage),
    /// The report of the newest answer.
    newest: Option<ProviderUsage>,
    /// The newest answer is over. Its report may still come.
    is_over: bool,
    /// Something has come of an answer that has no report.
    is_unreported: bool,
}

impl SessionUsage {
    /// Notes that a piece of an answer has come: of another one, if the last is over.
    fn answer(&mut self, counting: Counting) {
        if self.is_over {
            self.settle(counting);
        }
        self.is_unreported |= self.newest.is_none();
    }

    /// Takes over a report. It is about the newest answer; if that is over and has one, it is about the next.
    fn report(&mut self, usage: ProviderUsage, counting: Counting) {
        if self.is_over && self.newest.is_some() {
            self.settle(counting);
        }
        self.newest = Some(usage);
        self.is_unreported = false;
    }

    /// Begins another answer. One that is over and has no report is in that of the next, as far as anybody reports it.
    fn settle(&mut self, counting: Counting) {
        (self.earlier.0, self.earlier.1) = self.sums(counting);
        self.newest = None;
        self.is_over = false;
    }

    fn sums(&self, counting: Counting) -> (Usage, ProviderUsage) {
        let (usage, reported) = self.earlier;
        let newest = self.newest.unwrap_or_default();
        (usage.plus(counting.normalise(&newest)), reported.plus(newest))
    }

    fn source(&self, reported: &ProviderUsage) -> UsageSource {
        if reported.is_empty() {
            UsageSource::None
        } else if self.is_unreported || !(self.is_over || self.newest.is_none()) {
            UsageSource::Partial
        } else {
            UsageSource::Reported
        }
    }
}
