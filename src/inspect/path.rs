//! The facts in a request's path: some providers name the model there, and whether a stream is asked for.

use std::borrow::Cow;

use crate::tracker::RequestInfo;

/// The facts that a path tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PathFacts<'a> {
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) is_streaming: Option<bool>,
    /// Whether the path overrules the body; else it holds for a body that says nothing else.
    pub(super) decided: bool,
}

impl<'a> PathFacts<'a> {
    /// Returns the facts in the form of the request's row; `None` if the path tells nothing.
    pub(super) fn into_info(self) -> Option<RequestInfo<'a>> {
        let tells = self.model.is_some() || self.is_streaming.is_some();
        tells.then(|| RequestInfo { model: self.model, is_streaming: self.is_streaming, ..RequestInfo::default() })
    }

    pub(super) fn of(path: &'a str) -> Self {
        bedrock(path).or_else(|| gemini(path)).or_else(|| azure(path)).or_else(|| ollama(path)).unwrap_or_default()
    }
}

/// `/model/{id}/converse-stream`: Amazon Bedrock. The id may be an ARN, with slashes of its own.
fn bedrock(path: &str) -> Option<PathFacts<'_>> {
    let (rest, operation) = path.rsplit_once('/')?;
    let is_streaming = match operation {
        "converse" | "invoke" | "count-tokens" => false,
        "converse-stream" | "invoke-with-response-stream" => true,
        _ => return None,
    };
    let (_, id) = rest.split_once("/model/")?;
    Some(PathFacts { model: Some(percent_decoded(id)), is_streaming: Some(is_streaming), decided: true })
}

/// `/v1beta/models/{model}:streamGenerateContent`: the custom methods of Gemini and of all Vertex AI.
fn gemini(path: &str) -> Option<PathFacts<'_>> {
    let (collection, last) = path.rsplit_once('/')?;
    if !["models", "tunedModels", "endpoints"].iter().any(|name| collection.ends_with(name)) {
        return None;
    }
    let last = percent_decoded(last);
    let (model, method) = last.rsplit_once(':')?;
    let is_streaming = match method {
        "streamGenerateContent" | "streamRawPredict" | "serverStreamingPredict" => true,
        "generateContent" | "rawPredict" | "predict" | "countTokens" | "embedContent" | "batchEmbedContents" => false,
        _ => return None,
    };
    Some(PathFacts { model: Some(model.to_owned().into()), is_streaming: Some(is_streaming), decided: true })
}

/// `/openai/deployments/{deployment}/chat/completions`: Azure, where the body need not name a model.
fn azure(path: &str) -> Option<PathFacts<'_>> {
    const BEFORE: &[u8; 8] = b"/openai/";
    let at = path.as_bytes().windows(BEFORE.len()).position(|part| part == BEFORE)?;
    let (deployment, _) = path[at + BEFORE.len()..].strip_prefix("deployments/")?.split_once('/')?;
    Some(PathFacts { model: Some(percent_decoded(deployment)), ..PathFacts::default() })
}

/// Ollama streams unless it is told not to.
fn ollama(path: &str) -> Option<PathFacts<'_>> {
    let streams = path.ends_with("/api/chat") || path.ends_with("/api/generate");
    streams.then(|| PathFacts { is_streaming: Some(true), ..PathFacts::default() })
}

/// Resolves percent escapes; one that is none stays as it is.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::PathFacts;

    #[test]
    fn some_paths_name_the_model_and_say_whether_it_streams() {
        let decided = [
            ("/model/amazon.nova-lite-v1%3A0/converse-stream", "amazon.nova-lite-v1:0", true),
            ("/model/us.amazon.nova-2-lite-v1:0/converse", "us.amazon.nova-2-lite-v1:0", false),
            ("/bedrock/model/anthropic.claude-v2/invoke", "anthropic.claude-v2", false),
            ("/model/anthropic.claude-v2/invoke-with-response-stream", "anthropic.claude-v2", true),
            ("/model/arn%3Aaws%3Abedrock%3Ax%2Fy/invoke", "arn:aws:bedrock:x/y", false),
            (
                "/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.x/converse",
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.x",
                false,
            ),
            ("/v1beta/models/gemini-2.5-flash:streamGenerateContent", "gemini-2.5-flash", true),
            ("/v1beta/models/gemini-2.5-flash%3AgenerateContent", "gemini-2.5-flash", false),
            (
                "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
                "gemini-2.5-pro",
                false,
            ),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4@20250514:streamRawPredict",
                "claude-sonnet-4@20250514",
                true,
            ),
            ("/v1beta/tunedModels/mine:generateContent", "mine", false),
        ];
        for (path, model, is_streaming) in decided {
            let expected = PathFacts { model: Some(model.into()), is_streaming: Some(is_streaming), decided: true };
            assert_eq!(PathFacts::of(path), expected, "{path}");
        }
    }

    #[test]
    fn some_paths_say_what_holds_unless_the_body_says_otherwise() {
        for (path, model, is_streaming) in [
            ("/openai/deployments/gpt-4o/chat/completions", Some("gpt-4o"), None),
            ("/api/chat", None, Some(true)),
            ("/ollama/api/generate", None, Some(true)),
        ] {
            let expected = PathFacts { model: model.map(Into::into), is_streaming, decided: false };
            assert_eq!(PathFacts::of(path), expected, "{path}");
        }
    }

    #[test]
    fn other_paths_say_nothing() {
        for path in [
            "",
            "/",
            "/v1/chat/completions",
            "/v1/messages",
            "/v1/models/ft:gpt-4o:org::id",
            "/model/converse",
            "/v1beta/models",
            "/api/embed",
            "/v1beta/models/gemini-2.5-flash",
            "/v1/projects/p/locations/l/endpoints/openapi/chat/completions",
        ] {
            assert_eq!(PathFacts::of(path), PathFacts::default(), "{path}");
        }
    }
}
