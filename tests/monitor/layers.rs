//! Layers of tower-http around the services, all in one `ServiceBuilder`.

use std::{convert::Infallible, time::Duration};

use active_requests::{MonitorConfig, MonitorService, RequestTracker};
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower::{Service, ServiceBuilder, ServiceExt};
use tower_http::{cors::CorsLayer, timeout::TimeoutLayer, validate_request::ValidateRequestHeaderLayer};

/// Asks `service` for `path` through layers that make responses of their own, which takes a body with a default.
async fn ask_through_layers<S, B>(service: S, path: &str, accept: &str) -> StatusCode
where
    S: Service<Request<String>, Response = Response<B>, Error = Infallible>,
    B: Body + Default,
{
    let service = ServiceBuilder::new()
        .layer(CorsLayer::permissive())
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(1)))
        .layer(ValidateRequestHeaderLayer::accept("application/json"))
        .service(service);
    let request = Request::get(path).header("accept", accept).body(String::new()).unwrap();
    service.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn layers_that_answer_themselves_stand_around_the_monitor() {
    let monitor = MonitorService::new(RequestTracker::default(), MonitorConfig::default());
    assert_eq!(ask_through_layers(monitor.clone(), "/active-requests", "application/json").await, 200);
    assert_eq!(ask_through_layers(monitor, "/active-requests", "text/html").await, 406);
}

#[cfg(feature = "dashboard")]
#[tokio::test]
async fn layers_that_answer_themselves_stand_around_the_dashboard() {
    let dashboard = active_requests::DashboardService::new();
    assert_eq!(ask_through_layers(dashboard.clone(), "/", "application/json").await, 200);
    assert_eq!(ask_through_layers(dashboard, "/", "text/html").await, 406);
}
