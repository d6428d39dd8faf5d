//! Routes: the chat inside the tracking layer, the monitor and the pages beside it.

use std::{io, sync::Arc};

use active_requests::{
    cancel::CancelRequestLayer,
    config::MonitorConfig,
    dashboard::DashboardService,
    inspect::InspectRequestLayer,
    monitor::MonitorService,
    track::ActiveRequestsLayer,
    tracker::{RequestHandle, RequestInfo, RequestTracker},
};
use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
    serve::ListenerExt,
};
use http::{Request, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use crate::{
    pages,
    pipeline::{Pipeline, Turn},
    request::{ChatRequest, Refusal},
    session::{Exchange, Sessions},
    upstream::Upstream,
};

/// The chat, ready to serve.
#[derive(Debug)]
pub struct App {
    state: ChatState,
    tracker: RequestTracker,
    monitor: MonitorService,
}

#[derive(Clone, Debug)]
struct ChatState {
    pipeline: Arc<Pipeline>,
    sessions: Sessions,
    provider: Arc<str>,
    model: Arc<str>,
}

impl App {
    pub fn new(upstream: Upstream, tracker: RequestTracker, monitor: MonitorConfig) -> Self {
        let (provider, model) = (upstream.name().into(), upstream.model().into());
        let state =
            ChatState { pipeline: Arc::new(Pipeline::new(upstream)), sessions: Sessions::default(), provider, model };
        Self { state, monitor: MonitorService::new(tracker.clone(), monitor), tracker }
    }

    /// Everything there is under this address.
    pub fn router(&self) -> Router {
        let layers = ServiceBuilder::new()
            .layer(ActiveRequestsLayer::new(self.tracker.clone()))
            .layer(CancelRequestLayer::new().enabled(self.monitor.config().can_operate()))
            .layer(InspectRequestLayer::new());
        Router::new()
            .route("/api/chat/stream", post(chat).fallback(only_post))
            .layer(layers)
            .merge(pages::router())
            .nest_service("/metrics", self.monitor.clone())
            .nest_service("/dashboard", DashboardService::new())
            .fallback(nothing_there)
            .with_state(self.state.clone())
    }

    /// Serves until Ctrl-C; answers under way are brought to their end, viewers' streams are not.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let tracker = self.tracker.clone();
        let end = async move {
            let _ = tokio::signal::ctrl_c().await;
            tracker.shutdown();
        };
        axum::serve(listener, self.router()).with_graceful_shutdown(end).await
    }
}

async fn chat(State(chat): State<ChatState>, request: Request<Body>) -> Result<Response, Refusal> {
    let row = request.extensions().get::<RequestHandle>().cloned().unwrap_or_default();
    row.describe(&RequestInfo::new().provider(&*chat.provider).model(&*chat.model));
    let ChatRequest { message, session_id } = ChatRequest::read(request).await?;
    let turn = Turn {
        history: chat.sessions.history(&session_id),
        exchange: Exchange::new(chat.sessions, session_id, message.clone()),
        question: message,
        query: String::new(),
        sources: Vec::new(),
        usage: Value::Null,
    };
    Ok(chat.pipeline.answer(turn, row).into_response())
}

async fn only_post() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Only POST is answered here.")
}

async fn nothing_there(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("There is nothing at {}.", uri.path()))
}
