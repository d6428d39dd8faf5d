//! Settings, from code or from the environment.
//!
//! `from_env` takes each variable that is set, keeps the default of each that is not, and refuses what it cannot read: a
//! wrong value is a [`ConfigError`] that names the variable, what was given and what is allowed; so is a name that begins with
//! `VDM_ACTIVE_REQUESTS_` and is none of the settings. (VDM stands for the Vandamme LLM proxy, whose settings keep working
//! here.) In code, each setting has a method of its name.

mod api_keys;
mod caller;
mod cors;
mod fleet;
mod labels;
mod monitor;
mod rights;
mod secret;
mod tracker;
mod vars;

#[cfg(feature = "monitor")]
pub(crate) use self::vars::boolean;
pub(crate) use self::{api_keys::bearer, caller::header_text};
pub use self::{
    api_keys::{API_KEY_HEADERS, KeyFile, sent_api_keys},
    caller::CallerSource,
    cors::{CorsOrigins, InvalidCorsOrigins},
    fleet::{FleetConfig, FleetName, FleetUrl, InvalidFleetName, InvalidFleetTimes, InvalidFleetUrl},
    labels::{BodyPath, LabelSources, MAX_LABELS},
    monitor::MonitorConfig,
    rights::{Right, Rights},
    secret::Secret,
    tracker::TrackerConfig,
    vars::{ConfigError, Value, Variable, check_names, read_variables},
};
