//! Messages as bytes: one line of text, then the body.
//!
//! ```text
//! ar1 deltas 7f3a9c01 00c5e1d2a7b40913 prev=17 seq=19 n=1204 x=52d1c90a7be30f48 z=1 c=8d0a3f77
//! <body>
//! ```
//!
//! The first line is the format's version, the kind, the sender's epoch and nonce, and keys with values. An unknown key is skipped; so is a
//! message of an unknown kind or version. The last key is the CRC-32 of all that stands before it, followed by the body: the digest of a table is of its
//! ids only, and would not tell of a row that was damaged on its way.

use std::{fmt::Write, str::SplitAsciiWhitespace, time::Duration};

use bytes::Bytes;
use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    packed::{Packed, Slice},
    want::Want,
};

/// Bytes of the first line, at most.
const MAX_LINE: usize = 1 << 10;
/// Bytes of a replica's name and of its version, at most.
pub(super) const MAX_NAME: usize = 64;

/// The start of the last key of the first line.
const CHECKSUM: &str = " c=";

/// Characters of a name that are written as they are.
const NAME: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A message between replicas.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) from: Sender,
    pub(super) content: Content,
}

/// The replica that a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sender {
    /// The first part of its requests' ids.
    pub(super) epoch: u32,
    /// Tells two processes of one epoch apart.
    pub(super) nonce: u64,
}

/// A replica as it names itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) version: String,
}

/// How far a replica's rows are, and what a table that has come so far must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableMark {
    /// The number of the newest delta.
    pub(super) seq: u64,
    pub(super) rows: u64,
    /// The digest of the rows' ids.
    pub(super) digest: u64,
}

/// Deltas `prev + 1` to `mark.seq`, one a line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) prev: u64,
    pub(super) mark: TableMark,
    pub(super) deltas: Packed,
}

/// A kind of message, with what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// To all: a replica has started.
    Hello(About),
    /// To all: send me this, for so long.
    Watch { want: Want, ttl: Duration },
    /// To all: no longer.
    Unwatch { want: Want },
    /// To all: a replica ends.
    Bye,
    /// Rows: nothing new. To one: that there are so many.
    Beat(About, TableMark),
    /// Sums, or to one: the sums number `seq` over so many rows.
    Sums { about: About, seq: u64, rows: u64, body: Packed },
    /// Rows: what is new.
    Deltas(Run),
    /// To one: what follows delta `seq`, or all rows if `seq` is 0 or the receiver is not the process of this nonce.
    Ask { seq: u64, nonce: u64 },
    /// To one: what it has missed.
    Missed(Run),
    /// To one: all rows after delta `seq`, as part of text number `number`.
    Whole { about: About, seq: u64, number: u64, slice: Slice },
    /// To one: a question, `METHOD /path?query`.
    Call { number: u64, request: String },
    /// To one: the answer to the question of that number.
    Answer { number: u64, status: u16, slice: Slice },
}

/// A message that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is of a newer format; the replica of this epoch speaks it, as far as that can be told.
    Version(Option<u32>),
    /// It is of a kind that is not known.
    Kind,
    /// It is none.
    Malformed,
}

impl Message {
    pub(super) fn encode(&self) -> Bytes {
        let Self { from: Sender { epoch, nonce }, content } = self;
        let mut line = String::with_capacity(128);
        let mut body = Packed::default();
        let kind = content.kind();
        // Writing to a `String` cannot fail.
        let _ = write!(line, "ar1 {kind} {epoch:08x} {nonce:016x}");
        match content {
            Content::Bye => {}
            Content::Hello(about) => write_about(&mut line, about),
            Content::Watch { want, ttl } => _ = write!(line, " want={want} ttl={}", ttl.as_millis()),
            Content::Unwatch { want } => _ = write!(line, " want={want}"),
            Content::Beat(about, mark) => {
                write_mark(&mut line, mark);
                write_about(&mut line, about);
            }
            Content::Sums { about, seq, rows, body: sums } => {
                let _ = write!(line, " seq={seq} n={rows}");
                write_about(&mut line, about);
                body = sums.clone();
            }
            Content::Deltas(run) | Content::Missed(run) => {
                let _ = write!(line, " prev={}", run.prev);
                write_mark(&mut line, &run.mark);
                body = run.deltas.clone();
            }
            Content::Ask { seq, nonce } => _ = write!(line, " seq={seq} nonce={nonce:016x}"),
            Content::Whole { about, seq, number, slice } => {
                let _ = write!(line, " seq={seq} re={number} part={}/{}", slice.index, slice.count);
                write_about(&mut line, about);
                body = slice.body.clone();
            }
            Content::Call { number, request } => {
                let _ = write!(line, " re={number}");
                body.bytes = Bytes::copy_from_slice(request.as_bytes());
            }
            Content::Answer { number, status, slice } => {
                let _ = write!(line, " re={number} status={status} part={}/{}", slice.index, slice.count);
                body = slice.body.clone();
            }
        }
        if body.is_deflated {
            line.push_str(" z=1");
        }
        let checksum = checksum(&line, &body.bytes);
        let _ = writeln!(line, "{CHECKSUM}{checksum:08x}");
        [line.as_bytes(), &body.bytes].concat().into()
    }

    pub(super) fn decode(bytes: &Bytes) -> Result<Self, Unreadable> {
        let end = memchr(b'\n', &bytes[..bytes.len().min(MAX_LINE)]).ok_or(Unreadable::Malformed)?;
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| Unreadable::Malformed)?;
        let (checked, expected) = line.rsplit_once(CHECKSUM).unwrap_or((line, ""));
        let mut words = checked.split_ascii_whitespace();
        let version = words.next().and_then(|word| word.strip_prefix("ar")).ok_or(Unreadable::Malformed)?;
        let kind = words.next().ok_or(Unreadable::Malformed)?;
        let epoch = words.next().and_then(|word| u32::from_str_radix(word, 16).ok());
        if version != "1" {
            return Err(Unreadable::Version(epoch));
        }
        if u32::from_str_radix(expected, 16) != Ok(checksum(checked, &bytes[end + 1..])) {
            return Err(Unreadable::Malformed);
        }
        let nonce = words.next().and_then(|word| u64::from_str_radix(word, 16).ok());
        let (Some(epoch), Some(nonce)) = (epoch, nonce) else { return Err(Unreadable::Malformed) };
        let keys = Keywords(words);
        let body = Packed { bytes: bytes.slice(end + 1..), is_deflated: keys.text("z") == Some("1") };
        let content = keys.content(kind, body)?;
        Ok(Self { from: Sender { epoch, nonce }, content })
    }
}

fn checksum(line: &str, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(line.as_bytes());
    hasher.update(body);
    hasher.finalize()
}

impl Content {
    fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Watch { .. } => "watch",
            Self::Unwatch { .. } => "unwatch",
            Self::Bye => "bye",
            Self::Beat(..) => "beat",
            Self::Sums { .. } => "sum",
            Self::Deltas(_) => "deltas",
            Self::Ask { .. } => "ask",
            Self::Missed(_) => "missed",
            Self::Whole { .. } => "whole",
            Self::Call { .. } => "call",
            Self::Answer { .. } => "answer",
        }
    }
}

fn write_about(line: &mut String, About { name, version }: &About) {
    let encode = |text| utf8_percent_encode(text, &NAME);
    let _ = write!(line, " name={} v={}", encode(name), encode(version));
}

fn write_mark(line: &mut String, TableMark { seq, rows, digest }: &TableMark) {
    let _ = write!(line, " seq={seq} n={rows} x={digest:016x}");
}

/// The keys and values of a first line.
#[derive(Clone)]
struct Keywords<'a>(SplitAsciiWhitespace<'a>);

impl<'a> Keywords<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.clone().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn number<T: std::str::FromStr>(&self, key: &str) -> Result<T, Unreadable> {
        self.text(key).and_then(|text| text.parse().ok()).ok_or(Unreadable::Malformed)
    }

    fn hex(&self, key: &str) -> Result<u64, Unreadable> {
        self.text(key).and_then(|text| u64::from_str_radix(text, 16).ok()).ok_or(Unreadable::Malformed)
    }

    /// A name, cut to what may be shown; empty if it is missing.
    fn name(&self, key: &str) -> String {
        let text = percent_decode_str(self.text(key).unwrap_or("")).decode_utf8_lossy();
        cut(&text).to_owned()
    }

    /// A want that is not known is as a kind that is not known.
    fn want(&self) -> Result<Want, Unreadable> {
        Want::read(self.text("want").ok_or(Unreadable::Malformed)?).ok_or(Unreadable::Kind)
    }

    fn about(&self) -> About {
        About { name: self.name("name"), version: self.name("v") }
    }

    fn mark(&self) -> Result<TableMark, Unreadable> {
        Ok(TableMark { seq: self.number("seq")?, rows: self.number("n")?, digest: self.hex("x")? })
    }

    fn slice(&self, body: Packed) -> Result<Slice, Unreadable> {
        let (index, count) = self.text("part").and_then(|part| part.split_once('/')).ok_or(Unreadable::Malformed)?;
        let number = |text: &str| text.parse().map_err(|_| Unreadable::Malformed);
        Ok(Slice { index: number(index)?, count: number(count)?, body })
    }

    fn content(&self, kind: &str, body: Packed) -> Result<Content, Unreadable> {
        let run = |body| Ok(Run { prev: self.number("prev")?, mark: self.mark()?, deltas: body });
        Ok(match kind {
            "hello" => Content::Hello(self.about()),
            "watch" => Content::Watch { want: self.want()?, ttl: Duration::from_millis(self.number("ttl")?) },
            "unwatch" => Content::Unwatch { want: self.want()? },
            "bye" => Content::Bye,
            "beat" => Content::Beat(self.about(), self.mark()?),
            "sum" => Content::Sums { about: self.about(), seq: self.number("seq")?, rows: self.number("n")?, body },
            "deltas" => Content::Deltas(run(body)?),
            "ask" => Content::Ask { seq: self.number("seq")?, nonce: self.hex("nonce")? },
            "missed" => Content::Missed(run(body)?),
            "whole" => Content::Whole {
                about: self.about(),
                seq: self.number("seq")?,
                number: self.number("re")?,
                slice: self.slice(body)?,
            },
            "call" => {
                let request = body.unpack().map_err(|_| Unreadable::Malformed)?;
                let request = std::str::from_utf8(&request).map_err(|_| Unreadable::Malformed)?;
                Content::Call { number: self.number("re")?, request: request.to_owned() }
            }
            "answer" => {
                Content::Answer { number: self.number("re")?, status: self.number("status")?, slice: self.slice(body)? }
            }
            _ => return Err(Unreadable::Kind),
        })
    }
}

/// `text`, cut at [`MAX_NAME`] bytes, at a character.
pub(super) fn cut(text: &str) -> &str {
    let end = (0..=MAX_NAME.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contents() -> Vec<Content> {
        let about = About { name: "proxy 1/ä=x".to_owned(), version: "0.1.0".to_owned() };
        let mark = TableMark { seq: 19, rows: 1204, digest: u64::MAX };
        let run = Run { prev: 17, mark, deltas: Packed::new(&[b'd'; 2000]) };
        let slice = Slice { index: 1, count: 3, body: Packed::new(b"{}") };
        vec![
            Content::Hello(about.clone()),
            Content::Watch { want: Want::Rows, ttl: Duration::from_millis(6000) },
            Content::Unwatch { want: Want::One(0x7f3a_9c01) },
            Content::Bye,
            Content::Beat(about.clone(), mark),
            Content::Sums { about: about.clone(), seq: 4, rows: 30_000, body: Packed::new(&[b's'; 2000]) },
            Content::Deltas(run.clone()),
            Content::Ask { seq: 0, nonce: 7 },
            Content::Missed(run),
            Content::Whole { about, seq: 19, number: 2, slice: slice.clone() },
            Content::Call { number: 3, request: "GET /logs?limit_errors=5".to_owned() },
            Content::Answer { number: 3, status: 202, slice },
        ]
    }

    #[test]
    fn each_kind_of_message_is_read_as_it_was_written() {
        for content in contents() {
            let message = Message { from: Sender { epoch: 0x7f3a_9c01, nonce: 0xc5 }, content };
            assert_eq!(Message::decode(&message.encode()), Ok(message));
        }
    }

    #[test]
    fn a_message_is_readable_text() {
        let content = Content::Watch { want: Want::Sums, ttl: Duration::from_secs(6) };
        let message = Message { from: Sender { epoch: 0x2a, nonce: 0xc5 }, content };
        assert_eq!(message.encode(), "ar1 watch 0000002a 00000000000000c5 want=sums ttl=6000 c=3804b1bb\n");
    }

    #[test]
    fn unknown_keys_are_skipped_and_unknown_kinds_and_versions_told() {
        let read =
            |text: &str| Message::decode(&Bytes::copy_from_slice(text.as_bytes())).map(|message| message.content);
        let decode = |text: &str| match text.split_once('\n') {
            Some((line, body)) => read(&format!("{line} c={:x}\n{body}", checksum(line, body.as_bytes()))),
            None => read(text),
        };
        assert_eq!(decode("ar1 bye 2a c5 new=1 z=0\nbody"), Ok(Content::Bye));
        assert_eq!(decode("ar1 dance 2a c5\n"), Err(Unreadable::Kind));
        assert_eq!(decode("ar1 unwatch 2a c5 want=songs\n"), Err(Unreadable::Kind));
        assert_eq!(decode("ar2 unwatch 2a c5\n"), Err(Unreadable::Version(Some(0x2a))));
        assert_eq!(decode("ar2 ? ?\n"), Err(Unreadable::Version(None)));
        for malformed in [
            "",
            "ar1 bye 2a c5",
            "\n",
            "x\n",
            "ar1\n",
            "ar1 bye\n",
            "ar1 bye 2a\n",
            "ar1 watch 2a c5 want=rows ttl=x\n",
        ] {
            assert_eq!(decode(malformed), Err(Unreadable::Malformed), "{malformed:?}");
        }
        let long = "x".repeat(100);
        let hello = decode(&format!("ar1 hello 2a c5 name={long}\n"));
        assert_eq!(hello, Ok(Content::Hello(About { name: "x".repeat(MAX_NAME), version: String::new() })));
    }

    #[test]
    fn a_message_with_a_damaged_byte_is_not_read() {
        for content in contents() {
            let good = Message { from: Sender { epoch: 1, nonce: 2 }, content }.encode();
            for at in 0..good.len() {
                let mut damaged = good.to_vec();
                damaged[at] ^= 1;
                assert!(Message::decode(&damaged.into()).is_err(), "{good:?}, byte {at}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_make_the_reader_panic(noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0..100_usize) {
            let _ = Message::decode(&Bytes::from(noise.clone()));
            for content in contents() {
                let mut bytes = Message { from: Sender { epoch: 1, nonce: 2 }, content }.encode().to_vec();
                let at = at.min(bytes.len());
                bytes.splice(at..(at + noise.len()).min(bytes.len()), noise.iter().copied());
                let _ = Message::decode(&bytes.into());
            }
        }
    }
}
