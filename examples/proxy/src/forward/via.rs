//! The header `Via`, by which requests that come back are noticed (RFC 9110, section 7.6.3).

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use http::{HeaderMap, HeaderValue, StatusCode, Version, header};

use crate::refusal::Refusal;

/// A name that this process has for itself and shares with no other.
#[derive(Clone, Debug)]
pub struct Pseudonym {
    name: String,
    /// The header's value for requests received over HTTP/1.0, HTTP/1.1 and HTTP/2.
    hops: [Option<HeaderValue>; 3],
}

impl Default for Pseudonym {
    fn default() -> Self {
        // Seeded at random, and so is its first value.
        let drawn = RandomState::new().build_hasher().finish();
        let name = format!("active-requests-{drawn:016x}");
        let hops = ["1.0", "1.1", "2"].map(|protocol| HeaderValue::try_from(format!("{protocol} {name}")).ok());
        Self { name, hops }
    }
}

impl Pseudonym {
    /// Checks that a request has not been here before.
    ///
    /// # Errors
    /// It has: it would go round for ever.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut lines = headers.get_all(header::VIA).iter();
        let is_mine = |line: &HeaderValue| memchr::memmem::find(line.as_bytes(), self.name.as_bytes()).is_some();
        if lines.any(is_mine) {
            return Err(Refusal::new(
                StatusCode::LOOP_DETECTED,
                "The request has come back to this proxy: a provider's base URL leads here.",
            ));
        }
        Ok(())
    }

    /// Adds this hop to those that a request has made.
    pub fn sign(&self, headers: &mut HeaderMap, received: Version) {
        let [http_10, http_11, http_2] = &self.hops;
        let hop = match received {
            Version::HTTP_2 => http_2,
            Version::HTTP_10 => http_10,
            _ => http_11,
        };
        if let Some(hop) = hop {
            headers.append(header::VIA, hop.clone());
        }
    }
}
