//! The request side of a dialect: the facts that its paths tell, and the keys under which its bodies hold messages and tools.

use std::borrow::Cow;

/// The keys of a dialect's requests, and the reader of its paths. What no dialect names differently (`model`, `stream`, a
/// message's `role`, the `type` of a block) is not repeated here.
#[derive(Debug)]
pub(super) struct RequestForm {
    /// Reads the path of a request; `None` for a path that is not of this dialect or tells nothing.
    pub(super) path: Option<for<'a> fn(&'a str) -> Option<PathFacts<'a>>>,
    /// Keys and their meanings.
    pub(super) keys: &'static [(&'static [u8], RequestKey)],
}

impl RequestForm {
    /// The form of a dialect whose requests tell nothing that others do not.
    pub(super) const PLAIN: Self = Self { path: None, keys: &[] };

    pub(super) const fn with_keys(keys: &'static [(&'static [u8], RequestKey)]) -> Self {
        Self { path: None, keys }
    }
}

/// The meaning of a key in a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKey {
    /// At the top: the list of messages.
    Messages,
    /// At the top: one text, several, or one in the form of token numbers.
    Prompt,
    /// In a message: its blocks.
    Blocks,
    /// In a message: a list of tool calls.
    ToolCalls,
    /// In a message or a block: an object that is the use of a tool.
    ToolUse,
    /// In a block: an object that is the result of a tool.
    ToolResult,
}

/// The facts that a request's path tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathFacts<'a> {
    pub(crate) model: Option<Cow<'a, str>>,
    pub(crate) is_streaming: Option<bool>,
    /// Whether the path overrules the body; else it holds for a body that says nothing else.
    pub(crate) decided: bool,
}

impl<'a> PathFacts<'a> {
    /// Facts that overrule the body.
    pub(super) fn decided(model: Cow<'a, str>, is_streaming: bool) -> Self {
        Self { model: Some(model), is_streaming: Some(is_streaming), decided: true }
    }
}

/// Reads `/model/{id}/{operation}`, the paths of Amazon Bedrock. The id may be an ARN, with slashes of its own.
/// `operations` are the names that count, and whether each asks for a stream.
pub(super) fn bedrock_path<'a>(path: &'a str, operations: &[(&str, bool)]) -> Option<PathFacts<'a>> {
    // Every request's path is looked at: its last bytes refuse most of them at once.
    let (rest, is_streaming) = operations
        .iter()
        .find_map(|(name, is_streaming)| Some((path.strip_suffix(name)?.strip_suffix('/')?, *is_streaming)))?;
    let (_, id) = rest.split_once("/model/")?;
    Some(PathFacts::decided(percent_decoded(id), is_streaming))
}

/// Resolves percent escapes; one that is none stays as it is.
pub(super) fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::PathFacts;
    use crate::usage::dialect::of_path;

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
            assert_eq!(of_path(path), expected, "{path}");
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
            assert_eq!(of_path(path), expected, "{path}");
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
            assert_eq!(of_path(path), PathFacts::default(), "{path}");
        }
    }
}
