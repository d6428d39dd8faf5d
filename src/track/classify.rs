//! The choice of which responses count as errors.

use std::{fmt, sync::Arc};

use http::{HeaderMap, StatusCode};

use crate::tracker::ErrorType;

/// Decides which responses count as errors, by their head and by their trailers.
///
/// ```
/// use active_requests::{
///     track::{ActiveRequestsLayer, Classifier},
///     tracker::{ErrorType, RequestTracker},
/// };
///
/// let tracker = RequestTracker::default();
/// // The client's mistakes are not the service's errors.
/// let layer = ActiveRequestsLayer::new(tracker.clone()).classify(Classifier::server_errors());
/// // Everything is fine but what a header says is not.
/// let layer = ActiveRequestsLayer::new(tracker).classify(Classifier::new(|_status, headers| {
///     headers.contains_key("x-failed").then_some(ErrorType::ApiError)
/// }));
/// ```
#[derive(Clone)]
pub struct Classifier(Rule);

#[derive(Clone)]
enum Rule {
    AllErrors,
    ServerErrors,
    Grpc,
    Own(Arc<OwnRule>),
}

type OwnRule = dyn Fn(StatusCode, &HeaderMap) -> Option<ErrorType> + Send + Sync;

impl Classifier {
    /// Counts every status from 400 on as an error. This is the default.
    pub const fn all_errors() -> Self {
        Self(Rule::AllErrors)
    }

    /// Counts every status from 500 on as an error: what the client did wrong is not one of the service.
    pub const fn server_errors() -> Self {
        Self(Rule::ServerErrors)
    }

    /// Counts every `grpc-status` but 0, in the head or in the trailers, and every HTTP status from 400 on as an error.
    pub const fn grpc() -> Self {
        Self(Rule::Grpc)
    }

    /// Counts as an error what `rule` returns a type for. It is given the status with the headers, and again, if the response has
    /// trailers, the status with the trailers. [`ErrorType::of_status`] is the default's answer.
    pub fn new(rule: impl Fn(StatusCode, &HeaderMap) -> Option<ErrorType> + Send + Sync + 'static) -> Self {
        Self(Rule::Own(Arc::new(rule)))
    }

    /// The type of error, if it is one. `fields`: the headers or the trailers.
    pub(super) fn error_type(&self, status: StatusCode, fields: &HeaderMap) -> Option<ErrorType> {
        match &self.0 {
            Rule::AllErrors => ErrorType::of_status(status),
            Rule::ServerErrors => ErrorType::of_status(status).filter(|_| status.as_u16() >= 500),
            Rule::Grpc => grpc_error(fields).or_else(|| ErrorType::of_status(status)),
            Rule::Own(rule) => rule(status, fields),
        }
    }
}

impl Default for Classifier {
    fn default() -> Self {
        Self::all_errors()
    }
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Rule::AllErrors => "Classifier::all_errors",
            Rule::ServerErrors => "Classifier::server_errors",
            Rule::Grpc => "Classifier::grpc",
            Rule::Own(_) => "Classifier::new(..)",
        })
    }
}

/// The type of error that a `grpc-status` means. The codes are those of gRPC's `statuscodes.md`.
fn grpc_error(fields: &HeaderMap) -> Option<ErrorType> {
    let code: u32 = fields.get("grpc-status")?.to_str().ok()?.trim().parse().ok()?;
    match code {
        0 => None,
        1 => Some(ErrorType::Cancelled),
        4 => Some(ErrorType::Timeout),
        7 | 16 => Some(ErrorType::AuthError),
        8 => Some(ErrorType::RateLimit),
        14 => Some(ErrorType::UpstreamError),
        3 | 5 | 6 | 9 | 10 | 11 | 12 => Some(ErrorType::BadRequest),
        _ => Some(ErrorType::UnexpectedError),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_rule_has_its_own_errors() {
        let table = [
            (Classifier::default(), 200, None),
            (Classifier::default(), 404, Some(ErrorType::BadRequest)),
            (Classifier::default(), 500, Some(ErrorType::UpstreamHttpError)),
            (Classifier::server_errors(), 404, None),
            (Classifier::server_errors(), 503, Some(ErrorType::UpstreamError)),
            // A status beyond the known classes is to be taken for a 5xx (RFC 9110, section 15).
            (Classifier::server_errors(), 700, Some(ErrorType::UpstreamHttpError)),
            (Classifier::default(), 999, Some(ErrorType::UpstreamHttpError)),
            (
                Classifier::new(|status, _| (status == 204).then_some(ErrorType::ApiError)),
                204,
                Some(ErrorType::ApiError),
            ),
            (Classifier::new(|_, _| None), 500, None),
            (Classifier::grpc(), 200, None),
            (Classifier::grpc(), 503, Some(ErrorType::UpstreamError)),
        ];
        for (classifier, status, expected) in table {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(classifier.error_type(status, &HeaderMap::new()), expected, "{classifier:?} {status}");
        }
    }

    #[test]
    fn grpc_is_read_by_its_own_status() {
        for (code, expected) in [
            ("0", None),
            ("5", Some(ErrorType::BadRequest)),
            ("13", Some(ErrorType::UnexpectedError)),
            ("16", Some(ErrorType::AuthError)),
            ("not a number", None),
        ] {
            let fields =
                HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))]);
            assert_eq!(Classifier::grpc().error_type(StatusCode::OK, &fields), expected, "{code}");
        }
    }
}
