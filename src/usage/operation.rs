//! The kinds of request to a model, in OpenTelemetry's words.

use crate::words::words;

/// A kind of request to a model, as in OpenTelemetry's attribute `gen_ai.operation.name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Messages in, a message out.
    Chat,
    /// The continuation of a text.
    TextCompletion,
    /// Vectors of texts.
    Embeddings,
    /// Gemini's own call, whose contents may be of any kind.
    GenerateContent,
}

words!(Operation {
    Chat => "chat",
    TextCompletion => "text_completion",
    Embeddings => "embeddings",
    GenerateContent => "generate_content",
});

impl Operation {
    /// Returns the operation that a request's path means in one of the known dialects; `None` for any other path.
    ///
    /// ```
    /// use active_requests::usage::Operation;
    ///
    /// assert_eq!(Operation::of_path("/v1/chat/completions"), Some(Operation::Chat));
    /// assert_eq!(Operation::of_path("/v1beta/models/gemini-2.5-pro:generateContent"), Some(Operation::GenerateContent));
    /// assert_eq!(Operation::of_path("/v1/models"), None);
    /// ```
    pub fn of_path(path: &str) -> Option<Self> {
        let (before, last) = path.rsplit_once('/')?;
        // Google's custom methods stand behind the name of a model.
        let name = last.rsplit_once(':').map_or(last, |(_, method)| method);
        Some(match name {
            "completions" if !before.ends_with("/chat") => Self::TextCompletion,
            "completions" | "messages" | "responses" | "chat" | "converse" | "converse-stream" | "rawPredict"
            | "streamRawPredict" => Self::Chat,
            "complete" | "generate" => Self::TextCompletion,
            "embeddings" | "embed" | "embedContent" | "batchEmbedContents" => Self::Embeddings,
            "generateContent" | "streamGenerateContent" => Self::GenerateContent,
            _ => return None,
        })
    }
}

/// Returns the name that OpenTelemetry has for a provider, as in its attribute `gen_ai.provider.name`; a provider that it does not name keeps
/// its own.
pub fn gen_ai_provider_name(provider: &str) -> &str {
    match provider {
        "azure" => "azure.ai.openai",
        "bedrock" => "aws.bedrock",
        "gemini" | "google" => "gcp.gemini",
        "kimi" | "moonshot" => "moonshot_ai",
        "mistral" => "mistral_ai",
        "vertex" => "gcp.vertex_ai",
        "xai" => "x_ai",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_the_operation_in_each_dialect() {
        let table = [
            ("/v1/chat/completions", "chat"),
            ("/openai/deployments/gpt-4o/chat/completions", "chat"),
            ("/v1/messages", "chat"),
            ("/v1/responses", "chat"),
            ("/v2/chat", "chat"),
            ("/api/chat", "chat"),
            ("/model/anthropic.claude-v2%3A1/converse-stream", "chat"),
            ("/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict", "chat"),
            ("/v1/completions", "text_completion"),
            ("/openai/deployments/davinci/completions", "text_completion"),
            ("/v1/complete", "text_completion"),
            ("/api/generate", "text_completion"),
            ("/v1/embeddings", "embeddings"),
            ("/api/embed", "embeddings"),
            ("/v1beta/models/text-embedding-004:embedContent", "embeddings"),
            ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", "generate_content"),
            ("/v1/models", ""),
            ("/v1/messages/count_tokens", ""),
            ("/v1/responses/resp_1", ""),
            ("/v1/images/generations", ""),
            ("/model/m/invoke", ""),
            ("/", ""),
            ("", ""),
        ];
        for (path, expected) in table {
            assert_eq!(Operation::of_path(path).map_or("", Operation::as_str), expected, "{path}");
        }
    }
}
