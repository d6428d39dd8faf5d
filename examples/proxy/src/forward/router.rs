//! Makes the request that is sent to a provider from the one that a client has sent.

use std::{borrow::Cow, sync::Arc};

use active_requests::tracker::{RequestHandle, RequestInfo};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, Version, header};
use tokio::sync::Semaphore;

use crate::{
    config::{
        models::{Models, ResolvedModel, UnresolvedModel},
        settings::Settings,
    },
    forward::{
        ForwardError,
        buffer::{BufferError, BufferLimits, HeldStart, SLOWEST},
        framing::{self, FramingError},
        headers, hop_by_hop,
        keys::{self, OwnKeys, ProxyKey},
        route::{Route, routes_of, until_slash},
        upgrade, usage_chunk,
        via::Pseudonym,
    },
    refusal::Refusal,
    upstream::{
        provider::{ApiFormat, Endpoint, Provider},
        request_body::SentBody,
    },
};

/// The header that every request to Anthropic has.
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Decides where requests go, and prepares them for it.
#[derive(Debug)]
pub struct Router {
    pub models: Models,
    key: Option<ProxyKey>,
    pub own_keys: OwnKeys,
    /// The name under which requests pass here.
    pseudonym: Pseudonym,
    limits: BufferLimits,
    inject_usage: bool,
}

/// A request on its way to an upstream. Boxed, for it is handed on from future to future.
pub type BoxedRequest = Box<Request<SentBody>>;

/// A request that is ready to be sent.
#[derive(Debug)]
pub struct PreparedRequest<'a> {
    pub provider: &'a Provider,
    pub endpoint: &'a Endpoint,
    pub request: BoxedRequest,
    /// The proxy asks for usage, which the client did not.
    pub hide_usage: bool,
}

impl Router {
    pub fn new(settings: &Settings, models: Models) -> Self {
        Self {
            models,
            key: settings.key.clone().map(ProxyKey::new),
            own_keys: OwnKeys::new(settings.monitor.all_keys()),
            pseudonym: Pseudonym::default(),
            limits: BufferLimits {
                size: settings.max_body.0,
                silence: settings.timeouts.head,
                held: Arc::new(Semaphore::new(settings.max_held.0.min(Semaphore::MAX_PERMITS))),
            },
            inject_usage: settings.inject_usage,
        }
    }

    /// Prepares a request, or says why it does not go anywhere.
    pub async fn prepare(
        &self,
        mut request: BoxedRequest,
        row: &RequestHandle,
    ) -> Result<PreparedRequest<'_>, ForwardError> {
        self.check_key(&request)?;
        // Before the body is looked into, which is not what it seems to be.
        framing::settle(request.headers_mut()).map_err(|wrong| misframed(&wrong))?;
        self.pseudonym.check(request.headers())?;
        match Route::of(request.method(), request.uri())? {
            Route::ByModel(format) => Box::pin(self.by_model(format, request, row)).await,
            Route::ListModels => {
                let (provider, query) = self.listed_provider(request.uri().query())?;
                let endpoint = provider.endpoint(provider.format()).unwrap_or(&provider.native);
                let target = endpoint.path(&route_of(provider.format(), request.uri().path(), query.as_deref()));
                Ok(self.unread(provider, endpoint, target, request, row)?)
            }
            Route::Realtime => Ok(self.realtime(request, row)?),
            Route::Native { provider: name, rest } => {
                let provider = self.provider(name)?;
                let target = provider.native.path(rest);
                Ok(self.unread(provider, &provider.native, target, request, row)?)
            }
        }
    }

    fn check_key(&self, request: &Request<SentBody>) -> Result<(), Refusal> {
        if self.key.as_ref().is_some_and(|key| !key.opens(request.headers())) {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "This proxy wants its key: send it as \"authorization: Bearer KEY\" or \"x-api-key: KEY\".",
            ));
        }
        match self.own_keys.misplaced(request) {
            Some(place) => Err(Refusal::bad_request(format!(
                "A key of this proxy stands in {place}, and would leave: send it as \"authorization: Bearer KEY\" or \"x-api-key: KEY\" only."
            ))),
            None => Ok(()),
        }
    }

    /// Finds the provider by the model in the body, and puts the model's name there in its place.
    async fn by_model(
        &self,
        format: ApiFormat,
        mut request: BoxedRequest,
        row: &RequestHandle,
    ) -> Result<PreparedRequest<'_>, ForwardError> {
        let limits = &self.limits;
        let read = HeldStart::until_model(request.body_mut(), limits).await;
        let (mut held, model) = read.map_err(|why| not_held(why, limits))?;
        let (provider, endpoint, resolved) = self.resolve(&model.name, format, request.uri().path(), row)?;
        let mut edits = Vec::new();
        if resolved != model.name {
            edits.push((model.range, Bytes::from(serde_json::Value::from(resolved).to_string())));
        }
        let hide_usage = self.inject_usage && usage_chunk::is_asked_at(request.uri().path());
        let usage = if hide_usage {
            held.complete(request.body_mut(), limits).await.map_err(|why| not_held(why, limits))?;
            usage_chunk::edit(held.bytes())
        } else {
            None
        };
        let hide_usage = usage.is_some();
        edits.extend(usage);
        let grown = edits.iter().map(|(range, bytes)| bytes.len() as i64 - range.len() as i64).sum();
        let target = endpoint.path(&route_of(format, request.uri().path(), request.uri().query()));
        held.send_edited(edits, request.body_mut());
        let mut prepared = self.prepared(provider, endpoint, target, request, row)?;
        prepared.hide_usage = hide_usage;
        if hide_usage {
            // Only what can be read can be left out.
            let headers = prepared.request.headers_mut();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        adjust_length(prepared.request.headers_mut(), grown);
        Ok(prepared)
    }

    /// Finds the provider by the model in the query, and puts the model's name there in its place.
    fn realtime(&self, request: BoxedRequest, row: &RequestHandle) -> Result<PreparedRequest<'_>, Refusal> {
        if !upgrade::is_asked(&request) {
            return Err(Refusal::websocket_only(request.uri().path()));
        }
        let query = request.uri().query().unwrap_or_default();
        let mut pairs: Vec<Cow<'_, str>> = query.split('&').map(Cow::Borrowed).collect();
        let named = pairs.iter_mut().find(|pair| pair.starts_with("model="));
        let named = named.ok_or_else(|| Refusal::bad_request("The model is missing: send ?model=provider:model."))?;
        let name = form_urlencoded::parse(named.as_bytes()).next().map(|(_, name)| name.into_owned());
        let name = name.unwrap_or_default();
        let path = request.uri().path();
        let (provider, endpoint, resolved) = self.resolve(&name, ApiFormat::OpenAi, path, row)?;
        if resolved != name {
            let model: String = form_urlencoded::byte_serialize(resolved.as_bytes()).collect();
            *named = format!("model={model}").into();
        }
        let target = endpoint.path(&route_of(ApiFormat::OpenAi, path, Some(&pairs.join("&"))));
        self.unread(provider, endpoint, target, request, row)
    }

    /// The provider of a model, its endpoint of this format, and the model's name there. The row is told.
    fn resolve(
        &self,
        name: &str,
        format: ApiFormat,
        path: &str,
        row: &RequestHandle,
    ) -> Result<(&Provider, &Endpoint, String), Refusal> {
        let ResolvedModel { provider, model, aliased } = self.models.resolve(name).map_err(|nowhere| {
            row.set_model(name);
            let why = match nowhere {
                UnresolvedModel::NoDefault => "names no provider and there is no default one: send it as provider:model, or set VDM_DEFAULT_PROVIDER",
                UnresolvedModel::Endless => "is an alias that leads to no model",
            };
            Refusal::not_found(format!("The model {name:?} {why}."))
        })?;
        let provider = &self.models.providers[provider];
        let info = RequestInfo::new().model(name).provider(&provider.name);
        row.describe(&if aliased { info.resolved_model(&model) } else { info });
        let endpoint = provider.endpoint(format).ok_or_else(|| {
            Refusal::bad_request(format!(
                "{} speaks the {} format, not the one of {path}: use {}, or /{}/...",
                provider.name,
                provider.format(),
                routes_of(provider.format()),
                provider.name
            ))
        })?;
        Ok((provider, endpoint, model))
    }

    /// The outgoing request, its body passed on as it comes.
    fn unread<'a>(
        &self,
        provider: &'a Provider,
        endpoint: &'a Endpoint,
        target: Option<Uri>,
        request: BoxedRequest,
        row: &RequestHandle,
    ) -> Result<PreparedRequest<'a>, Refusal> {
        row.set_provider(&provider.name);
        self.prepared(provider, endpoint, target, request, row)
    }

    /// The outgoing request: its address, and what becomes of its headers.
    fn prepared<'a>(
        &self,
        provider: &'a Provider,
        endpoint: &'a Endpoint,
        target: Option<Uri>,
        mut request: BoxedRequest,
        row: &RequestHandle,
    ) -> Result<PreparedRequest<'a>, Refusal> {
        *request.uri_mut() = target.ok_or_else(|| {
            Refusal::bad_request(format!("What follows {} in the path makes no address.", provider.name))
        })?;
        let received = std::mem::replace(request.version_mut(), Version::HTTP_11);
        // Taken out, for some of them follow from what else the request says.
        let mut headers = std::mem::take(request.headers_mut());
        hop_by_hop::count_hop(request.method(), &mut headers);
        hop_by_hop::renew_hop_by_hop(&mut headers);
        framing::declare(&mut headers, request.body(), request.body().has_trailers(), received);
        if received == Version::HTTP_2 {
            headers::join_cookies(&mut headers);
        }
        self.pseudonym.sign(&mut headers, received);
        headers.insert(header::HOST, endpoint.host().clone());
        keys::replace_key(&mut headers, endpoint, provider.passthrough, &self.own_keys);
        if provider.passthrough {
            keys::passing_keys(&headers).for_each(|key| row.hide(&key));
        }
        headers::limit_encodings(&mut headers);
        *request.headers_mut() = headers;
        Ok(PreparedRequest { provider, endpoint, request, hide_usage: false })
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
    pub fn callers_format<B>(&self, request: &Request<B>) -> ApiFormat {
        Route::format(request.uri().path()).unwrap_or_else(|| {
            if request.headers().contains_key(&ANTHROPIC_VERSION) {
                return ApiFormat::Anthropic;
            }
            let name = until_slash(request.uri().path().strip_prefix('/').unwrap_or_default());
            self.models.find(name).map_or(ApiFormat::OpenAi, |index| self.models.providers[index].format())
        })
    }
}

/// The part of a `/v1/...` path that follows a endpoint: OpenAI's bases hold the version, Anthropic's do not.
fn route_of(format: ApiFormat, path: &str, query: Option<&str>) -> String {
    let rest = match format {
        ApiFormat::OpenAi => path.strip_prefix("/v1").unwrap_or(path),
        ApiFormat::Anthropic => path,
    };
    query.map_or_else(|| rest.to_owned(), |query| format!("{rest}?{query}"))
}

/// `content-length` follows a body that has become longer or shorter.
fn adjust_length(headers: &mut HeaderMap, grown: i64) {
    if grown == 0 {
        return;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length + grown));
    }
}

/// The refusal of a request whose framing would be lost on the way. An unknown transfer coding is 501 (RFC 9112, section 6.1).
fn misframed(wrong: &FramingError) -> Refusal {
    let status = match wrong {
        FramingError::Coding(_) => StatusCode::NOT_IMPLEMENTED,
        FramingError::Length(_) => StatusCode::BAD_REQUEST,
    };
    Refusal::new(status, format!("The request cannot be passed on: its {wrong}."))
}

fn not_held(why: BufferError, BufferLimits { size, silence, .. }: &BufferLimits) -> ForwardError {
    let refusal = match why {
        BufferError::Broken => return ForwardError::ClientGone,
        BufferError::Malformed(why) => Refusal::malformed_body(&why),
        BufferError::Silent => Refusal::silent(*silence),
        BufferError::Slow => Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "The request has come too slowly: {SLOWEST} bytes a second are the least until its model is known."
            ),
        ),
        BufferError::Crowded => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too much is held of requests whose model is not known yet: put \"model\" first, or send it again later.",
        ),
        BufferError::TooLarge => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "No model was found in the first {size} bytes of the body: put \"model\" first, or raise --max-body."
            ),
        ),
        BufferError::ModelFault(fault) => Refusal::bad_request(format!("No provider can be found: {fault}.")),
        BufferError::NoModel => Refusal::bad_request("The body is no JSON object with a text under \"model\"."),
    };
    refusal.into()
}
