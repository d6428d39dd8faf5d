//! One request and its answer, as drawn, with what its two ends tell each other.

use std::{fmt, time::Duration};

use tokio::sync::watch;

use crate::{
    answer::{Answer, Ending},
    draw::Draw,
};

/// The longest time that anything may take, however busy the machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The key that clients send.
pub const KEY: &str = "chaos-campaign-key";

/// The header that holds an exchange's number, which the proxy shows as a label.
pub const NUMBER: &str = "x-exchange";

/// A way to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// The client's side is closed, and what comes is still read.
    HalfClose,
}

/// The point at which a client leaves, or at which an operator ends its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The upstream has the request, and the client has nothing.
    BeforeHead,
    /// The client has the first part of the body, and there is no more.
    Midway,
}

/// The client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Reads to the end.
    Reads {
        /// Whether it pauses now and then.
        slowly: bool,
    },
    Leaves(When, Leave),
    /// Stops reading an endless answer, and leaves after a while.
    StopsReading(Leave, Duration),
    LeavesInUpload(Leave),
    /// Leaves after a time, wherever the exchange is.
    LeavesSometime(Leave, Duration),
    /// Has its request ended by an operator.
    IsKilled(When),
}

impl Client {
    /// How it leaves, if it does.
    pub fn leaves(self) -> Option<Leave> {
        match self {
            Self::Leaves(_, how)
            | Self::StopsReading(how, _)
            | Self::LeavesInUpload(how)
            | Self::LeavesSometime(how, _) => Some(how),
            Self::Reads { .. } | Self::IsKilled(_) => None,
        }
    }
}

/// The way in which a request's body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upload {
    AtOnce,
    InPieces,
    /// With a pause after each piece.
    Slowly,
    Expect100,
}

/// A request, as drawn.
#[derive(Clone, Debug)]
pub struct Sent {
    pub method: &'static str,
    pub path: String,
    pub body: Vec<u8>,
    /// What of the body comes to the upstream: the model's name is another.
    pub arrives: Vec<u8>,
    pub is_chunked: bool,
    pub upload: Upload,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// The upstream has the head of the request.
    pub has_arrived: bool,
    /// The upstream has the whole request, and whether it was as sent.
    pub upload: Option<bool>,
    /// Bytes of the answer's body that the client has got.
    pub read: usize,
}

/// See the [module](self).
pub struct Exchange {
    pub number: u64,
    pub sent: Sent,
    pub client: Client,
    pub answer: Answer,
    pub progress: watch::Sender<Progress>,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, sent, client, answer, progress } = self;
        write!(
            f,
            "exchange {number}: {} {} with {} bytes, {:?}{}; {client:?}; {:?}, {} with {} bytes, {:?}; {:?}",
            sent.method,
            sent.path,
            sent.body.len(),
            sent.upload,
            if sent.is_chunked { " in chunks" } else { "" },
            answer.name,
            answer.status,
            answer.body.len(),
            answer.ending,
            *progress.borrow(),
        )
    }
}

/// The kinds of connections that exchanges come on, as far as they restrict what can be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// One request after the other.
    Http1,
    /// Several requests at once, so that nobody may leave.
    Pipelined,
    Http2 {
        /// Whether the exchange has the connection to itself, so that it may take it away.
        is_alone: bool,
    },
}

impl Exchange {
    pub fn draw(draw: &mut Draw, number: u64, carrier: Carrier) -> Self {
        let client = client(draw, carrier);
        let mut is_head = false;
        let mut answer = match client {
            Client::Leaves(When::BeforeHead, _) | Client::IsKilled(When::BeforeHead) | Client::LeavesInUpload(_) => {
                Answer::held()
            }
            Client::Leaves(When::Midway, _) | Client::IsKilled(When::Midway) => Answer::held_midway(draw),
            Client::StopsReading(..) => Answer::endless(draw),
            Client::Reads { .. } | Client::LeavesSometime(..) if carrier != Carrier::Pipelined && draw.one_in(3) => {
                Answer::faulty(draw)
            }
            Client::Reads { .. } | Client::LeavesSometime(..) => {
                is_head = draw.one_in(12);
                Answer::whole(draw, is_head)
            }
        };
        // Those who share a pool with wild ones; a pipeline would end with the first that suffers.
        let shares = matches!(answer.ending, Ending::Whole(_)) && carrier != Carrier::Pipelined && draw.one_in(6);
        answer.is_wild |= shares;
        let sent = Sent::draw(draw, client, &answer, is_head, carrier);
        Self { number, sent, client, answer, progress: watch::Sender::default() }
    }

    /// Waits until the exchange is so far.
    pub async fn until(&self, is_so_far: impl FnMut(&Progress) -> bool) {
        let _ = self.progress.subscribe().wait_for(is_so_far).await;
    }

    pub fn note(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
    }

    /// The outcomes of which the books may show one.
    pub fn outcomes(&self) -> Vec<&'static str> {
        let by_itself = self.answer.ending.outcome();
        let mut outcomes = match self.client {
            Client::Reads { .. } => vec![by_itself],
            Client::Leaves(When::BeforeHead, _) | Client::LeavesInUpload(_) => vec!["cancelled"],
            Client::Leaves(When::Midway, _) | Client::StopsReading(..) => vec!["client_disconnect"],
            Client::IsKilled(_) => vec!["killed"],
            Client::LeavesSometime(..) => vec![by_itself, "cancelled", "client_disconnect"],
        };
        if self.answer.is_wild {
            // The connection that it was sent on was no longer good.
            outcomes.push("upstream_error");
        }
        outcomes
    }

    /// Whether the proxy may never have heard of it.
    pub fn may_be_unknown(&self) -> bool {
        matches!(self.client, Client::LeavesSometime(..))
    }
}

fn client(draw: &mut Draw, carrier: Carrier) -> Client {
    let leave = match carrier {
        Carrier::Http1 => draw.pick(&[Leave::Close, Leave::Reset, Leave::HalfClose]),
        Carrier::Http2 { is_alone: true } => draw.pick(&[Leave::Close, Leave::Reset]),
        _ => Leave::Reset,
    };
    let when = draw.pick(&[When::BeforeHead, When::Midway]);
    let sometime = Duration::from_micros(draw.between(0..12_000) as u64);
    let reads = Client::Reads { slowly: draw.one_in(8) };
    if carrier == Carrier::Pipelined {
        return reads;
    }
    match draw.between(0..20) {
        0..3 => Client::Leaves(when, leave),
        3 => Client::StopsReading(leave, Duration::from_millis(draw.between(1..40) as u64)),
        4 => Client::LeavesInUpload(if leave == Leave::HalfClose { Leave::Close } else { leave }),
        5..8 => Client::LeavesSometime(leave, sometime),
        8 => Client::IsKilled(when),
        _ => reads,
    }
}

impl Sent {
    fn draw(draw: &mut Draw, client: Client, answer: &Answer, is_head: bool, carrier: Carrier) -> Self {
        let provider = if answer.is_wild { "wild" } else { "calm" };
        let in_upload = matches!(client, Client::LeavesInUpload(_));
        let is_routed = !is_head && !in_upload && draw.one_in(3);
        let size = draw.size();
        let (mut method, mut path) = ("POST", format!("/{provider}/x"));
        let padding = "x".repeat(size);
        let rest = format!("\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{padding}\"}}]}}");
        let mut body = format!("{{\"model\":\"m\",{rest}").into_bytes();
        let mut arrives = body.clone();
        if is_routed {
            path = "/v1/chat/completions".to_owned();
            body = format!("{{\"model\":\"{provider}:m\",{rest}").into_bytes();
        } else if is_head {
            (method, body, arrives) = ("HEAD", Vec::new(), Vec::new());
        } else if !in_upload {
            method = draw.pick(&["POST", "POST", "POST", "PUT", "GET", "DELETE"]);
            if method == "GET" || draw.one_in(8) {
                (body, arrives) = (Vec::new(), Vec::new());
            }
        }
        let upload = match carrier {
            Carrier::Pipelined => Upload::AtOnce,
            _ if draw.one_in(2) => Upload::AtOnce,
            Carrier::Http1 if !body.is_empty() && !answer.is_early && draw.one_in(6) => Upload::Expect100,
            _ => draw.pick(&[Upload::InPieces, Upload::Slowly]),
        };
        let is_chunked = !body.is_empty() && draw.one_in(3);
        Self { method, path, body, arrives, is_chunked, upload }
    }
}
