//! One event of each of the main dialects, as their providers send them while an answer is being written.

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
