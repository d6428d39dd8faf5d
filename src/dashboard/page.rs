//! The page: its template filled for one response, and its `content-security-policy`.

use bytes::Bytes;
use http::HeaderValue;

use super::assets::{Asset, GRID, PAGE, has_grid};

/// The page with its policy, for one response: each has a nonce of its own. `None` if the system yields no random bytes.
///
/// `metrics` is where the monitor is mounted, relative to the page or absolute.
pub(super) fn render(metrics: &str) -> Option<(Bytes, HeaderValue)> {
    let template = Asset::get(PAGE)?;
    let nonce = nonce()?;
    let page = std::str::from_utf8(&template.body)
        .ok()?
        .replace("{{nonce}}", &nonce)
        .replace("{{metrics}}", &escape(metrics))
        .replace("{{grid}}", if has_grid() { GRID } else { "" });
    // The nonce is for the one inline script and for the style elements that the grid makes; the grid draws icons from data URLs.
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Some((Bytes::from(page), HeaderValue::try_from(policy).ok()?))
}

/// 128 random bits in hexadecimal digits.
fn nonce() -> Option<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).ok()?;
    Some(format!("{:032x}", u128::from_ne_bytes(bits)))
}

/// Escapes `text` for an attribute in double quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_nonces_are_the_same() {
        let (first, second) = (nonce().unwrap(), nonce().unwrap());
        assert_eq!(first.len(), 32, "{first}");
        assert_ne!(first, second);
    }

    #[test]
    fn a_path_cannot_leave_its_attribute() {
        assert_eq!(escape(r#"/a"><script>&"#), "/a&quot;>&lt;script>&amp;");
    }
}
