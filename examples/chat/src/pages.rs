//! The chat in the browser: files as they stand in the repository, built in.

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use crate::request::Refusal;

/// Nothing but this server's own files runs in the pages, and nothing leaves for another.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($path:literal: $content_type:ident $file:literal,)*) => {
        &[$(($path, $content_type, include_str!($file))),*]
    };
}

const FILES: &[(&str, &str, &str)] = files! {
    "/": HTML "../page/index.html",
    "/chat/chat.css": CSS "../page/chat.css",
    "/chat/main.js": JS "../page/main.js",
    "/chat/answer.js": JS "../page/answer.js",
    "/chat/conversation.js": JS "../page/conversation.js",
    "/chat/dom.js": JS "../page/dom.js",
    "/chat/failure.js": JS "../page/failure.js",
    "/chat/text.js": JS "../page/text.js",
    "/react/": HTML "../page/react.html",
    "/chat/react.js": JS "../page/react.js",
    "/sse/index.js": JS "../../../assets/sse/index.js",
    "/sse/client.js": JS "../../../assets/sse/client.js",
    "/sse/clock.js": JS "../../../assets/sse/clock.js",
    "/sse/connect.js": JS "../../../assets/sse/connect.js",
    "/sse/errors.js": JS "../../../assets/sse/errors.js",
    "/sse/events.js": JS "../../../assets/sse/events.js",
    "/sse/parser.js": JS "../../../assets/sse/parser.js",
    "/sse/retry.js": JS "../../../assets/sse/retry.js",
    "/sse/routes.js": JS "../../../assets/sse/routes.js",
    "/sse/token-buffer.js": JS "../../../assets/sse/token-buffer.js",
    "/sse/use-sse-stream.js": JS "../../../assets/sse/use-sse-stream.js",
};

/// React, as `npm run vendor` in `assets/` bundles it. It is no part of the repository, so it may be missing.
#[derive(RustEmbed)]
#[folder = "vendor/"]
#[include = "*.js"]
struct Vendor;

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let router = Router::new().route("/vendor/react.js", get(react));
    FILES.iter().fold(router, |router, &(path, content_type, text)| {
        router.route(path, get(async move || file(content_type, text)))
    })
}

async fn react() -> Result<Response, Refusal> {
    let react = Vendor::get("react.js").ok_or_else(|| {
        let message = "This program was built without React: npm ci && npm run vendor in assets/, and build it again.";
        Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
    })?;
    Ok(file(JS, react.data.into_owned()))
}

fn file(content_type: &'static str, text: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, text.into()).into_response()
}
