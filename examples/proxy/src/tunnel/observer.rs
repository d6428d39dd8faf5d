//! The observers of a tunnel: they tell its row of bytes in both directions, and of what the messages say of model and tokens.

use active_requests::{
    tracker::{Held, RequestInfo},
    usage::SessionMeter,
};
use serde::Deserialize;

use crate::tunnel::{
    frames::{FramePart, FrameReader, Sender},
    inflate::MessageInflater,
};

/// Reads along with what a provider sends.
#[derive(Debug)]
pub struct ServerObserver<'a> {
    held: &'a Held,
    frames: FrameReader,
    inflater: Option<MessageInflater>,
    meter: SessionMeter,
    /// Revision and bytes of text of the reading that was recorded last.
    recorded: (u32, u64),
}

impl<'a> ServerObserver<'a> {
    pub fn new(held: &'a Held, inflater: Option<MessageInflater>) -> Self {
        let (frames, meter) = (FrameReader::new(Sender::Server), SessionMeter::new());
        Self { held, frames, inflater, meter, recorded: (0, 0) }
    }

    pub fn passed(&mut self, bytes: &[u8]) {
        self.held.bytes(bytes.len() as u64);
        let (meter, inflater) = (&mut self.meter, &mut self.inflater);
        self.frames.read(bytes, |part| match part {
            FramePart::Piece { payload, ends_message, is_encoded: false } => meter.observe(payload, ends_message),
            FramePart::Piece { payload, ends_message, is_encoded: true } => {
                if decode(inflater, payload, ends_message, |piece| meter.observe(piece, false)) {
                    if ends_message {
                        meter.observe(&[], true);
                    }
                } else if ends_message || inflater.take().is_some() {
                    meter.lose_sight();
                }
            }
            FramePart::Lost => meter.lose_sight(),
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

/// Decodes a piece of a message; returns whether that could be done.
fn decode(inflater: &mut Option<MessageInflater>, piece: &[u8], ends_message: bool, found: impl FnMut(&[u8])) -> bool {
    inflater.as_mut().is_some_and(|inflater| inflater.decode(piece, ends_message, found).is_ok())
}

/// The longest first message of a client that is read.
const LONGEST_SETUP: usize = 256 * 1024;

/// Reads along with what a client sends: its first message, in which it may name the model (Gemini Live), and its close frame.
#[derive(Debug)]
pub struct ClientObserver<'a> {
    held: &'a Held,
    frames: FrameReader,
    inflater: Option<MessageInflater>,
    bytes: u64,
    setup: Vec<u8>,
}

impl<'a> ClientObserver<'a> {
    /// `names_model`: whether the model is yet to be named.
    pub fn new(held: &'a Held, inflater: Option<MessageInflater>, names_model: bool) -> Self {
        let mut frames = FrameReader::new(Sender::Client);
        if !names_model {
            frames.ignore_payloads();
        }
        Self { held, frames, inflater, bytes: 0, setup: Vec::new() }
    }

    pub fn passed(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.held.handle().set_request_size(self.bytes);
        // Whether the first message is there as a whole; `None`: it is still to come.
        let mut is_whole = None;
        let (setup, inflater) = (&mut self.setup, &mut self.inflater);
        self.frames.read(bytes, |part| {
            let FramePart::Piece { payload, ends_message, is_encoded } = part else {
                is_whole = is_whole.or(Some(false));
                return;
            };
            if is_whole.is_some() {
                return;
            }
            let mut keep = |piece: &[u8]| {
                let room = LONGEST_SETUP + 1 - setup.len();
                setup.extend_from_slice(&piece[..piece.len().min(room)]);
            };
            let is_read = if is_encoded {
                decode(inflater, payload, ends_message, keep)
            } else {
                keep(payload);
                true
            };
            if !is_read || setup.len() > LONGEST_SETUP {
                is_whole = Some(false);
            } else if ends_message {
                is_whole = Some(true);
            }
        });
        let Some(is_whole) = is_whole else { return };
        self.frames.ignore_payloads();
        self.inflater = None;
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
