use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::{DashboardService, ResponseBody};

async fn get(service: &DashboardService, path: &str) -> Response<ResponseBody> {
    ask(service, Request::get(path)).await
}

async fn ask(service: &DashboardService, request: http::request::Builder) -> Response<ResponseBody> {
    let request = request.body(()).expect("the test's request is well formed");
    service.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

async fn text(response: Response<ResponseBody>) -> String {
    let body = response.into_body().collect().await.unwrap_or_else(|never| match never {});
    String::from_utf8(body.to_bytes().to_vec()).expect("text")
}

fn mounted() -> DashboardService {
    DashboardService::new().mounted_at("/dashboard")
}

#[tokio::test]
async fn the_page_carries_a_strict_policy_and_its_nonce() {
    let response = get(&mounted(), "/dashboard/").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let policy = response.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'; script-src 'self' 'nonce-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
    let page = text(response).await;
    assert!(page.contains(&format!(r#"<meta name="csp-nonce" content="{nonce}">"#)));
    assert!(!page.contains("{{"), "every placeholder is filled");
}

#[tokio::test]
async fn every_page_has_a_nonce_of_its_own() {
    let service = mounted();
    let first = text(get(&service, "/dashboard/").await).await;
    assert_ne!(first, text(get(&service, "/dashboard/").await).await);
}

#[tokio::test]
async fn files_have_a_type_and_a_tag_that_saves_sending_them_again() {
    let service = mounted();
    for (path, kind) in [
        ("/dashboard/page/app/main.js", "text/javascript; charset=utf-8"),
        ("/dashboard/page/model/filter.js", "text/javascript; charset=utf-8"),
        ("/dashboard/sse/client.js", "text/javascript; charset=utf-8"),
        ("/dashboard/page/style/base.css", "text/css; charset=utf-8"),
        ("/dashboard/page/icon.svg", "image/svg+xml"),
    ] {
        let response = get(&service, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], kind, "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        let etag = response.headers()["etag"].clone();
        assert!(!text(response).await.is_empty(), "{path}");
        for known in [etag.to_str().expect("text").to_owned(), format!("\"other\", W/{}", etag.to_str().expect("text"))]
        {
            let again = ask(&service, Request::get(path).header("if-none-match", &known)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path} with {known}");
            assert_eq!(again.headers()["etag"], etag);
            assert_eq!(text(again).await, "");
        }
        let other = ask(&service, Request::get(path).header("if-none-match", "\"other\"")).await;
        assert_eq!(other.status(), StatusCode::OK, "{path}");
    }
}

#[cfg(feature = "compress")]
#[tokio::test]
async fn files_are_compressed_for_those_who_take_it() {
    use std::io::Read as _;
    let service = mounted();
    let path = "/dashboard/page/model/filter.js";
    let plain = get(&service, path).await;
    assert_eq!(plain.headers()["vary"], "accept-encoding");
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain_tag = plain.headers()["etag"].clone();
    let expected = text(plain).await;
    for _ in 0..2 {
        let packed = ask(&service, Request::get(path).header("accept-encoding", "gzip, br")).await;
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_ne!(packed.headers()["etag"], plain_tag, "another representation has another tag");
        let tag = packed.headers()["etag"].clone();
        let body = packed.into_body().collect().await.unwrap_or_else(|never| match never {}).to_bytes();
        let mut read = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut read).expect("gzip");
        assert_eq!(read, expected);
        assert!(body.len() * 2 < expected.len());
        let known = Request::get(path).header("accept-encoding", "gzip").header("if-none-match", tag);
        let again = ask(&service, known).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(!again.headers().contains_key("content-encoding"));
    }
}

#[tokio::test]
async fn what_is_not_part_of_the_page_is_not_there() {
    let service = mounted();
    for path in [
        "/dashboard/package.json",
        "/dashboard/page/types.d.ts",
        "/dashboard/page/index.html",
        "/dashboard/dashboard/app/main.js",
        "/dashboard/test/dashboard/mock.js",
        "/dashboard/node_modules/typescript/package.json",
        "/dashboard/../Cargo.toml",
        "/dashboard/page/../../Cargo.toml",
        "/dashboardx",
        "/metrics",
    ] {
        assert_eq!(get(&service, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_slash_is_added_where_it_is_missing() {
    for mount in ["/dashboard", "dashboard", "/dashboard/"] {
        let service = DashboardService::new().mounted_at(mount);
        for (path, location) in [("/dashboard", "/dashboard/"), ("/dashboard?theme=dark", "/dashboard/?theme=dark")] {
            let response = get(&service, path).await;
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT, "{path} at {mount}");
            assert_eq!(response.headers()["location"], location);
        }
        assert_eq!(get(&service, "/dashboard/").await.status(), StatusCode::OK, "{mount}");
    }
}

#[tokio::test]
async fn below_axum_the_page_is_reached_with_and_without_the_slash() {
    for service in [DashboardService::new(), mounted()] {
        let app = axum::Router::new().nest("/ops", axum::Router::new().nest_service("/dashboard", service));
        let ask = async |path: &str| {
            let request = Request::get(path).body(axum::body::Body::empty()).expect("a request");
            app.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
        };
        assert_eq!(ask("/ops/dashboard/").await.status(), StatusCode::OK);
        assert_eq!(ask("/ops/dashboard/page/app/main.js").await.status(), StatusCode::OK);
        let response = ask("/ops/dashboard?theme=dark").await;
        if cfg!(feature = "axum") {
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(response.headers()["location"], "/ops/dashboard/?theme=dark");
        } else {
            assert_eq!(response.status(), StatusCode::OK, "the page corrects its address itself");
        }
    }
}

#[tokio::test]
async fn a_router_may_have_taken_the_prefix_off() {
    let service = DashboardService::new();
    assert_eq!(get(&service, "/").await.status(), StatusCode::OK);
    assert_eq!(get(&service, "/page/app/main.js").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_page_is_told_where_the_monitor_is() {
    let page = text(get(&mounted(), "/dashboard/").await).await;
    assert!(page.contains(r#"<meta name="metrics" content="../metrics">"#));
    let elsewhere = mounted().metrics_at("/ops/metrics/");
    let page = text(get(&elsewhere, "/dashboard/").await).await;
    assert!(page.contains(r#"<meta name="metrics" content="/ops/metrics">"#));
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let service = mounted();
    let head = ask(&service, Request::head("/dashboard/")).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(text(head).await, "");
    let options = ask(&service, Request::options("/dashboard/")).await;
    assert_eq!(
        (options.status(), &options.headers()["allow"]),
        (StatusCode::NO_CONTENT, &HeaderValue::from_static("GET, HEAD, OPTIONS"))
    );
    let post = ask(&service, Request::post("/dashboard/")).await;
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(post.headers()["allow"], "GET, HEAD, OPTIONS");
}
