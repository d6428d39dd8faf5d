//! The description of a request.

use std::borrow::Cow;

/// The description of a request by its head or its body. A field that is `None` leaves the row's value as it was.
///
/// ```
/// use active_requests::tracker::RequestInfo;
///
/// let info = RequestInfo::new().provider("openai").model("gpt-4o").is_streaming(true);
/// assert_eq!(info.model.as_deref(), Some("gpt-4o"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestInfo<'a> {
    /// The route's pattern, such as `/users/{id}`.
    pub route: Option<Cow<'a, str>>,
    /// The caller, cut at 64 bytes. No secret belongs here: it is shown.
    pub caller: Option<Cow<'a, str>>,
    /// The provider it goes to.
    pub provider: Option<Cow<'a, str>>,
    /// The model as the client wrote it.
    pub model: Option<Cow<'a, str>>,
    /// The model that an alias resolved to.
    pub resolved_model: Option<Cow<'a, str>>,
    /// Whether a stream is asked for.
    pub is_streaming: Option<bool>,
    /// Messages of the request, system text not counted.
    pub message_count: Option<u32>,
    /// Uses of tools in the request's messages.
    pub tool_uses: Option<u32>,
    /// Results of tools in the request's messages.
    pub tool_results: Option<u32>,
}

impl<'a> RequestInfo<'a> {
    /// Nothing known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`route`](Self::route).
    #[must_use]
    pub fn route(mut self, route: impl Into<Cow<'a, str>>) -> Self {
        self.route = Some(route.into());
        self
    }

    /// Sets [`caller`](Self::caller).
    #[must_use]
    pub fn caller(mut self, caller: impl Into<Cow<'a, str>>) -> Self {
        self.caller = Some(caller.into());
        self
    }

    /// Sets [`provider`](Self::provider).
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Cow<'a, str>>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Sets [`model`](Self::model).
    #[must_use]
    pub fn model(mut self, model: impl Into<Cow<'a, str>>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets [`resolved_model`](Self::resolved_model).
    #[must_use]
    pub fn resolved_model(mut self, model: impl Into<Cow<'a, str>>) -> Self {
        self.resolved_model = Some(model.into());
        self
    }

    /// Sets [`is_streaming`](Self::is_streaming).
    #[must_use]
    pub fn is_streaming(mut self, yes: bool) -> Self {
        self.is_streaming = Some(yes);
        self
    }

    /// Sets [`message_count`](Self::message_count).
    #[must_use]
    pub fn message_count(mut self, messages: u32) -> Self {
        self.message_count = Some(messages);
        self
    }

    /// Sets [`tool_uses`](Self::tool_uses).
    #[must_use]
    pub fn tool_uses(mut self, blocks: u32) -> Self {
        self.tool_uses = Some(blocks);
        self
    }

    /// Sets [`tool_results`](Self::tool_results).
    #[must_use]
    pub fn tool_results(mut self, blocks: u32) -> Self {
        self.tool_results = Some(blocks);
        self
    }
}
