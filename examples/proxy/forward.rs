//! One request on its way to a provider and back.

use std::{error::Error, fmt, sync::Arc};

use active_requests::{inspect::InspectedBody, tracker::RequestInfo};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, request};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{
    answer::Answer,
    headers::{self, ProxyKey, REQUEST_ID},
    held::{Held, NotHeld, Outgoing},
    models::{Destination, Models, Nowhere},
    provider::{Base, Format, Provider},
    refusal::Refusal,
    route::{Route, routes_of},
    row::Row,
    settings::Settings,
    stream_usage::{self, HideUsage},
    upstream::{Failure, Target, Upstream},
};

/// A request's body, looked at on its way.
pub type RequestBody = InspectedBody<Incoming>;

/// What all requests share.
#[derive(Debug)]
pub struct Forward {
    models: Models,
    upstream: Upstream,
    settings: Settings,
    key: Option<ProxyKey>,
}

/// A request that is ready to go out.
struct Prepared<'a> {
    provider: &'a Provider,
    base: &'a Base,
    request: Request<Outgoing<RequestBody>>,
    /// We asked for usage where the client did not.
    hide_usage: bool,
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
    pub fn new(settings: Settings, models: Models) -> Self {
        let upstream = Upstream::new(settings.timeouts);
        let key = settings.key.clone().map(ProxyKey::new);
        Self { models, upstream, settings, key }
    }

    /// Closes connections to upstreams that nobody has used for a while.
    pub fn sweep(&self) {
        self.models.providers.iter().for_each(Provider::sweep);
    }

    pub fn has_provider(&self, name: &str) -> bool {
        self.models.find(name).is_some()
    }

    /// Forwards a request and returns the upstream's answer, or says why there is none.
    pub async fn answer(self: Arc<Self>, request: Request<RequestBody>) -> Result<Response<Answer>, ClientGone> {
        let row = Row::of(&request);
        let (head, body) = request.into_parts();
        let id = head.headers.get(&REQUEST_ID).cloned().or_else(|| row.id());
        let format = self.callers_format(&head);
        let is_head = head.method == Method::HEAD;
        let mut response = match self.try_answer(head, body, &row, id.as_ref()).await {
            Ok(response) => response,
            Err(Failure::ClientGone) => return Err(ClientGone),
            Err(Failure::Refused(refusal)) => {
                row.set_error(&refusal.message);
                // Over HTTP/2 hyper would send it.
                let strip = |body| if is_head { Full::default() } else { body };
                refusal.response(format).map(|body| Answer::Own(strip(body)))
            }
        };
        if let Some(id) = id {
            headers::echo_request_id(response.headers_mut(), id);
        }
        Ok(response)
    }

    async fn try_answer(
        &self,
        head: request::Parts,
        body: RequestBody,
        row: &Row,
        id: Option<&HeaderValue>,
    ) -> Result<Response<Answer>, Failure> {
        if self.key.as_ref().is_some_and(|key| !key.opens(&head.headers)) {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "This proxy wants its key: send it as \"authorization: Bearer KEY\" or \"x-api-key: KEY\".",
            )
            .into());
        }
        if self.key.as_ref().is_some_and(|key| head.uri.query().is_some_and(|query| key.is_in(query.as_bytes()))) {
            return Err(
                Refusal::bad_request("The key of this proxy stands in the query: send it in a header only.").into()
            );
        }
        let mut prepared = match Route::of(&head.method, &head.uri)? {
            Route::ByModel(format) => self.by_model(format, &head.uri.clone(), head, body, row).await?,
            Route::ListModels => {
                let (provider, query) = self.listed_provider(head.uri.query())?;
                let base = provider.base(provider.format()).unwrap_or(&provider.native);
                let uri = base.path(&route_of(provider.format(), head.uri.path(), query.as_deref()));
                row.set_provider(&provider.name);
                self.prepared(provider, base, uri, head, Outgoing::streamed(body))?
            }
            Route::Native { provider: name, rest } => {
                let provider = self.provider(name)?;
                let uri = provider.native.path(rest);
                row.set_provider(&provider.name);
                self.prepared(provider, &provider.native, uri, head, Outgoing::streamed(body))?
            }
        };
        if let Some(id) = id {
            prepared.request.headers_mut().insert(&REQUEST_ID, id.clone());
        }
        let Prepared { provider, base, request, hide_usage } = prepared;
        let target = Target { origin: base.origin(), pool: base.pool(), provider: &provider.name };
        let response = self.upstream.send(request, &target).await?;
        let mut response = response.map(|body| Answer::upstream(body, self.settings.timeouts.read, row.clone()));
        headers::drop_hop_by_hop(response.headers_mut());
        *response.version_mut() = Version::HTTP_11;
        if hide_usage {
            response.extensions_mut().insert(HideUsage);
        }
        Ok(response)
    }

    /// Finds the provider by the model in the body, and puts the model's name there in its place.
    async fn by_model(
        &self,
        format: Format,
        uri: &Uri,
        head: request::Parts,
        body: RequestBody,
        row: &Row,
    ) -> Result<Prepared<'_>, Failure> {
        let limit = self.settings.max_body;
        let (mut held, model) = Held::until_model(body, limit).await.map_err(|why| not_held(why, limit))?;
        row.describe(&RequestInfo::new().model(&model.name));
        let Destination { provider, model: resolved, aliased } = self.models.resolve(&model.name).map_err(|nowhere| {
            let why = match nowhere {
                Nowhere::NoDefault => "names no provider and there is no default one: send it as provider:model, or set VDM_DEFAULT_PROVIDER",
                Nowhere::Endless => "is an alias that leads to no model",
            };
            Refusal::not_found(format!("The model {:?} {why}.", model.name))
        })?;
        let provider = &self.models.providers[provider];
        let info = RequestInfo::new().provider(&provider.name);
        row.describe(&if aliased { info.resolved_model(&resolved) } else { info });
        let base = provider.base(format).ok_or_else(|| {
            Refusal::bad_request(format!(
                "{} speaks the {} format, not the one of {}: use {}, or /{}/...",
                provider.name,
                provider.format(),
                uri.path(),
                routes_of(provider.format()),
                provider.name
            ))
        })?;
        let mut edits = Vec::new();
        if resolved != model.name {
            edits.push((model.range, Bytes::from(serde_json::Value::from(resolved).to_string())));
        }
        let hide_usage = self.settings.inject_usage && stream_usage::is_asked_at(uri.path());
        let usage = if hide_usage {
            held.complete(limit).await.map_err(|why| not_held(why, limit))?;
            stream_usage::edit(held.start())
        } else {
            None
        };
        let hide_usage = usage.is_some();
        edits.extend(usage);
        let grown = edits.iter().map(|(range, bytes)| bytes.len() as i64 - range.len() as i64).sum();
        let target = base.path(&route_of(format, uri.path(), uri.query()));
        let mut prepared = self.prepared(provider, base, target, head, held.edited(edits))?;
        prepared.hide_usage = hide_usage;
        if hide_usage {
            // Only what can be read can be left out.
            let headers = prepared.request.headers_mut();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        adjust_length(prepared.request.headers_mut(), grown);
        Ok(prepared)
    }

    /// The outgoing request: its address, and what becomes of its headers.
    fn prepared<'a>(
        &self,
        provider: &'a Provider,
        base: &'a Base,
        uri: Option<Uri>,
        mut head: request::Parts,
        body: Outgoing<RequestBody>,
    ) -> Result<Prepared<'a>, Refusal> {
        head.uri = uri.ok_or_else(|| {
            Refusal::bad_request(format!("What follows {} in the path makes no address.", provider.name))
        })?;
        head.version = Version::HTTP_11;
        headers::drop_hop_by_hop(&mut head.headers);
        head.headers.insert(header::HOST, base.host().clone());
        headers::replace_key(&mut head.headers, base, provider.passthrough, self.key.as_ref());
        headers::limit_encodings(&mut head.headers);
        Ok(Prepared { provider, base, request: Request::from_parts(head, body), hide_usage: false })
    }

    fn provider(&self, name: &str) -> Result<&Provider, Refusal> {
        self.models.find(name).map(|index| &self.models.providers[index]).ok_or_else(|| {
            let names: Vec<_> = self.models.providers.iter().map(|provider| provider.name.as_str()).collect();
            Refusal::not_found(format!("There is no provider {name:?} here; configured: {}.", names.join(", ")))
        })
    }

    /// The provider whose models are asked for, and what is left of the query.
    fn listed_provider(&self, query: Option<&str>) -> Result<(&Provider, Option<String>), Refusal> {
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        let (named, others): (Vec<_>, Vec<_>) = pairs.partition(|pair| pair.starts_with("provider="));
        let provider = match (named.first().and_then(|pair| pair.strip_prefix("provider=")), self.models.default) {
            (Some(name), _) => self.provider(name)?,
            (None, Some(default)) => &self.models.providers[default],
            (None, None) => {
                return Err(Refusal::not_found(
                    "There is no default provider to ask for its models: send ?provider=NAME, or set VDM_DEFAULT_PROVIDER.",
                ));
            }
        };
        Ok((provider, (!others.is_empty()).then(|| others.join("&"))))
    }

    /// The format in which this caller reads errors.
    fn callers_format(&self, head: &request::Parts) -> Format {
        Route::format(head.uri.path()).unwrap_or_else(|| {
            let name = head.uri.path().split('/').nth(1).unwrap_or_default();
            match self.models.find(name) {
                Some(index) if !head.headers.contains_key("anthropic-version") => self.models.providers[index].format(),
                None if !head.headers.contains_key("anthropic-version") => Format::OpenAi,
                _ => Format::Anthropic,
            }
        })
    }
}

/// The part of a `/v1/...` path that follows a base: OpenAI's bases hold the version, Anthropic's do not.
fn route_of(format: Format, path: &str, query: Option<&str>) -> String {
    let rest = match format {
        Format::OpenAi => path.strip_prefix("/v1").unwrap_or(path),
        Format::Anthropic => path,
    };
    query.map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"))
}

/// `content-length` follows a body that has become longer or shorter.
fn adjust_length(headers: &mut HeaderMap, grown: i64) {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    if let Some(length) = length.filter(|_| grown != 0) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length + grown));
    }
}

fn not_held(why: NotHeld, limit: usize) -> Failure {
    let refusal = match why {
        NotHeld::Broken => return Failure::ClientGone,
        NotHeld::TooLarge => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "No model was found in the first {limit} bytes of the body: put \"model\" first, or raise --max-body."
            ),
        ),
        NotHeld::NoModel => Refusal::bad_request("The body is no JSON object with a text under \"model\"."),
    };
    refusal.into()
}
