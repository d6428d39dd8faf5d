//! Rights: the uses of the monitor that an API key opens.

use std::fmt;

/// A right that a key of the monitor can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Right {
    /// Read the metrics for Prometheus, `GET /metrics`, and nothing else.
    Scrape,
    /// Read everything. Includes [`Scrape`](Self::Scrape).
    View,
    /// Cancel requests. Includes [`View`](Self::View).
    Operate,
}

impl Right {
    /// The right's name as in messages and settings: `scrape`, `view`, `operate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scrape => "scrape",
            Self::View => "view",
            Self::Operate => "operate",
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rights of one request. Each right includes those before it in [`Right`], so the highest tells all.
///
/// ```
/// use active_requests::config::{Right, Rights};
///
/// let rights = Rights::none().with(Right::View);
/// assert!(rights.may(Right::Scrape) && rights.may(Right::View) && !rights.may(Right::Operate));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    highest: Option<Right>,
}

impl Rights {
    /// No right at all.
    pub const fn none() -> Self {
        Self { highest: None }
    }

    /// These rights and `right`.
    #[must_use]
    pub fn with(self, right: Right) -> Self {
        Self { highest: self.highest.max(Some(right)) }
    }

    /// Returns whether `right` is among these.
    pub fn may(self, right: Right) -> bool {
        self.highest >= Some(right)
    }
}
