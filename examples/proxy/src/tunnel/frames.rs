//! Reads the frames of a WebSocket (RFC 6455, section 5) as their bytes pass, cut anywhere, holding none of them back.
//!
//! Own code, because it only looks on: the kept crates own the socket, answer pings and refuse what they do not like.

/// A part of what passes.
#[derive(Debug, PartialEq, Eq)]
pub enum FramePart<'a> {
    /// A piece of a message, text or binary, unmasked; pieces of one message come one after the other. `is_encoded`: the message is under
    /// an extension, `permessage-deflate` in all likelihood.
    Piece { payload: &'a [u8], ends_message: bool, is_encoded: bool },
    /// Nothing can be read any more.
    Lost,
}

/// The sender of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Masks what it sends.
    Client,
    /// Does not.
    Server,
}

/// Reads one direction of a WebSocket.
#[derive(Debug)]
pub struct FrameReader {
    sender: Sender,
    state: ReadState,
    /// The message under way.
    message: Option<MessageKind>,
    /// Nobody asks for payloads.
    is_deaf: bool,
    is_closed: bool,
    unmasked: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum ReadState {
    /// At the head of a frame, so many bytes of which have come.
    Head {
        bytes: [u8; LONGEST_HEAD],
        len: usize,
    },
    Payload(Payload),
    /// This is no WebSocket.
    Lost,
}

impl Default for ReadState {
    fn default() -> Self {
        Self::Head { bytes: [0; LONGEST_HEAD], len: 0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Payload {
    left: u64,
    mask: Option<[u8; 4]>,
    is_control: bool,
    is_final: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageKind {
    Plain,
    Encoded,
}

/// Two bytes, a length of eight, and a mask of four.
const LONGEST_HEAD: usize = 14;
/// The longest payload of a control frame.
const LONGEST_CONTROL: u64 = 125;

const CONTINUATION: u8 = 0;
const CLOSE: u8 = 8;

impl FrameReader {
    pub fn new(sender: Sender) -> Self {
        Self {
            sender,
            state: ReadState::default(),
            message: None,
            is_deaf: false,
            is_closed: false,
            unmasked: Vec::new(),
        }
    }

    /// Whether a close frame has passed.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Tells of no payloads any more.
    pub fn ignore_payloads(&mut self) {
        self.is_deaf = true;
        self.unmasked = Vec::new();
    }

    /// Reads what passes, and tells `found` of the messages in it.
    pub fn read(&mut self, mut bytes: &[u8], mut found: impl FnMut(FramePart<'_>)) {
        loop {
            match self.state {
                ReadState::Lost => return,
                ReadState::Head { bytes: mut head, mut len } => {
                    let wanted = self.head_len(&head, len);
                    let taken = bytes.len().min(wanted - len);
                    head[len..len + taken].copy_from_slice(&bytes[..taken]);
                    len += taken;
                    bytes = &bytes[taken..];
                    self.state = ReadState::Head { bytes: head, len };
                    if len < wanted {
                        return;
                    }
                    if len == self.head_len(&head, len) {
                        self.begin_frame(&head[..len], &mut found);
                    }
                }
                ReadState::Payload(mut payload) => {
                    let len = usize::try_from(payload.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    if len == 0 && payload.left > 0 {
                        return;
                    }
                    let (piece, rest) = bytes.split_at(len);
                    payload.left -= len as u64;
                    self.piece(piece, payload, &mut found);
                    bytes = rest;
                    if let Some(mask) = &mut payload.mask {
                        mask.rotate_left(len % 4);
                    }
                    self.state = if payload.left == 0 { ReadState::default() } else { ReadState::Payload(payload) };
                }
            }
        }
    }

    /// The length of a frame's head, as far as its first `len` bytes tell.
    fn head_len(&self, head: &[u8; LONGEST_HEAD], len: usize) -> usize {
        if len < 2 {
            return 2;
        }
        let length = match head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if self.sender == Sender::Client { 4 } else { 0 };
        2 + length + mask
    }

    fn begin_frame(&mut self, head: &[u8], found: &mut impl FnMut(FramePart<'_>)) {
        let Some(payload) = self.payload_of(head) else {
            self.state = ReadState::Lost;
            self.message = None;
            return found(FramePart::Lost);
        };
        self.state = ReadState::Payload(payload);
    }

    /// Reads the head of a frame; `None` if there can be no such frame here.
    fn payload_of(&mut self, head: &[u8]) -> Option<Payload> {
        let (is_final, opcode, is_encoded) = (head[0] & 0x80 != 0, head[0] & 0x0f, head[0] & 0x40 != 0);
        let (length, mask) = head[2..].split_at(head.len() - 2 - if self.sender == Sender::Client { 4 } else { 0 });
        let left = match length {
            [] => u64::from(head[1] & 0x7f),
            _ => length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        let is_control = opcode >= CLOSE;
        let is_masked = head[1] & 0x80 != 0;
        let other_extensions = head[0] & 0x30 != 0;
        if is_masked != (self.sender == Sender::Client) || other_extensions || left > i64::MAX as u64 {
            return None;
        }
        match (opcode, self.message) {
            (CONTINUATION, Some(_)) if !is_encoded => {}
            (1 | 2, None) => {
                self.message = Some(if is_encoded { MessageKind::Encoded } else { MessageKind::Plain });
            }
            (CLOSE..=10, _) if is_final && !is_encoded && left <= LONGEST_CONTROL => {
                self.is_closed |= opcode == CLOSE;
            }
            _ => return None,
        }
        Some(Payload { left, mask: mask.try_into().ok(), is_control, is_final })
    }

    /// Hands on a piece of a payload; `payload` is what is left behind it.
    fn piece(&mut self, piece: &[u8], payload: Payload, found: &mut impl FnMut(FramePart<'_>)) {
        if payload.is_control {
            return;
        }
        let ends_message = payload.is_final && payload.left == 0;
        let kind = if ends_message { self.message.take() } else { self.message };
        if self.is_deaf {
            return;
        }
        let is_encoded = kind == Some(MessageKind::Encoded);
        let payload = self.plain(piece, payload.mask);
        found(FramePart::Piece { payload, ends_message, is_encoded });
    }

    fn plain<'a>(&'a mut self, piece: &'a [u8], mask: Option<[u8; 4]>) -> &'a [u8] {
        let Some(mask) = mask else { return piece };
        self.unmasked.clear();
        self.unmasked.extend(piece.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        &self.unmasked
    }
}
