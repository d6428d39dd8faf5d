//! The upstream's side of an exchange: what it sends, when, and how that must end for a client that reads to the end.

use std::time::Duration;

use crate::draw::Draw;

/// One thing that the upstream does on its connection, after it has read the request.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Waits until the client has got so many bytes of the body.
    AwaitClient(usize),
    /// Waits until the proxy has closed the connection.
    AwaitGone,
    /// Sends this again and again until the proxy has closed the connection.
    Flood(Vec<u8>),
    /// Closes the connection with a reset.
    Reset,
}

/// The way an answer ends if nothing but the upstream ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With all of its body, and this outcome.
    Whole(&'static str),
    /// Broken off in the body.
    Cut,
    /// Without a head that could be passed on: the proxy answers with this status.
    ByProxy(u16),
    /// Not at all.
    Open,
}

impl Ending {
    /// The outcome that the proxy's books must show.
    pub fn outcome(self) -> &'static str {
        match self {
            Self::Whole(outcome) => outcome,
            Self::Cut => "body_error",
            Self::ByProxy(_) => "upstream_error",
            Self::Open => "nothing",
        }
    }
}

/// An answer, as drawn.
#[derive(Clone, Debug)]
pub struct Answer {
    pub name: &'static str,
    /// Whether it comes before the upstream has read the request's body.
    pub is_early: bool,
    pub steps: Vec<Step>,
    /// Whether the connection is kept for another request afterwards.
    pub is_kept: bool,
    /// Whether it leaves the connection in a state that the next request on it may suffer from.
    pub is_wild: bool,
    pub status: u16,
    /// What the client gets of the body before the end, or before the upstream falls silent.
    pub body: Vec<u8>,
    /// Good bytes at the start of a broken end, of which the client may get all, some or none beyond `body`.
    pub tail: &'static [u8],
    pub ending: Ending,
}

/// A body, and how the proxy must judge it once it is whole.
struct Content {
    headers: &'static str,
    bytes: Vec<u8>,
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    Close,
}

const EVENT: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"TEXT\"}}]}\n\n";
const STOP: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\
                    \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5,\"total_tokens\":8}}\n\ndata: [DONE]\n\n";

fn events(draw: &mut Draw, end: &str) -> Vec<u8> {
    let count = draw.between(1..40);
    let text: String = (0..count).map(|n| EVENT.replace("TEXT", &"word ".repeat(n % 7))).collect();
    (text + end).into_bytes()
}

impl Content {
    fn draw(draw: &mut Draw) -> Self {
        let stream = "content-type: text/event-stream\r\n";
        match draw.between(0..10) {
            0..4 => Self { headers: stream, bytes: events(draw, STOP), outcome: "completed" },
            4 => Self { headers: stream, bytes: events(draw, ""), outcome: "truncated" },
            5 => {
                let end = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
                Self { headers: stream, bytes: events(draw, end), outcome: "upstream_error" }
            }
            6 => {
                let size = draw.size();
                let lie = "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n";
                Self { headers: lie, bytes: draw.bytes(size), outcome: "completed" }
            }
            7 => {
                let size = draw.size();
                Self {
                    headers: "content-type: application/octet-stream\r\n",
                    bytes: draw.bytes(size),
                    outcome: "completed",
                }
            }
            _ => {
                let text = "word ".repeat(draw.size() / 5);
                let bytes = format!(
                    "{{\"model\":\"m\",\"choices\":[{{\"message\":{{\"content\":\"{text}\"}}}}],\"usage\":{{\"prompt_tokens\":1,\"completion_tokens\":2}}}}"
                );
                Self { headers: "content-type: application/json\r\n", bytes: bytes.into_bytes(), outcome: "completed" }
            }
        }
    }
}

fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

impl Framing {
    fn header(self, length: usize) -> String {
        match self {
            Self::Length => format!("content-length: {length}\r\n"),
            Self::Chunked => "transfer-encoding: chunked\r\n".to_owned(),
            Self::Close => "connection: close\r\n".to_owned(),
        }
    }

    fn piece(self, data: &[u8]) -> Vec<u8> {
        if self == Self::Chunked { chunk(data) } else { data.to_vec() }
    }

    fn end(self) -> &'static [u8] {
        if self == Self::Chunked { b"0\r\n\r\n" } else { b"" }
    }
}

/// A pause of a few milliseconds.
fn pause(draw: &mut Draw) -> Step {
    Step::Pause(Duration::from_millis(draw.between(1..8) as u64))
}

/// Sends of these bytes, with pauses in between where it is `slow`.
fn sends(draw: &mut Draw, pieces: Vec<Vec<u8>>, slow: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in pieces {
        steps.push(Step::Send(piece));
        if slow && draw.one_in(2) {
            steps.push(pause(draw));
        }
    }
    steps
}

impl Answer {
    fn new(name: &'static str, steps: Vec<Step>, ending: Ending) -> Self {
        let (status, body) = (if let Ending::ByProxy(status) = ending { status } else { 200 }, Vec::new());
        Self { name, is_early: false, steps, is_kept: false, is_wild: false, status, body, tail: b"", ending }
    }

    /// An answer that comes to its end without a fault.
    pub fn whole(draw: &mut Draw, is_head: bool) -> Self {
        let content = Content::draw(draw);
        let framing = if is_head {
            Framing::Length
        } else {
            draw.pick(&[Framing::Length, Framing::Chunked, Framing::Chunked, Framing::Close])
        };
        let closes = framing == Framing::Close || draw.one_in(4);
        let (mut status, mut outcome) = (200, content.outcome);
        if draw.one_in(8) {
            (status, outcome) = (draw.pick(&[400, 401, 404, 429, 500, 503, 529]), "upstream_error");
        }
        let mut head = String::new();
        let mut name = "whole";
        if draw.one_in(8) {
            name = "interim answers first";
            head += draw.pick(&[
                "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
            ]);
        }
        head += &format!("HTTP/1.1 {status} As It Is\r\n{}{}", content.headers, framing.header(content.bytes.len()));
        if closes && framing != Framing::Close {
            head += "connection: close\r\n";
        }
        let mut last = framing.end().to_vec();
        if framing == Framing::Chunked && draw.one_in(6) {
            name = "trailers";
            head += "trailer: x-sum\r\n";
            last = b"0\r\nx-sum: 1\r\n\r\n".to_vec();
        }
        if framing == Framing::Chunked && draw.one_in(12) {
            name = "a length beside chunks";
            head += &format!("content-length: {}\r\n", draw.between(0..9));
        }
        head += "\r\n";
        let mut pieces = if draw.one_in(4) { draw.cut(head.as_bytes(), 8) } else { vec![head.into_bytes()] };
        if !is_head {
            pieces.extend(draw.cut(&content.bytes, 10).iter().map(|piece| framing.piece(piece)));
            pieces.push(last);
        }
        if draw.one_in(2) {
            // As a server does that has all of it.
            pieces = vec![pieces.concat()];
        }
        let slow = draw.one_in(3);
        let mut answer = Self::new(
            name,
            sends(draw, pieces, slow),
            Ending::Whole(if is_head && status == 200 { "completed" } else { outcome }),
        );
        answer.is_kept = !closes;
        answer.status = status;
        answer.body = if is_head { Vec::new() } else { content.bytes };
        answer
    }

    /// An answer with an end that no client asked for.
    pub fn faulty(draw: &mut Draw) -> Self {
        match draw.between(0..24) {
            0..8 => Self::cut(draw),
            8 => Self::new("no answer, closed", vec![], Ending::ByProxy(502)),
            9 => Self::new("no answer, reset", vec![Step::Reset], Ending::ByProxy(502)),
            10 | 11 => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n";
                let at = draw.between(1..head.len());
                let end = if draw.one_in(2) { vec![Step::Reset] } else { vec![] };
                let steps = [vec![Step::Send(head[..at].to_vec())], end].concat();
                Self::new("a head cut off", steps, Ending::ByProxy(502))
            }
            12 | 13 => {
                let size = draw.between(8..400);
                let garbage = draw.pick(&[0, 1, 2, 3]);
                let bytes = match garbage {
                    0 => [b"\x16\x03\x01", &draw.bytes(size)[..]].concat(),
                    1 => b"HTTP/2.0 200 OK\r\n\r\n".to_vec(),
                    2 => b"HTTP/1.1 200 OK\r\nbad header line\r\n\r\n".to_vec(),
                    _ => b"<html>not http</html>\r\n\r\n".to_vec(),
                };
                Self::new("garbage", vec![Step::Send(bytes), Step::AwaitGone], Ending::ByProxy(502))
            }
            14 => {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde".to_vec();
                Self::new("two lengths", vec![Step::Send(head), Step::AwaitGone], Ending::ByProxy(502))
            }
            15 => {
                let head = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec();
                Self::new("an upgrade nobody asked for", vec![Step::Send(head), Step::AwaitGone], Ending::ByProxy(502))
            }
            16 => Self::new("never answers", vec![Step::AwaitGone], Ending::ByProxy(504)),
            17 => {
                let mut answer = Self::cut(draw);
                answer.steps.retain(|step| !matches!(step, Step::Reset));
                if let Some(at) = answer.steps.iter().position(|step| matches!(step, Step::AwaitClient(_))) {
                    answer.steps.truncate(at);
                }
                answer.steps.push(Step::AwaitGone);
                answer.name = "falls silent in the body";
                answer
            }
            18 => {
                let head = "HTTP/1.1 413 Too Large\r\ncontent-type: text/plain\r\ncontent-length: 4\r\nconnection: close\r\n\r\nmuch";
                let mut answer = Self::new(
                    "an early refusal",
                    vec![Step::Send(head.as_bytes().to_vec()), Step::AwaitGone],
                    Ending::Whole("upstream_error"),
                );
                (answer.is_early, answer.status, answer.body) = (true, 413, b"much".to_vec());
                answer
            }
            _ => Self::wild(draw),
        }
    }

    /// An answer without a fault on a connection that then is not what it seems to be.
    fn wild(draw: &mut Draw) -> Self {
        let mut answer = Self::whole(draw, false);
        while !answer.is_kept {
            answer = Self::whole(draw, false);
        }
        let intruder = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 8\r\n\r\nintruder".to_vec();
        (answer.is_wild, answer.is_kept) = (true, false);
        let late = pause(draw);
        // Bytes that come later are not played: nobody can tell them from the answer to a request that has left meanwhile.
        match draw.between(0..3) {
            0 if answer.body.len() < 4_000 => {
                answer.name = "bytes behind the answer";
                // In one piece, so that they are there when the answer ends.
                let sent = answer
                    .steps
                    .iter()
                    .filter_map(|step| if let Step::Send(bytes) = step { Some(&bytes[..]) } else { None });
                let sent = sent.chain([&intruder[..]]).collect::<Vec<_>>().concat();
                answer.steps = vec![Step::Send(sent), Step::AwaitGone];
            }
            0 | 1 => {
                answer.name = "kept and closed";
                answer.steps.push(late);
            }
            _ => {
                answer.name = "kept and reset";
                answer.steps.extend([Step::AwaitClient(answer.body.len()), late, Step::Reset]);
            }
        }
        answer
    }

    /// An answer that breaks off once the client has got the first part of its body.
    fn cut(draw: &mut Draw) -> Self {
        let mut answer = Self::begun(draw);
        answer.steps.push(Step::AwaitClient(answer.body.len()));
        answer.ending = Ending::Cut;
        let is_chunked = answer.name.contains("chunks");
        if is_chunked && draw.one_in(2) {
            answer.name = "a bad chunk";
            let bad: [(&str, &[u8]); 5] = [
                ("zz\r\nabc\r\n", b""),
                ("-1\r\n", b""),
                ("5\r\nabcdefgh\r\n", b"abcde"),
                ("ffffffffffffffffff\r\nabc", b""),
                ("\r\n\r\n", b""),
            ];
            let (bad, good) = draw.pick(&bad);
            answer.tail = good;
            answer.steps.push(Step::Send(bad.as_bytes().to_vec()));
            answer.steps.push(Step::AwaitGone);
        } else if draw.one_in(2) {
            answer.name = "reset in the body";
            answer.steps.push(Step::Reset);
        } else {
            answer.name = "closed in the body";
        }
        answer
    }

    /// The first part of an answer, at least a byte of its body included, and no end.
    fn begun(draw: &mut Draw) -> Self {
        let size = draw.between(2..2_000);
        let (headers, bytes) = match draw.between(0..3) {
            0 => ("content-type: text/event-stream\r\n", events(draw, "")),
            1 => ("content-type: application/json\r\n", vec![b' '; size]),
            _ => ("content-type: application/octet-stream\r\n", draw.bytes(size)),
        };
        let framing = draw.pick(&[Framing::Length, Framing::Chunked]);
        let sent = 1 + draw.between(0..bytes.len() - 1);
        let head = format!("HTTP/1.1 200 OK\r\n{headers}{}\r\n", framing.header(bytes.len()));
        let mut pieces = vec![head.into_bytes()];
        pieces.extend(draw.cut(&bytes[..sent], 6).iter().map(|piece| framing.piece(piece)));
        let slow = draw.one_in(3);
        let name = if framing == Framing::Chunked { "begun, in chunks" } else { "begun, with a length" };
        let mut answer = Self::new(name, sends(draw, pieces, slow), Ending::Open);
        answer.body = bytes[..sent].to_vec();
        answer
    }

    /// An answer that begins and then waits for the proxy to go.
    pub fn held_midway(draw: &mut Draw) -> Self {
        let mut answer = Self::begun(draw);
        answer.steps.push(Step::AwaitGone);
        answer
    }

    /// No answer, and a wait for the proxy to go.
    pub fn held() -> Self {
        Self::new("held", vec![Step::AwaitGone], Ending::Open)
    }

    /// An answer without end, as fast as it is taken.
    pub fn endless(draw: &mut Draw) -> Self {
        let event = EVENT.replace("TEXT", &"flood ".repeat(1_000));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let piece = if draw.one_in(2) { event.into_bytes() } else { draw.bytes(20_000) };
        let steps = vec![Step::Send(head.as_bytes().to_vec()), Step::Flood(chunk(&piece))];
        let mut answer = Self::new("endless", steps, Ending::Open);
        // As much of it as a client looks at.
        answer.body = piece.repeat(4);
        answer
    }
}
