//! The dashboard: a page that shows the requests in flight, compiled into the program.
//!
//! [`DashboardService`] serves files and nothing else. The page asks the monitor for what it shows, with the API key that an operator
//! enters, so that the page can be open to everybody while the numbers are guarded.
//!
//! Nothing is loaded from elsewhere. Every file has its content type and a strong `etag`. The page has a strict
//! `content-security-policy`: scripts are files of the page's own or carry the nonce of the response.
//!
//! AG Grid draws the list where it was compiled in. The package on crates.io comes without it, and the page then draws a plain table; to have
//! the grid, depend on a checkout of the repository in which `npm ci && npm run vendor` was run in `assets/`.
//! [`DashboardService::has_grid`] says which it is.
//!
//! ```
//! use active_requests::dashboard::DashboardService;
//! use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let dashboard = DashboardService::new().mounted_at("/dashboard");
//! let request = http::Request::get("/dashboard/").body(()).unwrap();
//! let response = dashboard.oneshot(request).await.unwrap();
//! assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
//! # }
//! ```
//!
//! With axum, `.nest_service("/dashboard", DashboardService::new())`. The page's address ends with a slash. Without it, the service redirects
//! where it can see that it is missing: with [`DashboardService::mounted_at`], and below axum's `nest_service` with the feature `axum`. Elsewhere
//! the page corrects its address itself.

mod assets;
mod body;
#[cfg(feature = "compress")]
mod compress;
mod page;
mod service;
#[cfg(test)]
mod tests;

pub use self::{body::ResponseBody, service::DashboardService};
