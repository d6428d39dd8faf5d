//! The observers of a tunnel: they tell its row of bytes in both directions, and of what the messages say of model and tokens.

use active_requests::{
    tracker::{Held, RequestInfo},
    usage::SessionMeter,
};
use serde::Deserialize;

use crate::tunnel::frames::{FramePart, FrameReader, Sender};

/// Reads along with what a provider sends.
#[derive(Debug)]
pub struct ServerObserver<'a> {
    held: &'a Held,
    frames: FrameReader,
    meter: SessionMeter,
    /// Revision and bytes of text of the reading that was recorded last.
    recorded: (u32, u64),
}

impl<'a> ServerObserver<'a> {
    pub fn new(held: &'a Held) -> Self {
        Self { held, frames: FrameReader::new(Sender::Server), meter: SessionMeter::new(), recorded: (0, 0) }
    }

    pub fn passed(&mut self, bytes: &[u8]) {
        self.held.bytes(bytes.len() as u64);
        let meter = &mut self.meter;
        self.frames.read(bytes, |part| match part {
            FramePart::Piece { payload, ends_message } => meter.observe(payload, ends_message),
            FramePart::Unreadable => meter.lose_sight(),
        });
        let reading = self.meter.reading();
        let state = (reading.revision, reading.text_bytes);
        if state != self.recorded {
            self.recorded = state;
            self.held.record(reading);
        }
    }

    pub fn has_closed(&self) -> bool {
        self.frames.is_closed()
    }
}

/// The longest first message of a client that is read.
const LONGEST_SETUP: usize = 256 * 1024;

/// Reads along with what a client sends: its first message, in which it may name the model (Gemini Live), and its close frame.
#[derive(Debug)]
pub struct ClientObserver<'a> {
    held: &'a Held,
    frames: FrameReader,
    bytes: u64,
    setup: Vec<u8>,
}

impl<'a> ClientObserver<'a> {
    /// `names_model`: whether the model is yet to be named.
    pub fn new(held: &'a Held, names_model: bool) -> Self {
        let mut frames = FrameReader::new(Sender::Client);
        if !names_model {
            frames.ignore_payloads();
        }
        Self { held, frames, bytes: 0, setup: Vec::new() }
    }

    pub fn passed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.held.handle().set_request_size(self.bytes);
        let mut is_whole = None;
        let setup = &mut self.setup;
        self.frames.read(bytes, |part| match part {
            FramePart::Piece { payload, ends_message } if is_whole.is_none() => {
                if setup.len() + payload.len() > LONGEST_SETUP {
                    is_whole = Some(false);
                } else {
                    setup.extend_from_slice(payload);
                    is_whole = ends_message.then_some(true);
                }
            }
            FramePart::Piece { .. } => {}
            FramePart::Unreadable => is_whole = is_whole.or(Some(false)),
        });
        let Some(is_whole) = is_whole else { return };
        self.frames.ignore_payloads();
        let setup = std::mem::take(&mut self.setup);
        if let Some(model) = is_whole.then(|| model_of(&setup)).flatten() {
            self.held.handle().describe(&RequestInfo::new().model(&model));
        }
    }

    pub fn has_closed(&self) -> bool {
        self.frames.is_closed()
    }
}

/// The model in the first message of a Live session: `{"setup":{"model":"models/gemini-.."}}`.
fn model_of(message: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Setup {
        model: String,
    }
    #[derive(Deserialize)]
    struct FirstMessage {
        setup: Setup,
    }
    let message: FirstMessage = serde_json::from_slice(message).ok()?;
    let name = message.setup.model.rsplit('/').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}
