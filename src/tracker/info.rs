//! What is told of a request.

use std::borrow::Cow;

/// What a request asks for, as far as its head or its body tells. Whatever is `None` is left as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo<'a> {
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

    /// With the provider it goes to.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<Cow<'a, str>>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// With the model as the client wrote it.
    #[must_use]
    pub fn model(mut self, model: impl Into<Cow<'a, str>>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// With the model that an alias resolved to.
    #[must_use]
    pub fn resolved_model(mut self, model: impl Into<Cow<'a, str>>) -> Self {
        self.resolved_model = Some(model.into());
        self
    }

    /// With whether a stream is asked for.
    #[must_use]
    pub fn is_streaming(mut self, yes: bool) -> Self {
        self.is_streaming = Some(yes);
        self
    }
}
