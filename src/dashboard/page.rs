//! The page itself: its template filled for one response, and the policy that goes with it.

use super::assets::{Asset, GRID, PAGE, has_grid};
use bytes::Bytes;
use http::HeaderValue;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes nonces that cannot be guessed: `SipHash` under a key that the standard library draws from the system's random source, over a count
/// that never comes again.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    key: (RandomState, RandomState),
    count: AtomicU64,
}

impl Nonces {
    fn next(&self) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{:016x}{:016x}", self.key.0.hash_one(count), self.key.1.hash_one(count))
    }
}

/// The filled page and its `content-security-policy`; `None` if the template was not compiled in.
///
/// `metrics` is where the monitor is mounted, relative to the page or absolute.
pub(super) fn render(nonces: &Nonces, metrics: &str) -> Option<(Bytes, HeaderValue)> {
    let template = Asset::get(PAGE)?;
    let nonce = nonces.next();
    let page = std::str::from_utf8(&template.body)
        .ok()?
        .replace("{{nonce}}", &nonce)
        .replace("{{metrics}}", &escape(metrics))
        .replace("{{grid}}", if has_grid() { GRID } else { "" });
    // The grid makes its own style elements, hence the nonce, and draws icons from data URLs. Nothing comes from elsewhere, nothing is inline.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Some((Bytes::from(page), HeaderValue::try_from(policy).ok()?))
}

/// For an attribute in double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_nonces_are_the_same() {
        let nonces = Nonces::default();
        let (first, second) = (nonces.next(), nonces.next());
        assert_eq!(first.len(), 32, "{first}");
        assert_ne!(first, second);
        assert_ne!(first, Nonces::default().next(), "another service draws another key");
    }

    #[test]
    fn a_path_cannot_leave_its_attribute() {
        assert_eq!(escape(r#"/a"><script>&"#), "/a&quot;>&lt;script>&amp;");
    }
}
