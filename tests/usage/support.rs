//! Bodies, and how they are read.

use active_requests::usage::{Meter, Reading};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{
    Compression,
    read::{GzEncoder, ZlibEncoder},
};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// A body and its content type.
pub(crate) struct Body {
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) coding: Option<&'static str>,
}

impl Body {
    pub(crate) fn sse(text: impl Into<String>) -> Self {
        Self { name: "inline".into(), content_type: "text/event-stream", bytes: text.into().into_bytes(), coding: None }
    }

    pub(crate) fn fixture(name: &str) -> Self {
        let bytes = std::fs::read(directory().join(name)).unwrap();
        let (content_type, bytes) = match Path::new(name).extension().and_then(|extension| extension.to_str()) {
            Some("sse") => ("text/event-stream; charset=utf-8", bytes),
            Some("ndjson") => ("application/x-ndjson", bytes),
            Some("json") => ("application/json; charset=UTF-8", bytes),
            Some("frames") => ("application/vnd.amazon.eventstream", frames(&String::from_utf8(bytes).unwrap())),
            other => panic!("no content type for {other:?}"),
        };
        Self { name: name.into(), content_type, bytes, coding: None }
    }

    pub(crate) fn fixtures() -> Vec<Self> {
        let names = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names.iter().map(|name| Self::fixture(name)).collect()
    }

    /// The body with a content coding.
    pub(crate) fn encoded(self, coding: &'static str) -> Self {
        let (plain, level) = (&self.bytes[..], Compression::default());
        let mut bytes = Vec::new();
        match coding {
            "gzip" => _ = GzEncoder::new(plain, level).read_to_end(&mut bytes).unwrap(),
            "deflate" => _ = ZlibEncoder::new(plain, level).read_to_end(&mut bytes).unwrap(),
            "zstd" => bytes = zstd::encode_all(plain, 3).unwrap(),
            other => panic!("no encoder for {other}"),
        }
        Self { bytes, coding: Some(coding), ..self }
    }

    pub(crate) fn meter(&self) -> Meter {
        let mut head = http::Response::builder().header("content-type", self.content_type);
        if let Some(coding) = self.coding {
            head = head.header("content-encoding", coding);
        }
        Meter::for_response(&head.body(()).unwrap().into_parts().0)
    }

    /// Reads the body in pieces of so many bytes, as `cut` says.
    pub(crate) fn read(&self, mut cut: impl FnMut() -> usize) -> Reading {
        let mut meter = self.meter();
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cut().clamp(1, rest.len()));
            meter.observe(piece);
            rest = behind;
        }
        meter.finish();
        meter.reading().clone()
    }

    pub(crate) fn read_whole(&self) -> Reading {
        self.read(|| usize::MAX)
    }
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/usage")
}

/// AWS messages from lines of `event-type payload`; the payload of a `chunk` is wrapped as InvokeModel does it, and `!`
/// marks an exception.
fn frames(lines: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for line in lines.lines() {
        let (name, payload) = line.split_once(' ').unwrap();
        let payload = match name {
            "chunk" => format!("{{\"bytes\":\"{}\",\"p\":\"abc\"}}", BASE64.encode(payload)),
            _ => payload.to_owned(),
        };
        body.extend(match name.strip_prefix('!') {
            Some(exception) => frame("exception", ":exception-type", exception, &payload),
            None => frame("event", ":event-type", name, &payload),
        });
    }
    body
}

pub(crate) fn frame(kind: &str, name_header: &str, name: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (header, value) in [(name_header, name), (":content-type", "application/json"), (":message-type", kind)] {
        headers.push(header.len() as u8);
        headers.extend(header.as_bytes());
        headers.push(7);
        headers.extend((value.len() as u16).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let mut frame = Vec::new();
    frame.extend((16 + headers.len() as u32 + payload.len() as u32).to_be_bytes());
    frame.extend((headers.len() as u32).to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload.as_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}
