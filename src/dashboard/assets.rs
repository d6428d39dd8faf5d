//! The page's files, compiled into the program, with the headers of each.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;
use rust_embed::RustEmbed;

/// The page's files. The grid in `vendor` is fetched from npm and may be missing; the page then draws a plain table.
#[derive(RustEmbed)]
#[folder = "assets/"]
#[include = "dashboard/*.html"]
#[include = "dashboard/*.js"]
#[include = "dashboard/*.css"]
#[include = "dashboard/*.svg"]
#[include = "sse/*.js"]
#[include = "vendor/*.js"]
#[include = "vendor/*.txt"]
#[allow_missing = true]
struct Files;

/// The folder of the page's own files below `assets`, and the name under which it is served: the service itself is usually mounted at
/// `/dashboard`, and its files are `/dashboard/page/..`.
const FOLDER: &str = "dashboard/";
const SERVED_AS: &str = "page/";

/// The page's template.
pub(super) const PAGE: &str = "page/index.html";

/// AG Grid, where `npm run vendor` has put it.
pub(super) const GRID: &str = "vendor/ag-grid-community.min.noStyle.js";

/// One file.
pub(super) struct Asset {
    pub(super) body: Bytes,
    pub(super) content_type: HeaderValue,
    /// A strong tag, the hash of the content; the compressed form has another.
    pub(super) etag: HeaderValue,
    pub(super) gzipped: bool,
}

impl Asset {
    /// The file served at `path`, relative to the mount; `None` if there is none or its type is not served.
    pub(super) fn get(path: &str) -> Option<Self> {
        let content_type = content_type(path)?;
        let file = match path.strip_prefix(SERVED_AS) {
            Some(own) => Files::get(&format!("{FOLDER}{own}"))?,
            None if path.starts_with(FOLDER) => return None,
            None => Files::get(path)?,
        };
        let etag = etag(&file.metadata.sha256_hash())?;
        let body = match file.data {
            Cow::Borrowed(data) => Bytes::from_static(data),
            Cow::Owned(data) => Bytes::from(data),
        };
        Some(Self { body, content_type, etag, gzipped: false })
    }
}

/// Whether the grid was compiled in.
pub(super) fn has_grid() -> bool {
    Files::get(GRID).is_some()
}

fn content_type(path: &str) -> Option<HeaderValue> {
    let (_, extension) = path.rsplit_once('.')?;
    let name = match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    };
    Some(HeaderValue::from_static(name))
}

/// The tag of a file, of sixteen bytes of its hash.
fn etag(hash: &[u8; 32]) -> Option<HeaderValue> {
    let bits = u128::from_be_bytes(*hash.first_chunk()?);
    HeaderValue::try_from(format!("\"{bits:032x}\"")).ok()
}
