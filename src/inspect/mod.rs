//! Middleware that reads what a request asks for out of its body as it passes.
//!
//! It finds the model, whether a stream is asked for, how many messages there are and how many uses and results of tools
//! stand in them, and the size of the body, and, where the tracker's setting [`labels`](crate::config::TrackerConfig::labels) names some,
//! values that label the request. It writes them to the request's row through the
//! [`RequestHandle`](crate::tracker::RequestHandle) in its extensions. So it stands *inside* an
//! [`ActiveRequestsLayer`](crate::track::ActiveRequestsLayer); on a request without a handle it does nothing.
//!
//! Every dialect is understood: OpenAI chat, completions and Responses, Anthropic, Gemini and Vertex AI, Bedrock, Cohere and
//! Ollama. Where the path names the model and the kind of answer (`/v1beta/models/{model}:streamGenerateContent`,
//! `/model/{id}/converse-stream`), the path decides.
//!
//! Nothing is buffered and nothing is waited for: frames pass as they are, when they are asked for, and are read on the
//! way, up to a [limit](InspectRequestLayer::scan_limit). A body that is not JSON, or is encoded (without the feature
//! `decompress`), tells its size and nothing else, and is never failed.
//!
//! If a key is repeated, its last value counts, as it does for most parsers. Only of several models the first counts, because a
//! request may have been sent on by the time the second comes; [`ModelLocator`] goes by the same rule.
//!
//! ```
//! use active_requests::{inspect::InspectRequestLayer, track::ActiveRequestsLayer, tracker::{RequestHandle, RequestTracker}};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let service = ServiceBuilder::new()
//!     .layer(ActiveRequestsLayer::new(RequestTracker::default()))
//!     .layer(InspectRequestLayer::new())
//!     .service_fn(async |request: Request<active_requests::inspect::InspectedBody<Full<Bytes>>>| {
//!         let handle = request.extensions().get::<RequestHandle>().cloned().ok_or("not tracked")?;
//!         request.into_body().collect().await?;
//!         let row = handle.row().ok_or("ended")?;
//!         assert_eq!((row.model.as_str(), row.message_count), ("gpt-4o", 1));
//!         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Response::new(Full::<Bytes>::default()))
//!     });
//!
//! let body = r#"{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}"#;
//! service.oneshot(Request::post("/v1/chat/completions").body(Full::<Bytes>::from(body))?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`ModelLocator`] or [`find_model`] finds the model *before* the request is sent on, to choose where it goes.

mod body;
mod facts;
mod labels;
mod layer;
mod locate;
mod scanner;
mod service;

pub use body::InspectedBody;
pub use layer::InspectRequestLayer;
pub use locate::{LocatedModel, ModelFault, ModelLocator, find_model};
pub use service::InspectRequest;
