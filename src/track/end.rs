//! How a response ended, told from what was seen of it.

use http::{Method, StatusCode};

use crate::{
    tracker::{ErrorType, Outcome},
    usage::{EndMark, Reading},
};

/// The way the body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its last frame, its trailers, or its end.
    Clean,
    /// An error.
    Error,
    /// A panic.
    Panic,
    /// It was dropped, which alone says little: a server drops a body once it has what it needs.
    Dropped,
}

/// The kind of response that a request's method asks for, as far as it decides how a body ends.
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

/// The end of the body, as far as the heads tell it beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) status: StatusCode,
    /// The type of error that head or trailers were classified as.
    pub(super) error_type: Option<ErrorType>,
    /// Bytes of the body, where declared.
    pub(super) length: Option<u64>,
    /// The connection goes over to another protocol; there is no body.
    pub(super) upgrade: bool,
    /// There is no body to send, whatever the service made: to `HEAD`, and with 204 and 304.
    pub(super) bodiless: bool,
}

impl Expected {
    pub(super) fn new(asked: Asked, status: StatusCode, error_type: Option<ErrorType>, length: Option<u64>) -> Self {
        Self {
            status,
            error_type,
            length,
            upgrade: status == StatusCode::SWITCHING_PROTOCOLS || (asked == Asked::Tunnel && status.is_success()),
            bodiless: asked == Asked::Head
                || status.is_informational()
                || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED),
        }
    }

    /// The outcome, once `passed` of the body has passed.
    pub(super) fn outcome(&self, end: End, passed: Passed, reading: &Reading) -> Outcome {
        if end == End::Panic {
            return Outcome::Panicked;
        }
        if self.upgrade {
            return Outcome::Upgraded;
        }
        // What a body says of an error counts by itself only after a head that told of none: else the head is what is judged.
        let by_head = self.status.as_u16() >= 400;
        let in_stream = reading.error.is_some() && !by_head;
        let complete = self.bodiless || self.length.is_some_and(|length| passed.bytes >= length);
        // Nobody left a body that nobody asked for: it was set aside, and the error that the head told of is all there is to tell.
        let set_aside = self.error_type.is_some() && !passed.asked_for;
        let whole = match end {
            End::Error => return Outcome::BodyError,
            End::Panic | End::Clean => true,
            End::Dropped => complete || set_aside || reading.end == EndMark::Seen || reading.error.is_some(),
        };
        if !whole {
            Outcome::ClientDisconnect
        } else if self.error_type.is_some() || in_stream {
            Outcome::UpstreamError
        } else if reading.end == EndMark::Awaited && !self.bodiless {
            Outcome::Truncated
        } else {
            Outcome::Completed
        }
    }
}

/// The part of a body that has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) bytes: u64,
    /// A frame has been asked for, whether there was one or not.
    pub(super) asked_for: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(asked: Asked, status: u16, length: Option<u64>) -> Expected {
        let status = StatusCode::from_u16(status).unwrap();
        Expected::new(asked, status, ErrorType::of_status(status), length)
    }

    fn outcome(status: u16, length: Option<u64>, end: End, bytes: u64, reading: &Reading) -> Outcome {
        let passed = Passed { bytes, asked_for: bytes > 0 };
        expected(Asked::Body, status, length).outcome(end, passed, reading)
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
            (600, None, End::Clean, 5, &plain, Outcome::UpstreamError),
            (500, None, End::Dropped, 2, &plain, Outcome::ClientDisconnect),
            (500, None, End::Dropped, 0, &plain, Outcome::UpstreamError),
            (200, None, End::Dropped, 0, &plain, Outcome::ClientDisconnect),
            (200, Some(5), End::Panic, 5, &seen, Outcome::Panicked),
            (500, None, End::Panic, 0, &plain, Outcome::Panicked),
            (101, None, End::Dropped, 0, &plain, Outcome::Upgraded),
        ];
        for (status, length, end, bytes, reading, expected) in table {
            assert_eq!(outcome(status, length, end, bytes, reading), expected, "{status} {length:?} {end:?} {bytes}");
        }
    }

    #[test]
    fn the_answer_to_head_is_complete_without_its_body() {
        let expected = expected(Asked::by(&Method::HEAD), 200, Some(100));
        assert_eq!(expected.outcome(End::Dropped, Passed::default(), &Reading::default()), Outcome::Completed);
    }

    #[test]
    fn only_what_is_classified_as_an_error_is_one() {
        let failed = Reading { error: Some("no such thing".into()), ..Reading::default() };
        let passed = Passed { bytes: 5, asked_for: true };
        let outcome = |status, error_type| {
            let expected = Expected::new(Asked::Body, StatusCode::from_u16(status).unwrap(), error_type, None);
            expected.outcome(End::Clean, passed, &failed)
        };
        assert_eq!(outcome(404, None), Outcome::Completed, "not even with an error in its body");
        assert_eq!(outcome(404, Some(ErrorType::BadRequest)), Outcome::UpstreamError);
        assert_eq!(outcome(200, None), Outcome::UpstreamError, "an error in the stream is one, whatever the head says");
    }

    #[test]
    fn connect_is_an_upgrade_when_it_succeeds() {
        let upgrade = |status| {
            let expected = expected(Asked::by(&Method::CONNECT), status, None);
            expected.outcome(End::Dropped, Passed { bytes: 0, asked_for: true }, &Reading::default())
        };
        assert_eq!(upgrade(200), Outcome::Upgraded);
        assert_eq!(upgrade(502), Outcome::ClientDisconnect);
    }
}
