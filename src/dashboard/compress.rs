//! The page's files in gzip, each compressed when the first client that accepts gzip asks for it.

use std::{
    collections::HashMap,
    io::Write as _,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue};

use super::assets::Asset;
use crate::http::{MIN_COMPRESSED, takes_gzip};

/// The compressed files, by the tag of the plain ones. There are at most as many as the page has files.
#[derive(Debug, Default)]
pub(super) struct CompressedFiles {
    files: Mutex<HashMap<HeaderValue, Bytes>>,
}

impl CompressedFiles {
    /// The file in the coding that the client accepts.
    pub(super) fn encode(&self, asset: Asset, request: &HeaderMap) -> Asset {
        if asset.body.len() < MIN_COMPRESSED || !takes_gzip(request) {
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
        match gzip_tag(&asset.etag) {
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

/// The tag of the compressed form: two representations must not share a strong tag (RFC 9110, section 8.8.1).
fn gzip_tag(plain: &HeaderValue) -> Option<HeaderValue> {
    let text = plain.to_str().ok()?.strip_suffix('"')?;
    HeaderValue::try_from(format!("{text}-gzip\"")).ok()
}
