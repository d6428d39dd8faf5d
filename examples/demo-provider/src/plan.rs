//! How the simulated provider behaves, read from the model's name.
//!
//! `demo-c200-d20` answers with 200 chunks, 20 ms apart. Further parts, in any order: `-h3000` holds the answer back for 3 s,
//! `-e429` answers with an HTTP error, `-x10` cuts the connection at chunk 10, `-s5` falls silent at chunk 5, `-q2` quotes the
//! first 2 paragraphs of the last system message, a word a chunk, for chats that give a model something to read; in a stream, `-r30`
//! makes the first 30 chunks reasoning (chat completions only) and `-t2` ends with two tool calls (chat completions and Messages).
//!
//! A body whose `metadata.demo` is such a name is answered by it, and its model may be called anything.

use std::time::Duration;

use http::StatusCode;

/// The behaviour for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Chunks of text; one token each.
    pub chunks: usize,
    /// The time from one chunk to the next.
    pub delay: Duration,
    /// The time before the response head.
    pub hold: Duration,
    /// The status of an error instead of an answer.
    pub error: Option<StatusCode>,
    /// The number of chunks after which the connection ends.
    pub cut: Option<usize>,
    /// The number of chunks after which nothing more is sent.
    pub stall: Option<usize>,
    /// The number of paragraphs of the last system message that are the answer.
    pub quote: Option<usize>,
    /// The number of chunks, from the first, that are reasoning.
    pub reasoning: usize,
    /// The number of tool calls after the text.
    pub tools: usize,
}

impl Plan {
    /// Reads a model's name. Parts that mean nothing are passed over.
    pub(crate) fn of(model: &str) -> Self {
        let mut plan = Self {
            chunks: 40,
            delay: Duration::from_millis(25),
            hold: Duration::ZERO,
            error: None,
            cut: None,
            stall: None,
            quote: None,
            reasoning: 0,
            tools: 0,
        };
        for part in model.split('-').skip(1) {
            let Some((letter, number)) = part.split_at_checked(1) else { continue };
            let Ok(number) = number.parse::<u32>() else { continue };
            let count = Some(number as usize);
            let time = Duration::from_millis(number.into());
            match letter {
                "c" => plan.chunks = number as usize,
                "d" => plan.delay = time,
                "h" => plan.hold = time,
                "e" => plan.error = u16::try_from(number).ok().and_then(|status| StatusCode::from_u16(status).ok()),
                "x" => plan.cut = count,
                "s" => plan.stall = count,
                "q" => plan.quote = count,
                "r" => plan.reasoning = number as usize,
                "t" => plan.tools = number as usize,
                _ => {}
            }
        }
        plan
    }
}
