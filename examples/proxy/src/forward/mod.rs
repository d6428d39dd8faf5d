//! One request on its way to a provider and back.

pub mod headers;
pub mod prepare;
pub mod request_body;
pub mod response_body;
pub mod route;
pub mod row;
pub mod usage_chunk;

use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, Response, Version};
use http_body_util::Full;

use crate::{
    config::{models::Models, provider::Provider, settings::Settings},
    forward::{
        headers::REQUEST_ID,
        prepare::{Prepared, RequestBody, Routing},
        response_body::Answer,
        row::Row,
        usage_chunk::HideUsage,
    },
    refusal::Refusal,
    upstream::{Failure, Target, Upstream},
};

/// What all requests share.
#[derive(Debug)]
pub struct Forward {
    routing: Routing,
    upstream: Upstream,
    /// The longest silence inside an answer.
    read_timeout: Option<Duration>,
}

/// The client has gone; nobody is left to answer.
#[derive(Debug)]
pub struct ClientGone;

impl fmt::Display for ClientGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client has gone")
    }
}

impl Error for ClientGone {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Forward {
    pub fn new(settings: &Settings, models: Models) -> Self {
        Self {
            routing: Routing::new(settings, models),
            upstream: Upstream::new(settings.timeouts, settings.authorities.clone()),
            read_timeout: settings.timeouts.read,
        }
    }

    /// Closes connections to upstreams that nobody has used for a while.
    pub fn sweep(&self) {
        self.routing.models.providers.iter().for_each(Provider::sweep);
    }

    pub fn has_provider(&self, name: &str) -> bool {
        self.routing.models.find(name).is_some()
    }

    /// Forwards a request and returns the upstream's answer, or says why there is none.
    pub fn answer(
        self: Arc<Self>,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Answer>, ClientGone>> + Send {
        let row = Row::of(&request);
        let id = request.headers().get(&REQUEST_ID).cloned().or_else(|| row.id());
        let format = self.routing.callers_format(&request);
        let is_head = request.method() == Method::HEAD;
        // A future is as large as all that it may ever hold, and there is one for each connection.
        let request = Box::new(request);
        async move {
            let mut response = match self.try_answer(request, &row, id.as_ref()).await {
                Ok(response) => response,
                Err(Failure::ClientGone) => return Err(ClientGone),
                Err(Failure::Refused(refusal)) => {
                    row.set_error(&refusal.message);
                    // Over HTTP/2 hyper would send it.
                    let strip = |body| if is_head { Full::default() } else { body };
                    refusal.response(format).map(|body| Answer::own(strip(body)))
                }
            };
            if let Some(id) = id {
                headers::echo_request_id(response.headers_mut(), id);
            }
            Ok(response)
        }
    }

    async fn try_answer(
        &self,
        request: Box<Request<RequestBody>>,
        row: &Row,
        id: Option<&HeaderValue>,
    ) -> Result<Response<Answer>, Failure> {
        let Prepared { provider, base, mut request, hide_usage } = self.routing.prepare(request, row).await?;
        if let Some(id) = id {
            request.headers_mut().insert(&REQUEST_ID, id.clone());
        }
        let target = Target { origin: base.origin(), pool: base.pool(), provider: &provider.name };
        let upload = request.body().upload();
        let response = self.upstream.send(request, upload, &target).await?;
        let mut response = response.map(|body| Answer::upstream(body, self.read_timeout, row.clone()));
        headers::drop_hop_by_hop(response.headers_mut());
        *response.version_mut() = Version::HTTP_11;
        if hide_usage {
            response.extensions_mut().insert(HideUsage);
        }
        Ok(response)
    }
}
