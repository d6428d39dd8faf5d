//! AWS event streams (`application/vnd.amazon.eventstream`): binary messages with headers and checksums.
//!
//! A message is its length and that of its headers (32 bits each, big-endian), a CRC-32 of these, the headers, the payload,
//! and a CRC-32 of all of it ([encoding](https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html)).

/// Bytes of the longest message that is read. Longer ones, which no model sends, pass unread.
const LIMIT: usize = 1024 * 1024;

const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// A message's headers, as far as they matter, and its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AwsMessage<'a> {
    /// `event`, `exception` or `error`.
    pub(super) kind: &'a [u8],
    /// The name of the event, the exception or the error.
    pub(super) name: &'a [u8],
    /// The message of an error.
    pub(super) error: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Why there is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is too long, or its checksum is wrong.
    Message,
    /// This is no event stream, or no longer one: where the next message starts cannot be known.
    Stream,
}

/// Cuts a body into messages. One that lies whole in a piece is a slice of it.
#[derive(Debug, Default)]
pub(in crate::usage) struct AwsMessages {
    /// The message that the last piece left open.
    open: Vec<u8>,
    /// Bytes of a message to let pass.
    passing: usize,
    is_lost: bool,
}

impl AwsMessages {
    /// Hands out the messages that end in `piece`.
    pub(super) fn feed(&mut self, mut piece: &[u8], mut on_message: impl FnMut(Result<AwsMessage<'_>, Unread>)) {
        while !piece.is_empty() && !self.is_lost {
            if self.passing > 0 {
                let (_, rest) = piece.split_at(self.passing.min(piece.len()));
                self.passing -= piece.len() - rest.len();
                piece = rest;
                continue;
            }
            if self.open.is_empty() {
                match length(piece) {
                    Ok(Some(len)) if len <= piece.len() => {
                        let (message, rest) = piece.split_at(len);
                        on_message(read(message));
                        piece = rest;
                        continue;
                    }
                    Ok(_) => {}
                    Err(unread) => {
                        on_message(Err(unread));
                        self.give_up(unread, piece);
                        continue;
                    }
                }
            }
            piece = self.extend(piece, &mut on_message);
        }
    }

    /// Adds to the open message as much as belongs to it; gives the rest.
    fn extend<'a>(&mut self, piece: &'a [u8], on_message: &mut impl FnMut(Result<AwsMessage<'_>, Unread>)) -> &'a [u8] {
        let wanted = match length(&self.open) {
            Ok(Some(len)) => len,
            _ => PRELUDE,
        };
        let (part, rest) = piece.split_at(piece.len().min(wanted - self.open.len()));
        self.open.extend_from_slice(part);
        match length(&self.open) {
            Ok(Some(len)) if len == self.open.len() => {
                on_message(read(&self.open));
                self.open.clear();
            }
            Ok(_) => {}
            Err(unread) => {
                on_message(Err(unread));
                let open = std::mem::take(&mut self.open);
                self.give_up(unread, &open);
                self.passing = self.passing.saturating_sub(open.len());
            }
        }
        rest
    }

    /// `message` starts with what cannot be read.
    fn give_up(&mut self, unread: Unread, message: &[u8]) {
        match unread {
            Unread::Message => self.passing = claimed_length(message).unwrap_or_default(),
            Unread::Stream => self.is_lost = true,
        }
    }
}

/// The length of the message that starts here, as soon as its prelude is there.
fn length(bytes: &[u8]) -> Result<Option<usize>, Unread> {
    let Some(len) = claimed_length(bytes) else { return Ok(None) };
    let Some(prelude) = bytes.get(..PRELUDE) else { return Ok(None) };
    let headers = be32(&prelude[4..8]);
    if be32(&prelude[8..]) != crc32fast::hash(&prelude[..8]) as usize || len < PRELUDE + headers + CHECKSUM {
        return Err(Unread::Stream);
    }
    if len > LIMIT { Err(Unread::Message) } else { Ok(Some(len)) }
}

fn claimed_length(bytes: &[u8]) -> Option<usize> {
    bytes.get(..4).map(be32)
}

fn be32(bytes: &[u8]) -> usize {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn read(message: &[u8]) -> Result<AwsMessage<'_>, Unread> {
    let (content, checksum) = message.split_at(message.len() - CHECKSUM);
    if be32(checksum) != crc32fast::hash(content) as usize {
        return Err(Unread::Message);
    }
    let (mut headers, payload) = content[PRELUDE..].split_at(be32(&message[4..8]));
    let mut read = AwsMessage { payload, ..AwsMessage::default() };
    while !headers.is_empty() {
        let (name, value) = header(&mut headers).ok_or(Unread::Message)?;
        match name {
            b":message-type" => read.kind = value,
            b":event-type" | b":exception-type" | b":error-code" => read.name = value,
            b":error-message" => read.error = value,
            _ => {}
        }
    }
    Ok(read)
}

/// Takes the next header: its name, and its value if it has a length of its own (bytes, strings).
fn header<'a>(headers: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let name_len = take(headers, 1)?[0];
    let name = take(headers, name_len.into())?;
    let value_len = match take(headers, 1)?[0] {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => be32(take(headers, 2)?),
        9 => 16,
        _ => return None,
    };
    Some((name, take(headers, value_len)?))
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        for (name, value) in headers {
            encoded.push(name.len() as u8);
            encoded.extend(name.as_bytes());
            encoded.push(7);
            encoded.extend((value.len() as u16).to_be_bytes());
            encoded.extend(value.as_bytes());
        }
        let len = PRELUDE + encoded.len() + payload.len() + CHECKSUM;
        let mut message = Vec::new();
        message.extend((len as u32).to_be_bytes());
        message.extend((encoded.len() as u32).to_be_bytes());
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message.extend(encoded);
        message.extend(payload);
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message
    }

    fn read_all(body: &[u8], size: usize) -> Vec<Result<(String, Vec<u8>), Unread>> {
        let mut messages = AwsMessages::default();
        let mut seen = Vec::new();
        for piece in body.chunks(size) {
            messages.feed(piece, |message| {
                seen.push(
                    message
                        .map(|message| (String::from_utf8_lossy(message.name).into_owned(), message.payload.to_vec())),
                );
            });
        }
        seen
    }

    fn event(name: &str, payload: &[u8]) -> Vec<u8> {
        encode(&[(":message-type", "event"), (":event-type", name)], payload)
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let body = [event("a", b"{}"), event("bb", b""), event("c", &[7; 300])].concat();
        let expected = [Ok(("a".into(), b"{}".to_vec())), Ok(("bb".into(), vec![])), Ok(("c".into(), vec![7; 300]))];
        for size in 1..=body.len() {
            assert_eq!(read_all(&body, size), expected, "cut by {size}");
        }
    }

    #[test]
    fn a_message_with_a_wrong_checksum_is_left_out() {
        let mut broken = event("a", b"{}");
        *broken.last_mut().expect("a message is not empty") ^= 1;
        let body = [broken, event("b", b"{}")].concat();
        for size in [1, 5, body.len()] {
            assert_eq!(read_all(&body, size), [Err(Unread::Message), Ok(("b".into(), b"{}".to_vec()))]);
        }
    }

    #[test]
    fn a_broken_prelude_ends_the_reading() {
        let mut body = [event("a", b"{}"), event("b", b"{}")].concat();
        body[1] ^= 1;
        for size in [1, 5, body.len()] {
            assert_eq!(read_all(&body, size), [Err(Unread::Stream)]);
        }
    }

    #[test]
    fn a_message_that_is_too_long_passes_unread() {
        let body = [event("long", &vec![1; LIMIT]), event("b", b"{}")].concat();
        for size in [999, body.len()] {
            assert_eq!(read_all(&body, size), [Err(Unread::Message), Ok(("b".into(), b"{}".to_vec()))]);
        }
    }
}
