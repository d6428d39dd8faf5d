//! Decodes messages under `permessage-deflate` (RFC 7692), on a side copy.

use std::fmt;

use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, header};

/// The bytes that end a message and are not sent (section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Bytes decoded at a time.
const ROOM: usize = 8 * 1024;

/// The longest message that is decoded: a few bytes can stand for very many.
const LONGEST: u64 = 64 << 20;

/// Decodes the messages of one direction.
pub struct MessageInflater {
    inflate: Decompress,
    /// A message may refer to those before it.
    keeps_context: bool,
    decoded: u64,
}

/// The message cannot be decoded, and so none that follows it can be.
#[derive(Debug)]
pub struct Undecodable;

/// The decoders of both directions.
#[derive(Debug, Default)]
pub struct Inflaters {
    pub client: Option<MessageInflater>,
    pub server: Option<MessageInflater>,
}

impl Inflaters {
    /// Returns the decoders that a server's answer to an upgrade has agreed to.
    pub fn agreed(answer: &HeaderMap) -> Self {
        let lines = answer.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|line| line.to_str().ok());
        let mut extensions = lines.flat_map(|line| line.split(','));
        let (Some(extension), None) = (extensions.next(), extensions.next()) else { return Self::default() };
        let mut parameters = extension.split(';').map(str::trim);
        if parameters.next() != Some("permessage-deflate") {
            return Self::default();
        }
        let parameters: Vec<&str> = parameters.collect();
        let of = |forgets: &str| Some(MessageInflater::new(!parameters.contains(&forgets)));
        Self { client: of("client_no_context_takeover"), server: of("server_no_context_takeover") }
    }
}

impl MessageInflater {
    fn new(keeps_context: bool) -> Self {
        Self { inflate: Decompress::new(false), keeps_context, decoded: 0 }
    }

    /// Decodes a piece of a message, and hands what it stands for to `found`.
    pub fn decode(
        &mut self,
        piece: &[u8],
        ends_message: bool,
        mut found: impl FnMut(&[u8]),
    ) -> Result<(), Undecodable> {
        self.feed(piece, &mut found)?;
        if ends_message {
            self.feed(&TAIL, &mut found)?;
            self.decoded = 0;
            if !self.keeps_context {
                self.inflate.reset(false);
            }
        }
        Ok(())
    }

    fn feed(&mut self, mut encoded: &[u8], found: &mut impl FnMut(&[u8])) -> Result<(), Undecodable> {
        let mut room = [0; ROOM];
        loop {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(encoded, &mut room, FlushDecompress::Sync).map_err(|_| Undecodable)?;
            // Both are of a slice's length at most.
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(0);
            let written = usize::try_from(self.inflate.total_out() - written).unwrap_or(0);
            self.decoded += written as u64;
            if status == Status::StreamEnd || self.decoded > LONGEST {
                return Err(Undecodable);
            }
            encoded = &encoded[read..];
            if written > 0 {
                found(&room[..written]);
            }
            // NB: there may be more although all is read and there was room: the decoder stops where its window wraps.
            if (read, written) == (0, 0) {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for MessageInflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageInflater").field("keeps_context", &self.keeps_context).finish_non_exhaustive()
    }
}
