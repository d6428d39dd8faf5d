//! How the monitor asks for answers of all replicas.

use std::{fmt, pin::Pin};

use http::{HeaderMap, Method, Response};

use super::{body::ResponseBody, error::Error, operator::Operator, scope::Scope};
#[cfg(feature = "prometheus")]
use crate::metrics::FleetHealth;

/// A request that the fleet answers.
#[derive(Debug)]
#[cfg_attr(not(feature = "fleet"), expect(dead_code, reason = "there is no fleet to read it"))]
pub(crate) struct FleetRequest {
    pub(crate) scope: Scope,
    pub(crate) method: Method,
    /// Relative to the mount.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// Whether the client has the right to cancel requests.
    pub(crate) can_cancel: bool,
    /// The operator, if the request is to cancel another.
    pub(crate) operator: Option<Operator>,
}

/// The answer of the fleet, once others have answered.
pub(crate) type FleetAnswer = Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Error>> + Send>>;

/// Answers for all replicas of a fleet. The monitor knows no more of it.
pub(crate) trait FleetScope: fmt::Debug + Send + Sync {
    fn answer(&self, request: FleetRequest) -> FleetAnswer;

    /// How this replica's part in the fleet does.
    #[cfg(feature = "prometheus")]
    fn health(&self) -> FleetHealth;
}
