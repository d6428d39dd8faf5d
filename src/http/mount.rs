//! The path below which a service is reached.

use std::sync::Arc;

/// A path below which a service is reached: empty, or a `/` followed by a path without a closing slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mount(Arc<str>);

impl Mount {
    /// The mount at `path`; slashes at its ends make no difference.
    pub(crate) fn new(path: &str) -> Self {
        match path.trim_matches('/') {
            "" => Self::default(),
            path => Self(format!("/{path}").into()),
        }
    }

    /// The path of a request relative to the mount.
    ///
    /// A path that does not begin with the mount has been made relative by a router already, and is returned as it is.
    pub(crate) fn relative<'a>(&self, path: &'a str) -> &'a str {
        let rest = path.strip_prefix(&*self.0);
        rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_relative_once_by_whoever_comes_first() {
        for mount in ["/ops/metrics", "ops/metrics", "/ops/metrics/"] {
            for (path, relative) in [
                ("/ops/metrics/logs", "/logs"),
                ("/ops/metrics/", "/"),
                ("/ops/metrics", ""),
                ("/logs", "/logs"),
                ("/ops/metricsx", "/ops/metricsx"),
            ] {
                assert_eq!(Mount::new(mount).relative(path), relative, "{path} at {mount}");
            }
        }
        for mount in ["", "/"] {
            assert_eq!(Mount::new(mount).relative("/logs"), "/logs");
        }
    }
}
