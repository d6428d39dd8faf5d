//! Answers of providers: one event of each of the main dialects while an answer is being written, and answers in one piece.

/// OpenAI Chat Completions, asked for usage: every chunk carries the key.
pub const OPENAI_CHAT: &[u8] = b"data: {\"id\":\"chatcmpl-Ck3vB0Zq9n1mXo2Tt7yAaLw4eRsUd\",\"object\":\"chat.completion.chunk\",\
\"created\":1760000000,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_a24b4d720c\",\
\"choices\":[{\"index\":0,\"delta\":{\"content\":\" measured\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\
\"obfuscation\":\"q7Zt0\"}\n\n";

/// Anthropic Messages.
pub const ANTHROPIC: &[u8] = b"event: content_block_delta\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" measured twice\"}}\n\n";

/// OpenAI Responses.
pub const OPENAI_RESPONSES: &[u8] = b"event: response.output_text.delta\n\
data: {\"type\":\"response.output_text.delta\",\"sequence_number\":42,\"item_id\":\"msg_68e5f0a1b2c481909d3e4f5a6b7c8d9e0f1a2b3c\",\
\"output_index\":0,\"content_index\":0,\"delta\":\" measured\",\"logprobs\":[],\"obfuscation\":\"8sXw2Lq\"}\n\n";

/// Gemini: every event is a response with the usage so far.
pub const GEMINI: &[u8] =
    b"data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \" measured twice, cut once\"}],\
\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 12,\"candidatesTokenCount\": 34,\
\"totalTokenCount\": 46},\"modelVersion\": \"gemini-2.5-flash\",\"responseId\": \"xY3baLmNOpQrStUvWxYz\"}\r\n\r\n";

/// OpenAI Chat Completions, not streamed.
pub const OPENAI_ANSWER: &[u8] = b"{\"id\":\"chatcmpl-Ck3vB0Zq9n1mXo2Tt7yAaLw4eRsUd\",\"object\":\"chat.completion\",\"created\":1760000000,\
\"model\":\"gpt-4o-2024-08-06\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Measure twice:\\n\\n1. The \\\"length\\\", along \
the grain\\n2. The width, across it\\n\\nThen cut once. What has been cut off cannot be put back, and a second board costs more than a \
second look at the first one.\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":19,\
\"completion_tokens\":52,\"total_tokens\":71,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":\
{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\",\
\"system_fingerprint\":\"fp_a24b4d720c\"}";

/// Anthropic Messages, not streamed.
pub const ANTHROPIC_ANSWER: &[u8] = b"{\"model\":\"claude-sonnet-4-5-20250929\",\"id\":\"msg_01XqTzW9mYv3Kc8dR4nHsB2a\",\"type\":\"message\",\
\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Measure twice:\\n\\n1. The \\\"length\\\", along the grain\\n2. The width, across \
it\\n\\nThen cut once. What has been cut off cannot be put back, and a second board costs more than a second look at the first one.\"}],\
\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":19,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\
\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":52,\"service_tier\":\"standard\"}}";
