//! The page's files with gzip, for those who take it: each is compressed once, when it is first asked for.

use super::assets::Asset;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue};
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// What fits into one packet anyway is not worth the work.
const MIN_COMPRESSED: usize = 1400;

/// Compressed files by the tag of the plain ones. There are as many as the page has files.
#[derive(Debug, Default)]
pub(super) struct Cache {
    files: Mutex<HashMap<HeaderValue, Bytes>>,
}

impl Cache {
    /// The file as this reader takes it.
    pub(super) fn encode(&self, asset: Asset, headers: &HeaderMap) -> Asset {
        if asset.body.len() < MIN_COMPRESSED || !crate::http::takes_gzip(headers) {
            return asset;
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let body = match files.get(&asset.etag) {
            Some(body) => body.clone(),
            None => {
                let Some(body) = gzip(&asset.body) else {
                    return asset;
                };
                files.insert(asset.etag.clone(), body.clone());
                body
            }
        };
        match tag(&asset.etag) {
            Some(etag) => Asset { body, etag, gzipped: true, ..asset },
            None => asset,
        }
    }
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Two representations must not share a strong tag (RFC 9110, 8.8.1).
fn tag(plain: &HeaderValue) -> Option<HeaderValue> {
    let text = plain.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::try_from(format!("{text}-gzip\"")).ok()
}
