//! Access to the monitor: rights, and pages of other sites.

use http::{HeaderMap, HeaderValue, header, request::Parts};

use super::error::Error;
use crate::config::{CorsOrigins, MonitorConfig, Right, Rights};

/// Returns the rights of a request that may do what needs `right`.
///
/// # Errors
/// The request lacks the right: `401` for somebody unknown, `403` for somebody known, or where nobody can have the right.
pub(super) fn check(config: &MonitorConfig, request: &Parts, right: Right) -> Result<Rights, Error> {
    let rights = config.rights(request);
    if rights.may(right) {
        return Ok(rights);
    }
    // No key would help.
    if right == Right::Operate && !config.can_operate() {
        return Err(Error::nobody_may_cancel());
    }
    let is_open = rights.may(Right::View);
    if !is_open && !config.knows(request) {
        return Err(Error::unauthorized(right));
    }
    Err(Error::forbidden(right))
}

/// Says in the answer's headers whether a page of the request's origin may read it.
pub(super) fn allow_origin(origins: &CorsOrigins, request: &HeaderMap, answer: &mut HeaderMap) {
    let allowed = match origins {
        CorsOrigins::None => return,
        CorsOrigins::Any => HeaderValue::from_static("*"),
        CorsOrigins::List(_) => {
            answer.append(header::VARY, HeaderValue::from_static("origin"));
            let origin = request.get(header::ORIGIN);
            match origin.filter(|origin| origin.to_str().is_ok_and(|origin| origins.allows(origin))) {
                Some(origin) => origin.clone(),
                None => return,
            }
        }
    };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag, retry-after"));
}
