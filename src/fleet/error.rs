//! Errors of a fleet's start.

use std::fmt;

use crate::config::InvalidFleetTimes;

/// An error of [`Fleet::connect`](super::Fleet::connect). A server that is not there is none: the bus connects as soon as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FleetError {
    /// There is no address: `VDM_ACTIVE_REQUESTS_FLEET_URL` is not set.
    NoUrl,
    /// The times do not go together.
    Times(InvalidFleetTimes),
    /// The program was built without the feature that the address needs.
    Feature(&'static str),
    /// The address or the credentials cannot be used, for this reason.
    Unusable(String),
    /// The setting of this name is of no use without another, which is not set.
    Vain {
        /// The setting.
        setting: &'static str,
        /// The one that it needs, with the value that it needs.
        needs: &'static str,
    },
    /// The file of certificate authorities cannot be read, or has none.
    CaFile {
        /// Its path.
        path: String,
        /// The reason.
        reason: String,
    },
    /// The file of credentials cannot be read.
    Credentials {
        /// Its path.
        path: String,
        /// The reason.
        reason: String,
    },
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUrl => {
                f.write_str("VDM_ACTIVE_REQUESTS_FLEET_URL is not set: a fleet needs the address of its server")
            }
            Self::Times(error) => error.fmt(f),
            Self::Feature(feature) => write!(
                f,
                "VDM_ACTIVE_REQUESTS_FLEET_URL needs the feature `{feature}`, without which this program was built"
            ),
            Self::Unusable(reason) => write!(f, "VDM_ACTIVE_REQUESTS_FLEET_URL cannot be used: {reason}"),
            Self::Vain { setting, needs } => write!(f, "{setting} is set, and is of no use without {needs}"),
            Self::CaFile { path, reason } => {
                write!(f, "VDM_ACTIVE_REQUESTS_FLEET_CA_FILE={path:?} cannot be used: {reason}")
            }
            Self::Credentials { path, reason } => {
                write!(f, "VDM_ACTIVE_REQUESTS_FLEET_CREDENTIALS={path:?} cannot be read: {reason}")
            }
        }
    }
}

impl std::error::Error for FleetError {}

impl From<InvalidFleetTimes> for FleetError {
    fn from(error: InvalidFleetTimes) -> Self {
        Self::Times(error)
    }
}
