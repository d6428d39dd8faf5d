//! How a response ended, told from what was seen of it.

use crate::{
    tracker::Outcome,
    usage::{EndMark, Reading},
};
use http::{Method, StatusCode};

/// What ended the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its last frame, its trailers, or its end.
    Clean,
    /// An error.
    Error,
    /// It was dropped, which alone says little: a server drops a body once it has what it needs.
    Dropped,
}

/// What the request's method says of the body's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// For the head only.
    Head,
    /// For a tunnel.
    Tunnel,
    /// For a head and a body.
    Body,
}

impl Asked {
    pub(super) fn by(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Tunnel,
            _ => Self::Body,
        }
    }
}

/// What the heads say of the body's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) status: StatusCode,
    /// Bytes of the body, where declared.
    pub(super) length: Option<u64>,
    /// The connection goes over to another protocol; there is no body.
    pub(super) upgrade: bool,
    /// There is no body to send, whatever the service made: to `HEAD`, and with 204 and 304.
    pub(super) bodiless: bool,
}

impl Expected {
    pub(super) fn new(asked: Asked, status: StatusCode, length: Option<u64>) -> Self {
        Self {
            status,
            length,
            upgrade: status == StatusCode::SWITCHING_PROTOCOLS || (asked == Asked::Tunnel && status.is_success()),
            bodiless: asked == Asked::Head
                || status.is_informational()
                || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED),
        }
    }

    /// The outcome, once `seen` bytes of the body have passed.
    pub(super) fn outcome(&self, end: End, seen: u64, reading: &Reading) -> Outcome {
        if self.upgrade {
            return Outcome::Upgraded;
        }
        let complete = self.bodiless || self.length.is_some_and(|length| seen >= length);
        let whole = match end {
            End::Error => return Outcome::BodyError,
            End::Clean => true,
            End::Dropped => complete || reading.end == EndMark::Seen || reading.error.is_some(),
        };
        if !whole {
            return if std::thread::panicking() { Outcome::Panicked } else { Outcome::ClientDisconnect };
        }
        if reading.error.is_some() || self.status.is_client_error() || self.status.is_server_error() {
            Outcome::UpstreamError
        } else if reading.end == EndMark::Awaited && !self.bodiless {
            Outcome::Truncated
        } else {
            Outcome::Completed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, length: Option<u64>, end: End, seen: u64, reading: &Reading) -> Outcome {
        Expected::new(Asked::Body, StatusCode::from_u16(status).unwrap(), length).outcome(end, seen, reading)
    }

    #[test]
    fn a_dropped_body_is_judged_by_what_has_passed() {
        let plain = Reading::default();
        let awaited = Reading { end: EndMark::Awaited, ..Reading::default() };
        let seen = Reading { end: EndMark::Seen, ..Reading::default() };
        let failed = Reading { error: Some("overloaded".into()), ..Reading::default() };
        let table = [
            (200, None, End::Clean, 5, &plain, Outcome::Completed),
            (200, None, End::Dropped, 5, &plain, Outcome::ClientDisconnect),
            (200, Some(5), End::Dropped, 5, &plain, Outcome::Completed),
            (200, Some(5), End::Dropped, 4, &plain, Outcome::ClientDisconnect),
            (200, Some(5), End::Dropped, 5, &awaited, Outcome::Truncated),
            (204, None, End::Dropped, 0, &plain, Outcome::Completed),
            (304, None, End::Dropped, 0, &plain, Outcome::Completed),
            (200, None, End::Clean, 5, &awaited, Outcome::Truncated),
            (200, None, End::Dropped, 5, &awaited, Outcome::ClientDisconnect),
            (200, None, End::Dropped, 5, &seen, Outcome::Completed),
            (200, None, End::Clean, 5, &failed, Outcome::UpstreamError),
            (200, None, End::Dropped, 5, &failed, Outcome::UpstreamError),
            (200, None, End::Error, 5, &seen, Outcome::BodyError),
            (404, None, End::Clean, 5, &plain, Outcome::UpstreamError),
            (500, None, End::Dropped, 2, &plain, Outcome::ClientDisconnect),
            (101, None, End::Dropped, 0, &plain, Outcome::Upgraded),
        ];
        for (status, length, end, bytes, reading, expected) in table {
            assert_eq!(outcome(status, length, end, bytes, reading), expected, "{status} {length:?} {end:?} {bytes}");
        }
    }

    #[test]
    fn the_answer_to_head_is_complete_without_its_body() {
        let expected = Expected::new(Asked::by(&Method::HEAD), StatusCode::OK, Some(100));
        assert_eq!(expected.outcome(End::Dropped, 0, &Reading::default()), Outcome::Completed);
    }

    #[test]
    fn connect_is_an_upgrade_when_it_succeeds() {
        let upgrade = |status| {
            Expected::new(Asked::by(&Method::CONNECT), status, None).outcome(End::Dropped, 0, &Reading::default())
        };
        assert_eq!(upgrade(StatusCode::OK), Outcome::Upgraded);
        assert_eq!(upgrade(StatusCode::BAD_GATEWAY), Outcome::ClientDisconnect);
    }
}
